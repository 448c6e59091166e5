"""What is said of a file of rows that cannot be read, whoever tries."""

from __future__ import annotations

from pathlib import Path

from homeostat.kernel.errors import InvalidInput


def of_no_kind(path: Path) -> InvalidInput:
    """Its name says nothing that can be read."""
    mend = "Give a file that ends in .csv, .parquet or .jsonl."
    return InvalidInput(f"{path} is of no kind that can be read.", mend=mend, file=str(path))


def not_as_named(path: Path, error: Exception) -> InvalidInput:
    """It is broken, or something else than its name says."""
    why = (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")
    mend = "Look whether the file is whole, and is what its name says."
    return InvalidInput(f"{path} cannot be read: {why}.", mend=mend, file=str(path))
