"""How right a loop is by slice, and which segment of its inputs does worse, from what its home holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from homeostat.app.control.scoring import read_profile
from homeostat.app.diagnosis.diagnosing import SEED, Diagnoser
from homeostat.app.shown.standings import Standings
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.control.performance.slices import PAST_DAYS, shown, slices_of
from homeostat.control.reading import TRAIL_DAYS
from homeostat.kernel.clock import Instant
from homeostat.monitoring.degraded import Segment, worst_segment
from homeostat.monitoring.signals import Unknown

Json = dict[str, Any]


def slices(standings: Standings, loop: Loop, trail: int = TRAIL_DAYS, *, worst: bool = False) -> Json:
    """Every figure by declared slice over a trail of days; with ``worst``, also a search among all inputs."""
    state, days = standings.state(loop.name), standings.days(loop.name)
    told = slices_of(loop.name, days, loop.sliced_by, trail, state.decided_until)
    if not worst:
        return {**told, "search": None}
    found = _searched(standings, loop, state.route.champion, days, trail, state.decided_until)
    return {**told, "search": _search_shown(found)}


def _searched(
    standings: Standings, loop: Loop, champion: str | None, days: list[Day], trail: int, now: Instant | None
) -> Segment | Unknown | None:
    """What `worst_segment` finds among all inputs of a sample of the log, scored by the champion.

    Only days that it was not trained on count. Raises: HomeostatError where its files are missing or changed.
    """
    version = None if champion is None else standings.manifests.find(loop.name, champion)
    if version is None or now is None:
        return Unknown("no_version")
    known = [day for day in days if day.start >= version.pin.cutoff and day.outcomes is not None]
    span = known[-(trail + PAST_DAYS) :]
    if len(span) <= trail:
        return Unknown("too_few_days")
    rows = Diagnoser.of(standings.home, loop).rows.read(version.version, span, now, np.random.default_rng(SEED))
    if isinstance(rows, Unknown):
        return rows
    since = int(np.datetime64(span[-trail].day, "D").astype(np.int64))
    profile = read_profile(standings.home.versions / loop.name / version.version)
    return worst_segment(profile, rows.take(rows.days < since), rows.take(rows.days >= since))


def _search_shown(found: Segment | Unknown | None) -> Json:
    if isinstance(found, Unknown):
        return {"unknown": found.reason, "found": None}
    if found is None:
        return {"unknown": None, "found": None}
    segment = {
        "feature": found.feature,
        "group": found.group,
        "share": found.share,
        "excess": found.excess.effect,
        "p_value": found.excess.p_value,
        "rise": shown(found.rise),
        "rest_rise": shown(found.rest),
        "alone": found.alone,
        "looked_at": found.looked_at,
        "stood_out": found.found,
    }
    return {"unknown": None, "found": segment}
