"""Where a prediction came from, what depends on data and definitions, and who is told: lineage, both ways."""
