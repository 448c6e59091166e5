"""Facts as they came: contracts, tables, the journal, labels and prediction records.

Owns what a row promises and how accepted rows are kept until they are stored.
Reads and writes nothing itself: stores and journals are ports with adapters.
May import the kernel, ``stats`` and msgspec; Arrow only in names of types, so that serving can import it.
"""
