"""Versions of a loop: registered, read, loaded, kept and deleted."""
