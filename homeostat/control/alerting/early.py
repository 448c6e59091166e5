"""Early signals of a day: what came in, what went out, and whether both are as they were in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from homeostat.control.days import Day
from homeostat.data.profiles import PREDICTION
from homeostat.kernel.verdicts import figure
from homeostat.kernel.words import plural
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading, Said
from homeostat.monitoring.alerts.rules import Severity
from homeostat.monitoring.skew import SkewDay, main_cause, skew_rate_or_none

FEWEST = 20
"""Rows kept apart below which no share is taken: a handful is no reason to wake anybody."""
_HALF, _TENTH = 0.5, 0.1
_LONG_SILENT = 3
_SKEW_DAYS = 7
_MIN_ROWS = 200
_Distance = tuple[str, int, float | None, float]
"""A measure, the days of its window, what it is there (None: unknown), and its limit."""


def early_readings(days: Sequence[Day], limits: Alerts, missing: Mapping[str, float]) -> list[Reading]:
    """Read the last of ``days``, which are oldest first; ``missing`` is each feature's missing share in training."""
    day = days[-1]
    return [
        *_freshness(days),
        *_quarantine(day, limits),
        *_missing(day, limits, missing),
        *_skew(days, limits),
        *_failures(day, limits),
        *_drift(day, limits),
    ]


def reading(
    rule: str,
    subject: str,
    day: Day,
    said: Said,
    text: str = "",
    seen: tuple[float | None, float | None] = (None, None),
    severity: Severity | None = None,
) -> Reading:
    """A reading of a day; ``seen`` is what was observed and its limit."""
    return Reading(rule, subject, day.day, day.end, said, text, *seen, severity)


def said(observed: float | None, limit: float) -> Said:
    """Which side of a limit a figure is on.

    >>> said(None, 0.2), said(0.3, 0.2), said(0.2, 0.2)
    ('unknown', 'over', 'within')
    """
    if observed is None:
        return "unknown"
    return "over" if observed > limit else "within"


def _freshness(days: Sequence[Day]) -> Iterator[Reading]:
    """A source that misses its objective for days on end is more urgent."""
    day = days[-1]
    for name, met in day.inputs.freshness.items():
        if met is not False:
            yield reading("freshness", name, day, "unknown" if met is None else "within")
            continue
        last = [one.inputs.freshness.get(name) for one in days[-_LONG_SILENT:]]
        long = len(last) == _LONG_SILENT and all(one is False for one in last)
        text = f"{name} misses its objective at the end of {day.day}"
        text += f", the {_LONG_SILENT}rd day in a row or more" if long else ""
        yield reading("freshness", name, day, "over", text, severity="P1" if long else None)


def _quarantine(day: Day, limits: Alerts) -> Iterator[Reading]:
    """Rows kept apart, against those and the rows that were predicted."""
    for table, apart in day.inputs.quarantined.items():
        share = apart / (apart + day.inputs.rows) if apart else 0.0
        if apart < FEWEST or share <= limits.quarantined:
            yield reading("quarantine", table, day, "within", seen=(share, limits.quarantined))
            continue
        text = f"{plural(apart, 'row')} of {table} kept apart on {day.day}, beside {day.inputs.rows:,} predicted"
        yield reading(
            "quarantine", table, day, "over", text, (share, limits.quarantined), "P1" if share > _HALF else None
        )


def _missing(day: Day, limits: Alerts, missing: Mapping[str, float]) -> Iterator[Reading]:
    """More than in training; of what was mostly missing there, more of it says nothing."""
    for name, usual in missing.items():
        counted = day.inputs.counted.get(name)
        if counted is None or counted.rows < _MIN_ROWS or usual > _HALF:
            yield reading("missing", name, day, "unknown")
            continue
        share = counted.missing / counted.rows
        text = f"{name} missing in {share:.0%} of rows, in training {usual:.0%}"
        more = share - usual
        yield reading("missing", name, day, said(more, limits.missing), text, (more, limits.missing))


def _skew(days: Sequence[Day], limits: Alerts) -> Iterator[Reading]:
    """The lower bound of the rate over the last days: one odd row is no skew."""
    day = days[-1]
    if day.skew is None or not day.skew.rows:
        return
    known: list[SkewDay] = [one.skew for one in days[-_SKEW_DAYS:] if one.skew is not None]
    for name, differing in day.skew.differing.items():
        rate = skew_rate_or_none(name, known)
        low = None if rate is None else rate.interval.low
        if low is None or low <= limits.skewed or not differing:
            yield reading("skew", name, day, said(low, limits.skewed) if differing else "within")
            continue
        cause = main_cause(name, known)
        text = f"{name} differs in at least {low:.1%} of rows" + (f" ({cause.name}: {cause.evidence})" if cause else "")
        yield reading("skew", name, day, "over", text, (low, limits.skewed), "P1" if low > _TENTH else None)


def _failures(day: Day, limits: Alerts) -> Iterator[Reading]:
    asked = day.inputs.rows + day.inputs.failed
    if not asked:
        return
    share = day.inputs.failed / asked
    enough = day.inputs.failed >= FEWEST
    text = f"{day.inputs.failed:,} failed requests on {day.day}, beside {plural(day.inputs.rows, 'prediction')}"
    over = said(share, limits.failed) if enough else "within"
    yield reading("failures", "requests", day, over, text, (share, limits.failed))


def _drift(day: Day, limits: Alerts) -> Iterator[Reading]:
    """Against what the version that served was trained on: each signal's own limit, one for all where it has none.

    Over where any distance over any window is; unknown with too few rows for all of them.
    """
    worst = _furthest(day) if day.inputs.drift else _customary(day, limits)
    for name, (measure, span, value, limit) in worst.items():
        rule, subject = ("prediction_drift", "predictions") if name == PREDICTION else ("drift", name)
        over = f" over {plural(span, 'day')}" if span > 1 else ""
        text = f"{measure} of {subject}{over} {figure(value)} > {figure(limit)}"
        yield reading(rule, subject, day, said(value, limit), text, (value, limit))


def _customary(day: Day, limits: Alerts) -> dict[str, _Distance]:
    values = {**day.inputs.psi, PREDICTION: day.inputs.prediction_psi}
    return {name: ("psi", 1, value, limits.drift) for name, value in values.items()}


def _furthest(day: Day) -> dict[str, _Distance]:
    """Of every subject, the distance from training that is largest in units of its limit."""
    found: dict[str, _Distance] = {}
    for one in (part for part in day.inputs.drift if not part.season):
        for name, limit in one.limits.items():
            this = (one.measure, one.span, one.values.get(name), limit)
            if name not in found or _units(this) > _units(found[name]):
                found[name] = this
    return found


def _units(distance: _Distance) -> float:
    _, _, value, limit = distance
    return -1.0 if value is None else value / max(limit, 1e-12)
