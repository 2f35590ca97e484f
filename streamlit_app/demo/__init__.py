"""The demo of the README: the real app, driven through its pages and kept as a GIF and pictures."""
