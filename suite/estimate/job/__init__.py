"""The answer for a job: how methods compare, in sentences, and whether buying a GPU pays."""
