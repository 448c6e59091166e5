"""scikit-learn's estimators as they are: written by skops without pickle, and read back by a fixed list of types.

Reads and writes model.skops in version folders. May import serving, training, registry, data and kernel.
"""
