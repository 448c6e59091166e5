"""Who decided what, on which evidence: the chained ledger and its signed heads.

Pure: values in, values out. Storage and keys are adapters' work. May import kernel, data, registry, monitoring.
"""
