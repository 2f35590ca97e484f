"""The app: what a trainee sees, page by page."""
