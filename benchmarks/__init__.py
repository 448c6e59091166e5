"""Measures, on this machine, what the documentation states: ``make bench``.

Everything goes through real processes and real doors; beside each door stands the least that could answer.
"""
