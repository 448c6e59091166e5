"""From pinned tables to a candidate version: rows, checks, training in a child, paired evaluation.

Owns the training job and its folder, the training set, the evaluation, and the port ``WorkflowEngine``.
Reads tables at pinned versions; writes only job folders. May import registry, features, data, stats and
kernel. Importing the package is cheap; pandas and pyarrow come with the modules that need them.
"""
