"""Measures serving as users meet it: ``python -m benchmarks.serving [--json] [--full]``.

One worker on one core, the load generator on another, 64 connections, one row of 20 features a request. Each figure
stands beside the same model behind a bare server, and beside the peers that are installed, taken in turns.
"""
