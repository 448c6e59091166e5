"""Is the data broken? What values show: another unit, columns that changed places, one that stands still or is recoded.

A distribution that moved is no break. It is one where it turned, whole or in part, into what a known mistake makes of
the earlier values, and moved further than spans of that length did before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import NotEnoughData
from homeostat.kernel.verdicts import Reason, figure
from homeostat.monitoring.history import Rows
from homeostat.stats.arrays import Floats
from homeostat.stats.drift.mixture import Measure, Mixture, cumulated, distance, grid, mixture

MOVED = 0.15
"""The least distance (KS, or total variation of a text) that is worth an explanation."""
LEAST_SHARE = 0.15
LEAST_ROWS = 100
STUCK, NOT_STUCK = 0.98, 0.9
_TIMES_USUAL = 1.5
_FITS, _FITS_FAR = 0.25, 0.5
"""What a mixture may leave of the distance: little, for nature stretches values too; more for a factor of 50 on."""
_FAR = 50.0
_WHOLE = 0.8
_SPANS = 6
_MOST_VALUES = 4_000

UNITS: Mapping[str, tuple[float, float]] = {
    "x 1,000": (1e3, 0.0),
    "x 1/1,000": (1e-3, 0.0),
    "x 1,000,000": (1e6, 0.0),
    "x 1/1,000,000": (1e-6, 0.0),
    "x 100": (1e2, 0.0),
    "x 1/100": (1e-2, 0.0),
    "x 10": (10.0, 0.0),
    "x 1/10": (0.1, 0.0),
    "x 3,600 (hours to seconds)": (3600.0, 0.0),
    "x 1/3,600 (seconds to hours)": (1 / 3600.0, 0.0),
    "x 60 (minutes to seconds)": (60.0, 0.0),
    "x 1/60 (seconds to minutes)": (1 / 60.0, 0.0),
    "sign turned": (-1.0, 0.0),
    "Fahrenheit to Celsius": (5 / 9, -160 / 9),
    "Celsius to Fahrenheit": (1.8, 32.0),
    "Celsius to Kelvin": (1.0, 273.15),
    "Kelvin to Celsius": (1.0, -273.15),
    "miles to kilometres": (1.609344, 0.0),
    "kilometres to miles": (1 / 1.609344, 0.0),
    "feet to metres": (0.3048, 0.0),
    "metres to feet": (1 / 0.3048, 0.0),
    "inches to centimetres": (2.54, 0.0),
    "centimetres to inches": (1 / 2.54, 0.0),
    "pounds to kilograms": (0.45359237, 0.0),
    "kilograms to pounds": (1 / 0.45359237, 0.0),
}
"""What is done to values by mistake: factor and what is added."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moved:
    """One feature whose values moved: samples of before and now, and how far spans of before are from the rest."""

    name: str
    before: NDArray[Any]
    now: NDArray[Any]
    by_day: Sequence[NDArray[Any]]
    apart: float

    @property
    def measure(self) -> Measure:
        return "total_variation" if self.before.dtype == object else "ks"


def breaks_of_rows(before: Rows, lately: Rows) -> list[Reason]:
    """Every break that values show by themselves, each with both sides; a feature is named once."""
    spans = _spans(before, int(np.unique(lately.days).size))
    moved = [one for name in lately.columns if (one := _moved(name, before, lately, spans)) is not None]
    found = list(_swapped(moved))
    named = {name for _, names in found for name in names}
    reasons = [reason for reason, _ in found]
    for one in (one for one in moved if one.name not in named):
        reason = _recoded(one) if one.measure == "total_variation" else _other_unit(one)
        reason = reason or _stuck(one, before, spans)
        reasons += [] if reason is None else [reason]
    return reasons


def _moved(name: str, before: Rows, lately: Rows, spans: Sequence[Rows]) -> _Moved | None:
    """The feature, if it moved further than any span of earlier days did."""
    old, new = (_known(side.columns[name]) for side in (before, lately))
    if min(old.size, new.size) < LEAST_ROWS:
        return None
    apart = _apart(old, new)
    if apart < MOVED:
        return None
    inner = [_known(span.columns[name]) for span in spans]
    usual = sorted(_apart(old, one) for one in inner if one.size >= LEAST_ROWS)
    widest = usual[-2:][0] if len(usual) >= 3 else max(usual, default=0.0)  # one of them may be broken already
    if apart < _TIMES_USUAL * widest:
        return None
    days = [_known(lately.columns[name][lately.days == day]) for day in np.unique(lately.days)]
    return _Moved(name, old, new, [one for one in days if one.size], apart)


def _spans(before: Rows, days: int) -> list[Rows]:
    """Spans of earlier days as long as today's, the newest first: how far apart chance and weather bring them."""
    names = np.unique(before.days)
    ends = range(names.size, days - 1, -max(days, 1))
    return [before.take(np.isin(before.days, names[end - days : end])) for end in list(ends)[:_SPANS]]


