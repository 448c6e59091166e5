"""The model registry on MLflow: every version is one run, one model version and its files as artifacts.

Reads and writes MLflow's tracking store and artifacts, and the local copies of version folders. MLflow is
imported at the first call, since that takes seconds. May import registry, data and kernel.
"""
