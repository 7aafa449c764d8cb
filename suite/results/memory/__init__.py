"""Where memory went, and whether a card would hold it."""
