"""Install what a run needs. Only the standard library: nothing is there yet."""
