"""Pictures to try the app with: drawn by a program of ours, of no patient."""
