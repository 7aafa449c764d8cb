"""The GPU's samples over the steps of a record."""
