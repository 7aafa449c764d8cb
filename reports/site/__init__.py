"""A folder, or one file, of pages."""
