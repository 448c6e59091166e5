"""The processes of an installation: how they start, are watched, and end together."""
