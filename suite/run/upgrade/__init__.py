"""The same cases in two environments, and which package makes a difference."""
