"""Starts a loop of one's own: from rows with a target, from a model, or from rows that are made up.

Owns the text of what is written: a loop file, its tests, a page to read, history to take in. Reads a file of rows or
a model; writes a new folder and the home in it.
"""
