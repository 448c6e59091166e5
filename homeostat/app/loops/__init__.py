"""A user's loops as their files declare them, and what a home remembers of them."""
