"""What must not leave a machine: how it is recognized in a text, and taken out of records."""
