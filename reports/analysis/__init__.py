"""What the records of a collection say beside each other, whichever page shows it."""
