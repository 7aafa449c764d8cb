"""Figures that others published, beside what was measured here."""
