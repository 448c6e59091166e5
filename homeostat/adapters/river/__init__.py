"""Detectors of change of the river library, run over streams of block means.

Reads and writes nothing. May import monitoring, stats and kernel.
"""
