"""The skew of a loop over a span of days, recomputed on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.shown.loop_views import feature_skew
from homeostat.control.loop import Loop
from homeostat.data.tables import SEQUENCE
from homeostat.data.weights import WEIGHT, weights
from homeostat.features.distances import distances
from homeostat.features.parity import plain_value
from homeostat.kernel.errors import Unavailable
from homeostat.monitoring.served import Examined
from homeostat.monitoring.skew import SkewDay
from homeostat.monitoring.windows import Window, day_name, days_of, window

Json = dict[str, Any]
Progress = Callable[[int, int], None]
"""Told after each day: how many are done, of how many."""
_MOST = 500
"""Rows of a day that the distance between distributions is measured on."""

"""Rows that the loop was asked for: shadows read the same features again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at: local days from ``since`` to ``until`` (None: from the first, to the last), a share of
    their rows, and how many differing rows of each feature are shown."""

    share: float
    since: str | None = None
    until: str | None = None
    examples: int = 0


@dataclass(slots=True)
class _Found:
    days: list[SkewDay] = field(default_factory=list)
    examples: list[Json] = field(default_factory=list)
    sides: list[tuple[Mapping[str, NDArray[Any]], Mapping[str, NDArray[Any]]]] = field(default_factory=list)
    environments: set[str] = field(default_factory=set)


def skew_report(settings: Settings, loop: Loop, asked: Asked, progress: Progress) -> Json:
    """Per feature the rate at which served rows differ, its bounds and cause; all unknown before a prediction."""
    upto = _complete(settings, loop)
    log = DeltaTables(settings.paths.log)
    check = SkewCheck.of(settings.paths, loop, DeltaTables(settings.paths.tables))
    served = _days(log, loop, asked)
    found = _Found()
    for place, (part, rows) in enumerate(_slices(log, loop, [day for day, _ in served]), start=1):
        kept, left_out = check.choose(rows, asked.share, upto=upto)
        _take(found, loop, check, check.examine(kept), asked, left_out, part)
        progress(place, len(served))
    return _told(loop, asked, served, found, check)


def _take(
    found: _Found, loop: Loop, check: SkewCheck, seen: Examined, asked: Asked, left_out: int, part: Window
) -> None:
    found.days.append(check.count(seen, asked.share, left_out))
    found.environments |= {str(one) for one in seen.environment if one}
    if seen.rows:
        few = seen.take(np.linspace(0, seen.rows - 1, min(seen.rows, _MOST)).astype(np.int64))
        found.sides.append((few.served, few.recomputed))
    for name in check.judged.names:
        have = sum(one["feature"] == name for one in found.examples)
        for row in np.flatnonzero(seen.wrong[name])[: max(0, asked.examples - have)].tolist():
            values = {"served": seen.served[name][row], "recomputed": seen.recomputed[name][row]}
            told = {side: plain_value(value) for side, value in values.items()}
            found.examples.append({"feature": name, "day": part.name, "prediction_id": seen.ids[row], **told})


def _told(loop: Loop, asked: Asked, served: Sequence[tuple[Window, int]], found: _Found, check: SkewCheck) -> Json:
    apart = _distances(check, found)
    features = [{**feature_skew(name, found.days), "distance": apart.get(name)} for name in loop.feature_set.names]
    return {
        "loop": loop.name,
        "since": served[0][0].name if served else asked.since,
        "until": served[-1][0].name if served else asked.until,
        "share": asked.share,
        "days": len(served),
        "served": sum(rows for _, rows in served),
        "rows": sum(day.rows for day in found.days),
        "left_out": sum(day.left_out for day in found.days),
        "hidden": [name for name in loop.feature_set.names if name not in check.judged.names],
        "environments": sorted(found.environments),
        "features": sorted(features, key=lambda one: -(one["rate"] or 0.0)),
        "examples": found.examples,
    }


def _distances(check: SkewCheck, found: _Found) -> dict[str, Json]:
    if not found.sides:
        return {}
    names = check.judged.names
    served, again = (
        {name: np.concatenate([pair[side][name] for pair in found.sides]) for name in names} for side in (0, 1)
    )
    return {
        one.feature: {"measure": one.measure, "value": one.value}
        for one in distances(check.judged.kinds, served, again)
    }


def _complete(settings: Settings, loop: Loop) -> int:
    """The sequence up to which every fact is stored, after asking a running recorder to store what it has."""
    try:
        return BlockingRecorderClient(settings.recorder_socket).flush().sequence
    except Unavailable:
        stored = DeltaTables(settings.paths.tables)
        newest = [_newest(stored, table.name) for table in loop.tables if stored.version(table.name) >= 0]
        return max(newest, default=-1)


def _newest(stored: DeltaTables, table: str) -> int:
    found = pc.max(stored.read(table, columns=[SEQUENCE])[SEQUENCE]).as_py()
    return -1 if found is None else int(found)


def _days(log: DeltaTables, loop: Loop, asked: Asked) -> list[tuple[Window, int]]:
    """The days on which something was served, and how many rows."""
    if log.version(loop.name) < 0:
        return []
    weighing = [name for name in (WEIGHT,) if name in log.columns(loop.name)]
    served = log.read(loop.name, columns=["asked_at", *weighing], where=ANSWERED)
    days = days_of(served["asked_at"].cast(pa.int64()).to_numpy(), loop.timezone)
    numbers, place = np.unique(days, return_inverse=True)
    rows = np.bincount(place, weights=weights(served), minlength=numbers.size)
    named = [(day_name(int(number)), int(count)) for number, count in zip(numbers, rows, strict=True)]
    since, until = asked.since or "", asked.until or "9999-12-31"
    return [(window(name, loop.timezone), count) for name, count in named if since <= name <= until]


def _slices(log: DeltaTables, loop: Loop, days: Sequence[Window]) -> Iterator[tuple[Window, pa.Table]]:
    stamp = pa.timestamp("us", tz="UTC")
    asked = pc.field("asked_at")
    for part in days:
        where = (asked >= pa.scalar(part.start, stamp)) & (asked < pa.scalar(part.end, stamp)) & ANSWERED
        yield part, log.read(loop.name, where=where)
