"""SQLite as the embedded store of what is written row by row: the journal and the online features.

Owns journal.sqlite and online.sqlite; each has one writing process, and readers never wait for it.
May import data, features and the kernel.
"""
