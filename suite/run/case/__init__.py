"""One case, measured: its process, its session, its record."""
