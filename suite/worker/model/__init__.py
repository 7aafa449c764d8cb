"""The model that is trained: its shapes, weights and adapters."""
