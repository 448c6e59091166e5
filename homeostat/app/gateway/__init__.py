"""The gateway beside its doors: what a replica serves from, what it counts, and what others read of it."""
