"""The steps of a version: what each took and gave, from its folder, and what it cost, from the gate's decision."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from homeostat.app.home import Home
from homeostat.app.provenance.versions import origin
from homeostat.governance.audit import Entry
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import NotFound
from homeostat.registry.manifest import STEPS
from homeostat.training.jobs import JobFolder

Json = dict[str, Any]
_SHOWN = ("name", "state", "seconds", "done", "of")
_COST = ("state", "seconds", "memory", "attempts")
_UNKNOWN = dict.fromkeys(_COST)


def steps_of(home: Home, loop: str, version: str, entries: Iterable[Entry]) -> Json:
    """Every step of a registered version; its cost is null where no decision of ``entries`` tells it.

    The last ones, sign and register, are told by that decision alone: what is signed cannot tell of its signature.

    Raises: NotFound for no such version, and for one of before training had steps; IntegrityError for changed files.
    """
    found = origin(home, loop, version)
    if STEPS not in found.version.files:
        mend = "Versions that are made from now on have them."
        raise NotFound(f"{version} was made before steps were kept.", mend=mend, loop=loop, version=version)
    costs = _costs(version, entries)
    told = json.loads((found.folder / STEPS).read_bytes())
    steps = [{**one, **costs.pop(one["name"], _UNKNOWN)} for one in told]
    return {"loop": loop, "version": version, "steps": [*steps, *costs.values()]}


def steps_under_way(home: Home, loop: str, version: str) -> list[Json]:
    """How far each step of a training is; empty before it began."""
    place = JobFolder(home.jobs / loop / version)
    try:
        told = [*json.loads(place.steps.read_bytes()), *plain(list(place.last_records().values()))]
        return [{name: one[name] for name in _SHOWN} for one in told]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _costs(version: str, entries: Iterable[Entry]) -> dict[str, Json]:
    for entry in entries:
        told: Any = entry.draft.evidence.get("steps")
        if entry.draft.version == version and told:
            return {one["name"]: {**one, **{name: one.get(name) for name in _COST}} for one in told}
    return {}
