"""Blocks that a page and a Markdown document share."""
