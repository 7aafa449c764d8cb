"""From a page and its template to HTML."""
