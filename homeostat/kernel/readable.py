"""Files of SQLite that are only looked at, also where nobody may write: a copy on a medium, another's home."""

from __future__ import annotations

import os
from pathlib import Path


def read_only_address(path: Path) -> str:
    """The URI by which SQLite reads a file and changes nothing.

    Where it may not even make its companions beside it, the file is taken as it is, unless a log of what was written
    last lies there, without which it would be an older state.

    >>> read_only_address(Path("/no where/journal.sqlite"))
    'file:///no%20where/journal.sqlite?mode=ro&immutable=1'
    """
    alone = not may_write(path.parent) and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"


def may_write(folder: Path) -> bool:
    """Whether files can be made in a folder."""
    return os.access(folder, os.W_OK)
