"""What goes with an outcome or a loss: columns, segments, shares, and shifts of inputs or of their relation."""
