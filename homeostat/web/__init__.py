"""Doors that speak HTTP: the data plane's own (``doors``) and the control plane's API and dashboard.

Protocol work only: parse, one call, shape. May import app and everything below it, never cli.
"""
