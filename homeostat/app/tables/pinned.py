"""Which versions of tables must stay readable: those that registered versions and trainings stand on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from homeostat.app.home import Home
from homeostat.kernel.errors import IntegrityError
from homeostat.registry.manifest import MANIFEST


def pinned(home: Home) -> dict[str, set[int]]:
    """The pinned versions of each table.

    Raises: IntegrityError when a manifest or a job cannot be read: what it pins would be lost.
    """
    found: dict[str, set[int]] = {}
    for versions in _pins(home):
        for table, version in versions.items():
            found.setdefault(table, set()).add(version)
    return found


def pinned_logs(home: Home) -> dict[str, set[int]]:
    """The versions of each loop's prediction log that say which rows registered versions were trained on: those of
    loops that declare a feedback. Raises: as `pinned` does."""
    found: dict[str, set[int]] = {}
    for manifest in home.versions.glob(f"*/*/{MANIFEST}"):
        told = _read_json(manifest, "pin").get("feedback")
        if told is not None and int(told["log_version"]) >= 0:  # before anything was served there is no log
            found.setdefault(manifest.parent.parent.name, set()).add(int(told["log_version"]))
    return found


def _pins(home: Home) -> Iterator[Mapping[str, int]]:
    for manifest in home.versions.glob(f"*/*/{MANIFEST}"):
        yield _read(manifest, "pin", "table_versions")
    for job in home.jobs.glob("*/*/job.json"):
        yield _read(job, "table_versions")


def _read(path: Path, *names: str) -> Mapping[str, int]:
    try:
        return {str(table): int(version) for table, version in _read_json(path, *names).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(path) from error


def _read_json(path: Path, *names: str) -> Any:
    try:
        found: Any = json.loads(path.read_bytes())
        for name in names:
            found = found[name]
        return found
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> IntegrityError:
    return IntegrityError(
        f"{path} does not say which tables it was made from.",
        mend="Restore it from a backup, or remove its folder if that version is not needed.",
        path=str(path),
    )
