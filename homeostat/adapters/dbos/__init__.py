"""Durable workflows on DBOS, in this process and in one SQLite file.

Reads and writes only that file. Results of steps are JSON; nothing is ever unpickled. May import training
(the port) and kernel.
"""
