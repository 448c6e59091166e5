"""What keeps Delta tables small: old files go, and what is there can be told."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from homeostat.adapters.delta.failures import translated
from homeostat.data.tables import Stored, Vacuumed

_LOOK_BACK = 300
"""Versions looked through for the last compaction."""


def small_files(delta: DeltaTable, target: int) -> int:
    """Files of the newest version that are worth merging."""
    return sum(size < target // 2 for size in _of_files(delta, "size_bytes"))


def vacuum(delta: DeltaTable, path: Path, keep: Collection[int], hours: int, dry_run: bool) -> Vacuumed:
    """Remove what neither the newest version nor a kept one needs; nothing is committed when there is nothing."""
    kept = sorted(version for version in keep if 0 <= version <= delta.version())

    def run(dry: bool) -> list[str]:
        return delta.vacuum(hours, dry, enforce_retention_duration=False, full=True, keep_versions=kept or None)

    unneeded = [path / unquote(name) for name in run(True)]
    size = sum(file.stat().st_size for file in unneeded if file.exists())
    if unneeded and not dry_run:
        run(False)
        delta.update_incremental()
    return Vacuumed(len(unneeded), size)


def stored(path: Path) -> Stored | None:
    """What the table in a folder takes on disk, told without Arrow being loaded; None when nothing is stored for it."""
    with translated(path.name, "opened"):
        try:
            return describe(DeltaTable(path), path)
        except TableNotFoundError:
            return None


def describe(delta: DeltaTable, path: Path) -> Stored:
    """What a table takes on disk."""
    rows = _of_files(delta, "num_records")
    done: dict[str, int] = {}
    for commit in delta.history(_LOOK_BACK):
        done.setdefault(commit["operation"], int(commit["timestamp"]) * 1_000)
    return Stored(
        version=delta.version(),
        rows=sum(rows),
        files=len(rows),
        bytes=sum(_sizes(path)),
        compacted_at=done.get("OPTIMIZE"),
        vacuumed_at=done.get("VACUUM END"),
    )


def _of_files(delta: DeltaTable, name: str) -> list[int]:
    """What the log says of each file of the newest version."""
    return [int(one) for one in delta.get_add_actions(flatten=True).column(name).to_pylist()]


def _sizes(path: Path) -> Iterator[int]:
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):  # it was let go meanwhile
                yield os.stat(os.path.join(folder, name)).st_size
