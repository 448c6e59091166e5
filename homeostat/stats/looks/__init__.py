"""Looking again and again without being fooled: bounds and evidence that hold at every look at once."""
