"""One card against another."""
