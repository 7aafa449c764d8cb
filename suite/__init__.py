"""Tunebench: the same fine-tuning work on different hardware, compared with evidence."""

__version__ = "0.1.0"
