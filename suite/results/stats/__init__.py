"""How launches scatter, and what a difference between them says."""
