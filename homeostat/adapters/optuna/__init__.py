"""Optuna, which proposes what a search tries next.

Reads and writes nothing: what was tried is handed to it each time. May import training and kernel.
"""
