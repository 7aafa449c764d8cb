"""How far launches of the same thing lie apart, and what a comparison allows for it."""
