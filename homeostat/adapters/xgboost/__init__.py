"""XGBoost's boosters as they are: written as UBJSON in training, run through XGBoost's C interface in serving.

Reads and writes model.ubj and columns.json in version folders; imports no Python package of XGBoost. May import
serving, training, registry, data and kernel.
"""
