"""LightGBM's boosters as they are: written as text in training, run through LightGBM's C interface in serving.

Reads and writes model.txt and columns.json in version folders; imports no Python package of LightGBM. May import
serving, training, registry, data and kernel.
"""
