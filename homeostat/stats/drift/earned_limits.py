"""Limits on drift that are earned: how far windows lie from a reference by themselves, all their distances together.

Histories are drawn from the reference in runs of a week, so that a window keeps its days' likeness and its weekdays;
of each history the reference is made anew, since it varies as well. One factor for all distances, each in units of its
own spread, makes the chance that any of them is above its limit the promised one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.arrays import Floats, Integers
from homeostat.stats.drift.moderated import moderated
from homeostat.stats.drift.tails import exceeded_once_in
from homeostat.stats.drift.window_distances import SQUARED, Measure, Series, window_distances
from homeostat.stats.memory import WEEK, Memory, memories_of, moving

_MIDDLE, _FAR = 0.5, 0.95
"""Two quantiles of a distance, and its unit is what lies between: far enough out to be of its tail, near enough to be
well known. Told by one of them, distances over many bins, which hardly vary, would have limits that nothing reaches."""
_FURTHER: Mapping[Measure, float] = {
    "psi": 1.2,
    "ks": 1.2,
    "rank_shift": 0.88,
    "rank_spread": 0.76,
    "share_swing": 0.97,
}
"""How far out a limit lies beside those of the other measures: what hardly sees anything that no other sees sooner has
a small share of the false alarms, and what sees slowly, or what nobody else sees, a greater one."""
_FURTHER_OF_A_DAY = 0.15
"""How much further out limits of a day lie, and of windows of several days by their part: what a day shows at all, the
next day shows too, and small changes show in longer windows alone."""
_NOTHING = 1e-9
_UNKNOWN = Memory(0, 0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Earned:
    """The limit of one distance over windows of ``span`` days, earned on ``blocks`` independent days or weeks.

    None where these are too few, so that it is not ``supported``, and where nothing ever varied. ``reached`` is how far
    the history's own windows go, each distance by itself: it promises nothing, and is None without three weeks.
    """

    subject: str
    measure: Measure
    span: int
    limit: float | None
    blocks: float
    supported: bool
    reached: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """What a distance was in every drawn history, in proportion to how far shares lie apart; NaN where it says nothing.

    ``middle`` is its median, ``far`` where its tail begins, ``chance`` where it would begin if rows of a day did not
    depend on one another, and ``unit`` what lies between the first two; the unit is 0 where it earns no limit.
    ``steadied`` is by what factor they are moved towards what is usual among all subjects, and ``lent`` how many
    degrees of freedom these lend.
    """

    subject: str
    measure: Measure
    span: int
    distances: Floats
    middle: float = 0.0
    far: float = 0.0
    unit: float = 0.0
    memory: Memory = _UNKNOWN
    supported: bool = False
    chance: float = 0.0
    steadied: float = 1.0
    lent: float = 0.0

    @property
    def of(self) -> tuple[Measure, str]:
        """What it is a distance of."""
        return self.measure, self.subject

    @classmethod
    def told(
        cls, series: Series, measure: Measure, span: int, distances: Floats, memory: Memory, rate: float, chance: float
    ) -> _Drawn:
        """By the histories that were drawn from a series whose days are so much alike."""
        able, linear = memory.supports(span, rate), _linear(measure, distances)
        middle, far = _quantile(linear, _MIDDLE) or 0.0, _quantile(linear, _FAR) or 0.0
        further = _FURTHER.get(measure, 1.0) * (1.0 + _FURTHER_OF_A_DAY / span)
        unit = (far - middle) * further if able and far - middle > _NOTHING else 0.0
        return cls(series.subject, measure, span, linear, middle, far, unit, memory, able, chance)

    def earned(self, factor: float, rate: float, limits: int) -> Earned:
        """The limit so many units beyond the middle, one of ``limits``, and what the history reached by itself."""
        power = 2 if self.measure in SQUARED else 1
        limit = self._limit(factor, rate / limits) ** power if self.unit > 0.0 else None
        reached = _quantile(self.distances, 1.0 - rate)
        reached = None if reached is None else reached**power
        blocks = self.memory.blocks(self.span)
        return Earned(self.subject, self.measure, self.span, limit, blocks, self.supported, reached)

    def _limit(self, factor: float, rate: float) -> float:
        """Wider for what few blocks leave open: of many limits each lies far out, where they leave more open."""
        further = self.memory.further(self.span, rate, self.lent)
        return self.memory.wider(self.span) * self.steadied * (self.middle + factor * self.unit * further)


def _linear(measure: Measure, distances: Floats) -> Floats:
    """In proportion to how far shares lie apart."""
    return np.sqrt(distances) if measure in SQUARED else distances


def _quantile(distances: Floats, share: float) -> float | None:
    """What so many of the histories stay below, of those that say something."""
    known = distances[np.isfinite(distances)]
    return float(np.quantile(known, share)) if known.size else None


def earned_limits(
    series: Sequence[Series],
    *,
    spans: Sequence[int],
    rate: float,
    draws: int,
    rng: np.random.Generator,
    rows: float | None = None,
) -> tuple[Earned, ...]:
    """Limits of every distance over windows of every span, such that on a day on which nothing changed the chance
    that any is exceeded is ``rate``.

    Args: ``spans`` are lengths of windows in days, up to a week or whole weeks; ``rate`` is in (0, 1); ``draws``
    histories are drawn. ``rows`` is how many a live day holds: where that is less than the reference's days do, drawn
    windows are thinned, as fewer rows lie further off by chance. Series of one length are of the same days, and drawn
    together.
    Raises: InvalidInput for a span or rate that is none.
    Source: Politis and Romano (1992), in LePage and Billard (eds.), Exploring the Limits of Bootstrap, 263-270, for
    the runs; Student (1908), Biometrika 6(1), 1-25, for what few blocks add.
    """
    if not 0.0 < rate < 1.0 or draws < 1 or any(span < 1 or (span > WEEK and span % WEEK) for span in spans):
        raise InvalidInput("No such limits.", mend="Pass a rate in (0, 1) and spans of up to 7 days or whole weeks.")
    lengths = sorted({len(one.counts) for one in series})
    drawn = [
        found
        for days in lengths
        for found in _histories([one for one in series if len(one.counts) == days], days, spans, rate, draws, rng, rows)
    ]
    drawn = _steadied(drawn)
    known = [one for one in drawn if one.unit > 0.0]
    factor = _factor(known, rate) if known else 0.0
    return tuple(one.earned(factor, rate, len(known)) for one in drawn)


def _steadied(drawn: Sequence[_Drawn]) -> list[_Drawn]:
    """Each drawn towards what is usual among all subjects, as far as these do not differ by more than chance.

    A reference holds many rows, fewer days and few weeks. How much further days lie than chance alone takes them, and
    windows of several days than days, all subjects together tell better than one.
    """
    daily = [one for one in drawn if one.span == 1]
    days = list(_together(daily, {one.of: one.chance for one in daily}))
    usual = {one.of: one.far * one.steadied for one in days if one.unit > 0.0}
    return [*days, *_together([one for one in drawn if one.span > 1], usual)]


def _together(drawn: Sequence[_Drawn], beside: Mapping[tuple[Measure, str], float]) -> Iterator[_Drawn]:
    """By span and measure, as multiples of what each of them is held beside."""
    groups: dict[tuple[int, Measure], list[_Drawn]] = {}
    for one in drawn:
        if one.unit > 0.0 and beside.get(one.of, 0.0) > 0.0:
            groups.setdefault((one.span, one.measure), []).append(one)
        else:
            yield one
    for alike in groups.values():
        own = np.array([(one.far / beside[one.of]) ** 2 for one in alike])
        usual, lent = moderated(own, [one.memory.blocks(one.span) - 1.0 for one in alike])
        for one, factor in zip(alike, np.sqrt(usual / own).tolist(), strict=True):
            yield replace(one, steadied=factor, lent=lent)


def _factor(known: Sequence[_Drawn], rate: float) -> float:
    """How many units beyond its middle the furthest of all distances is once in 1 / rate histories.

    By the tail of them all: limits that follow the two or three furthest days of the reference vary much, and what
    varies is exceeded more often than its mean tells.
    """
    worst = np.zeros(known[0].distances.shape)
    for one in known:
        worst = np.fmax(worst, (one.distances - one.middle) / one.unit)
    return exceeded_once_in(worst, 1.0 / rate)


def _histories(
    series: Sequence[Series],
    days: int,
    spans: Sequence[int],
    rate: float,
    draws: int,
    rng: np.random.Generator,
    rows: float | None,
) -> Iterator[_Drawn]:
    """The distances of every series over windows of every span, of histories in which all of them share their days."""
    if days < 3 * WEEK:
        for one in series:
            yield from _none(one, spans)
        return
    tables = [one.counts.astype(np.float64) for one in series]
    of_bins = memories_of([moving(table[:, :-1], one.ordered) for table, one in zip(tables, series, strict=True)])
    of_missing = memories_of([moving(_present(table), True) for table in tables])
    references = _times(_days(days, days, draws, rng), days)
    windows = _days(days, max(spans), draws, rng)
    for span in spans:
        times = _times(windows[:, :span], days)
        for place, (one, table) in enumerate(zip(series, tables, strict=True)):
            window = _thinned(times @ table, rows, span, rng)
            chance = _by_chance(table, one, rows, draws, rng) if span == 1 else {}
            for measure, distances in window_distances(references @ table, window, one).items():
                memory = (of_missing if measure == "missing_change" else of_bins)[place]
                yield _Drawn.told(one, measure, span, distances, memory, rate, chance.get(measure, 0.0))


def _by_chance(
    table: Floats, one: Series, rows: float | None, draws: int, rng: np.random.Generator
) -> dict[Measure, float]:
    """Where the tail of each distance of a day would begin, if no row depended on another."""
    total, usual = float(table.sum()), float(np.median(table.sum(axis=1)))
    if not total:
        return {}
    shares = table.sum(axis=0) / total
    day, reference = (rng.multinomial(int(size), shares, draws) for size in (min(usual, rows or usual), total))
    found = window_distances(reference.astype(np.float64), day.astype(np.float64), one)
    return {measure: _quantile(_linear(measure, each), _FAR) or 0.0 for measure, each in found.items()}


def _present(counts: Floats) -> Floats:
    """Rows with a value, and those without."""
    return np.stack((counts[:, :-1].sum(axis=1), counts[:, -1]), axis=1)


def _none(one: Series, spans: Sequence[int]) -> Iterator[_Drawn]:
    for span in spans:
        for measure in one.least_rows:
            yield _Drawn(one.subject, measure, span, np.zeros(0))


def _days(days: int, length: int, draws: int, rng: np.random.Generator) -> Integers:
    """Days of ``draws`` histories, in runs of a week that begin anywhere."""
    starts = rng.integers(0, days, (draws, -(-length // WEEK)))
    runs = starts[:, :, None] + np.arange(WEEK)
    return np.asarray(runs.reshape(draws, -1)[:, :length] % days, dtype=np.int64)


def _times(places: Integers, days: int) -> Floats:
    """How often each day is in each history."""
    found = np.zeros((len(places), days))
    np.add.at(found, (np.arange(len(places))[:, None], places), 1.0)
    return found


def _thinned(windows: Floats, rows: float | None, span: int, rng: np.random.Generator) -> Floats:
    """Windows of at most as many rows as live ones hold: a sample of each that is too full."""
    totals = windows.sum(axis=1)
    if rows is None or not totals.size or rows * span >= float(np.median(totals)):
        return windows
    most = np.minimum(totals, np.ceil(rows * span)).astype(np.int64)
    shares = windows / np.maximum(totals, 1.0)[:, None]
    shares[totals == 0.0, 0] = 1.0
    return rng.multinomial(most, shares).astype(np.float64)
