"""How far windows lie from a reference, from counts alone, and how far is too far."""
