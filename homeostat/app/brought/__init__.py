"""Models from elsewhere, for a loop to serve as they are."""
