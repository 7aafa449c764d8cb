"""The page of one card, and the list of all."""
