"""Folders and files of results: written safely, read as if strangers had made them."""
