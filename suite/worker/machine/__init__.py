"""What the worker measures of a machine, before any case."""
