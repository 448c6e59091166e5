"""Polars as the engine that looks at many rows at once: a batch against its contract, a file's columns.

Owns no state; reads files that a person names.
May import data and the kernel.
"""