def _known(values: NDArray[Any]) -> NDArray[Any]:
    """Values that are not missing, some thousand of them at even distances."""
    if values.dtype == object:
        kept = values[[not (one is None or one == "" or one != one) for one in values.tolist()]]
    else:
        kept = values[np.isfinite(values)]
    return kept[:: max(1, kept.size // _MOST_VALUES)]


def _apart(first: NDArray[Any], second: NDArray[Any]) -> float:
    measure: Measure = "total_variation" if first.dtype == object else "ks"
    one, two = _vectors(measure, first, second)
    return distance(one, two, measure)


def _vectors(measure: Measure, *samples: NDArray[Any]) -> list[Floats]:
    """Each sample at the same points: cumulated shares of numbers, shares of names."""
    if measure == "ks":
        points = grid(*samples)
        return [cumulated(one, points) for one in samples]
    coded = np.unique(np.concatenate([one.astype(str) for one in samples]), return_inverse=True)[1]
    ends = np.cumsum([one.size for one in samples])[:-1]
    size = int(coded.max(initial=0)) + 1
    return [np.bincount(part, minlength=size) / part.size for part in np.split(coded, ends)]


def _mixed(one: _Moved, other: NDArray[Any]) -> Mixture | None:
    try:
        return mixture(*_vectors(one.measure, one.now, one.before, other), measure=one.measure)
    except NotEnoughData:
        return None


def _fits(found: Mixture | None, part: float) -> bool:
    return found is not None and found.share >= LEAST_SHARE and found.left <= part * found.apart


def _swapped(moved: Sequence[_Moved]) -> Iterator[tuple[Reason, tuple[str, str]]]:
    """Pairs of which each turned into the other, in about the same share of rows."""
    taken: set[str] = set()
    for one, two in combinations(moved, 2):
        if one.measure != two.measure or {one.name, two.name} & taken:
            continue
        here, there = _mixed(one, two.before), _mixed(two, one.before)
        if here is None or there is None or abs(here.share - there.share) > 0.2:
            continue
        if _fits(here, _FITS_FAR) and _fits(there, _FITS_FAR):
            taken |= {one.name, two.name}
            share = (here.share + there.share) / 2
            text = f"{one.name} and {two.name} changed places in about {100 * share:.0f} % of the rows:"
            left = max(here.left, there.left)
            text += f" distance {figure(max(here.apart, there.apart))} from their own values before,"
            yield Reason("swapped", share, LEAST_SHARE, f"{text} {figure(left)} once put back"), (one.name, two.name)


def _other_unit(one: _Moved) -> Reason | None:
    """The unit whose mixture with the old one leaves least, if that is little enough.

    Weather stretches values by a little, too: a factor below 50 must be that of all rows, and of nearly every day.
    """
    tried = []
    for name, (factor, shift) in UNITS.items():
        other = one.before * factor + shift
        found = _mixed(one, other)
        far, whole = max(abs(factor), 1 / abs(factor)) >= _FAR, found is not None and found.share >= _WHOLE
        if found is None or not _fits(found, _FITS_FAR if far and whole else _FITS):
            continue
        if far or (whole and _daily(one, other)):
            tried.append((found.left, name, found))
    if not tried:
        return None
    _, name, best = min(tried, key=lambda each: each[0])
    medians = [figure(float(np.median(side))) for side in (one.before, one.now)]
    text = f"{one.name} came in another unit ({name}) in about {100 * best.share:.0f} % of the rows:"
    text += f" median {medians[1]}, {medians[0]} before; distance {figure(best.apart)}, {figure(best.left)} once undone"
    return Reason("unit", best.share, LEAST_SHARE, text)


def _daily(one: _Moved, other: NDArray[Any]) -> bool:
    """Whether on nearly all days values are much nearer to the other distribution than to their own."""
    nearer = [2.0 * _apart(day, other) < _apart(day, one.before) for day in one.by_day]
    return sum(nearer) >= _WHOLE * len(nearer)


def _recoded(one: _Moved) -> Reason | None:
    """Nearly all names are new: another spelling or code, not new members."""
    old = {str(value) for value in one.before.tolist()}
    share = float(np.mean([str(value) not in old for value in one.now.tolist()]))
    if share < NOT_STUCK:
        return None
    text = f"{100 * share:.0f} % of the values of {one.name} never came before, such as {one.now[0]!r};"
    return Reason("recoded", share, NOT_STUCK, f"{text} before they were such as {one.before[0]!r}")


def _stuck(one: _Moved, before: Rows, spans: Sequence[Rows]) -> Reason | None:
    """Hardly any row has another value than the commonest one, which no span of earlier days showed."""
    share, value = _commonest(one.now)
    usual = max((_commonest(_known(span.columns[one.name]))[0] for span in (before, *spans)), default=1.0)
    if share < STUCK or usual > NOT_STUCK:
        return None
    text = (
        f"{one.name} is {value} in {100 * share:.3g} % of the rows; no value had more than {100 * usual:.3g} % before"
    )
    return Reason("stuck", share, STUCK, text)


def _commonest(values: NDArray[Any]) -> tuple[float, object]:
    if not values.size:
        return 1.0, None
    names, counts = np.unique(values.astype(str) if values.dtype == object else values, return_counts=True)
    return float(counts.max() / values.size), names[int(counts.argmax())].item()
