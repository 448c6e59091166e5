"""What is too large for memory: DuckDB sorts facts into parts on disk, and each part is joined in memory.

Reads Arrow tables and datasets; writes only temporary files, below the folder it is given.
"""
