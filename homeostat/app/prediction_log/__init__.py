"""Reading the prediction log: predictions with their truth, what they saw, and how they were made."""
