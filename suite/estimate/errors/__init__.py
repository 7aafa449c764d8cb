"""How far estimates are off, on records that were left out of the fit."""
