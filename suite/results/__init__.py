"""What was measured: the record, where records are kept, and what is computed from them."""
