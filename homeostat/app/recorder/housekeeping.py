"""Removes files of tables and logs that nothing needs any more: by itself once a day, and when asked."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from homeostat.app.home import Home
from homeostat.app.tables.pinned import pinned, pinned_logs
from homeostat.data.tables import TableStore
from homeostat.kernel.errors import InvalidInput

KEPT_HOURS = 168
"""How long files stay that no version needs: readers may still be at them."""
_LOG = logging.getLogger("homeostat.recorder")
Reply = dict[str, Any]


class Housekeeping:
    """Vacuums the tables and logs of a home; every version of a table that a registered version pins stays.

    Files let go less than ``least_hours`` ago are not touched: readers may be at them.
    """

    def __init__(self, home: Home, tables: TableStore, log: TableStore, *, least_hours: int = 1) -> None:
        self._home, self._tables, self._log, self._least = home, tables, log, least_hours

    async def vacuum(self, hours: int, *, dry_run: bool) -> Reply:
        """Per table and log how many files and bytes are not needed; removed unless it is a dry run.

        Raises: InvalidInput for fewer hours than files must stay.
        """
        if hours < self._least:
            mend = f"Give at least {self._least}, or stop Homeostat first."
            raise InvalidInput(f"Files let go {hours} hours ago may be in use.", mend=mend)
        keep = {name: sorted(versions) for name, versions in pinned(self._home).items()}
        kept_logs = pinned_logs(self._home)
        found: Reply = {"tables": {}, "logs": {}, "kept": keep, "removed": not dry_run}
        for kind, store, folder in (
            ("tables", self._tables, self._home.tables),
            ("logs", self._log, self._home.log),
        ):
            for name in _stored(folder):
                pins: Collection[int] = (keep if kind == "tables" else kept_logs).get(name, ())
                gone = await asyncio.to_thread(store.vacuum, name, pins, hours=hours, dry_run=dry_run)
                found[kind][name] = dataclasses.asdict(gone)
        return found

    async def daily(self) -> None:
        """The vacuum that happens by itself; says what it removed."""
        done = await self.vacuum(KEPT_HOURS, dry_run=False)
        for name, gone in _removed(done):
            _LOG.info("vacuumed %s: %d files, %.1f MB", name, gone["files"], gone["bytes"] / 1e6)


def _removed(done: Reply) -> list[tuple[str, Mapping[str, int]]]:
    told = [(f"{kind}/{name}", gone) for kind in ("tables", "logs") for name, gone in done[kind].items()]
    return [(name, gone) for name, gone in told if gone["files"]]


def _stored(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if (path / "_delta_log").is_dir()) if folder.is_dir() else []
