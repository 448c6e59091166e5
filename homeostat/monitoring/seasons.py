"""Drift beside the same weeks of a year before, as the training held them: what comes with every season is none."""

from __future__ import annotations

from collections.abc import Mapping

from homeostat.data.daily import DailyCounts
from homeostat.data.profiles import Profile, ReferenceProfile
from homeostat.monitoring.detectors import drift
from homeostat.monitoring.drift_limits import Limit
from homeostat.monitoring.drifting import Counted, Drifted, told_of
from homeostat.monitoring.signals import Signal
from homeostat.monitoring.windows import Window
from homeostat.stats.drift.window_distances import MEASURES

YEAR = 364
"""Days: whole weeks, so that weekdays meet weekdays."""
AROUND = 7
"""So many days more at both ends: seasons are not punctual."""
LONGEST = 28
WHY = "few_years"


def season_before(reference: ReferenceProfile, daily: DailyCounts, newest: int, day: int, span: int) -> Counted | None:
    """The training's rows of the days around those ``span`` that end with ``day``, of every whole year before that it
    holds; None where it does not reach back so far.

    ``day`` and ``newest``, the last of the training's days, are numbers of days.
    """
    found = {
        name: profile.filled(rows[:-1], rows[-1])
        for name, profile in reference.features.items()
        if (rows := _rows(profile, daily, name, newest, day, span)) is not None
    }
    return found or None


def beside_season(
    season: Counted, counted: Counted, day: Window, span: int, customary: Mapping[str, float]
) -> tuple[Drifted, ...]:
    """Every measure over the days that ended, beside their season. Few years earn no limit: all are customary."""
    signals: list[Signal] = [
        one for name, profile in season.items() if name in counted for one in drift(name, profile, counted[name], day)
    ]
    limits = {(span, one.name, one.subject): Limit(customary[one.name], "customary", WHY) for one in signals}
    return tuple(told_of(measure, span, signals, limits, season=True) for measure in MEASURES)


def _rows(profile: Profile, daily: DailyCounts, name: str, newest: int, day: int, span: int) -> list[int] | None:
    table = daily.of_subject(name, profile)
    if table is None:
        return None
    first, found = newest - len(table) + 1, []
    begins, ends = day - span + 1 - AROUND - YEAR, day + AROUND - YEAR
    while begins >= first:
        if ends <= newest:
            found.append(table[begins - first : ends - first + 1].sum(axis=0))
        begins, ends = begins - YEAR, ends - YEAR
    return None if not found else sum(found[1:], found[0]).tolist()
