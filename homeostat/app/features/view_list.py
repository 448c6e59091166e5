"""Which feature views there are, who uses them, and how often they had nothing to say lately."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop, load_loops
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.versions.manifests import Manifests
from homeostat.control.loop import Loop
from homeostat.data.weights import ONE_IN, WEIGHT, evened
from homeostat.features.views import View
from homeostat.kernel.clock import duration
from homeostat.registry.models import Version

Json = dict[str, Any]
RECENT = duration("7d")
"""How far back the share of missing values is counted."""


def listed_views(home: Home, loop: str | None) -> list[Json]:
    """Every view of every loop, or of one, in the order declared."""
    loops = load_loops(home.loop_file()).values() if loop is None else [load_loop(home.loop_file(), loop)]
    return [view for one in loops for view in _views(home, one)]


def _views(home: Home, loop: Loop) -> Iterator[Json]:
    missing = _missing(home, loop)
    versions = list(Manifests(home.versions).all(loop.name).values())
    for view in loop.feature_set.views:
        shares = {feature.name: missing.get(feature.name) for feature in view.features}
        known = [share for share in shares.values() if share is not None]
        yield {
            "loop": loop.name,
            "view": view.name,
            "kind": type(view).__name__.lower(),
            "table": view.table.name,
            "entity": list(view.entity),
            "hash": view.hash,
            "freshness": view.freshness or view.table.freshness,
            "versions": sorted(using(versions, view), key=lambda name: (len(name), name)),
            "missing": sum(known) / len(known) if known else None,
            "features": [{"feature": name, "missing": share} for name, share in shares.items()],
        }


def using(versions: Iterable[Version], view: View) -> list[str]:
    """Versions that were trained with exactly this definition."""
    return [
        one.version for one in versions if view.name in one.definitions and one.definitions[view.name].hash == view.hash
    ]


def _missing(home: Home, loop: Loop) -> dict[str, float]:
    """Per feature the share of the last seven days' predictions that were served without it."""
    log = DeltaTables(home.log)
    newest = log.newest(loop.name, "served_at")
    if newest is None:
        return {}
    begins = pa.scalar(newest.cast(pa.int64()).as_py() - RECENT, newest.type)
    names = {f"x_{name}": name for name in loop.feature_set.names}
    weighing = [name for name in ("prediction_id", WEIGHT, ONE_IN) if name in log.columns(loop.name)]
    rows, _ = evened(
        log.read(loop.name, columns=[*names, *weighing], where=(pc.field("served_at") > begins) & ANSWERED)
    )
    if not rows.num_rows:
        return {}
    return {name: rows[stored].null_count / rows.num_rows for stored, name in names.items()}
