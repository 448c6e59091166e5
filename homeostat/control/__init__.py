"""Decides and acts: policies, gates, rollouts and the reconciler of each loop.

Judges here are pure; only ``reconcile`` acts, through ports. Reads evidence, writes routes, rollouts and
the ledger. May import governance, monitoring, serving, training, registry, features, data, stats, kernel.
"""
