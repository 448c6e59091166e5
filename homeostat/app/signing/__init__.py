"""Keys, and versions signed by them."""
