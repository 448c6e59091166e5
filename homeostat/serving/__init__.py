"""One use case behind every door: rows in, predictions out, recorded before they are acknowledged.

Owns routes in memory, the stable split of traffic and the fallback to the champion.
Reads the online store, versions and routes through ports; writes only the prediction spool.
May import registry, features, data, stats and kernel, NumPy and msgspec, and nothing heavier.
"""
