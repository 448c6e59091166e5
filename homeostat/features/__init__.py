"""Features: declared once, computed offline over tables and online within a request, equal in both.

Owns definitions, the point-in-time computation, the online store's ports and the parity check.
Reads facts as Arrow tables offline and through a snapshot online; writes nothing.
May import data, stats and kernel, and numpy; Arrow only in ``offline``, which serving never imports.
"""
