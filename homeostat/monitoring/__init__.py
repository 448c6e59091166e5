"""Watches a loop: windows of event time, signals over them, and pure judges of single signals.

Owns windows, signals, drift, the joining of late labels, performance sums and freshness. Works on counts,
sums and Arrow tables that others read: no I/O, no clock. Unknown is a value of its own and never passes.
May import serving, training, registry, features, data, stats and the kernel.
"""
