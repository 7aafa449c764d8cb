"""What verbs print: tables and sentences for a terminal, and rows for files."""
