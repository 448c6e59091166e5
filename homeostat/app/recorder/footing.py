"""Whether the files that a recorder writes to are still where it opened them: what lies elsewhere is lost with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_EVERY_SECONDS = 2.0


@dataclass(slots=True)
class Footing:
    """Files that were removed, moved or replaced while a process holds them open take what is written all the same.

    The one who started the process opens them anew: what can be rebuilt then is, and what cannot is told.
    """

    files: Iterable[Path]
    _inodes: dict[Path, int | None] = field(init=False)

    def __post_init__(self) -> None:
        self._inodes = {path: _inode(path) for path in self.files}

    def lost(self) -> list[Path]:
        """Those that are no longer what they were at first."""
        return [path for path, inode in self._inodes.items() if _inode(path) != inode]

    async def until_lost(self) -> list[Path]:
        """Look again and again until there are some."""
        while not (lost := self.lost()):
            await asyncio.sleep(_EVERY_SECONDS)
        return lost


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
