"""Parts of pages. Each draws one thing and returns what the user chose, if anything."""
