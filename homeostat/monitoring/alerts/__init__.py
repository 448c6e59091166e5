"""Signals and decisions become alerts: rules, severities, folding, silences, notices, and what came of each.

Pure: readings in, alerts and notices out; time is an argument. Stores and senders are ports that others implement.
May import the rest of monitoring, data, stats and the kernel.
"""
