"""Checks a change to a loop on what its home holds, and serves nothing.

Reads tables, logs, versions and the state of a home, writes into a working folder of its own; trainings run in
children with their limits.
"""
