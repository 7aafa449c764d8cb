"""A module or a folder for each page: from records to what its template sets."""
