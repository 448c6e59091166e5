"""How fast quality falls with the age of what was learnt: an exponential, its bounds, and whether it fits at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, Integers, counts, finite, same_length
from homeostat.stats.intervals import Interval, jackknife

BLOCK_DAYS = 7
"""A week is a block: its days share weather and hold every weekday once."""
MIN_TIME_BLOCKS = 5
"""With fewer blocks, age and chance cannot be told apart."""
FIT_LEVEL = 0.05
"""Below this probability of so bad a fit by chance, the exponential is said not to fit."""
_U = np.linspace(np.arcsinh(-3.0), np.arcsinh(60.0), 601)
"""Rates that are tried, from thrice e-fold growth to sixty e-folds of decay over the greatest age seen."""


@dataclass(frozen=True, slots=True)
class Aged:
    """Quality of some series (versions) by age: ``age`` in days, entries weighed by ``rows``.

    ``day`` numbers the calendar day on which an entry begins, so that those of one week are taken or left together.
    """

    series: tuple[str, ...]
    age: Floats
    quality: Floats
    rows: Floats
    day: Integers

    @classmethod
    def of(cls, series: ArrayLike, age: ArrayLike, quality: ArrayLike, rows: ArrayLike, day: ArrayLike) -> Aged:
        """Checked. Raises: InvalidInput for lengths that differ, missing values, negative ages or rows."""
        names, days = np.asarray(series).astype(str), np.asarray(day)
        ages, values, sizes = counts("age", age), finite("quality", quality), counts("rows", rows)
        same_length(series=names, age=ages, quality=values, rows=sizes, day=days)
        if days.dtype.kind not in "iu" and days.size:
            raise InvalidInput("Days are not whole numbers.", mend="Pass days since 1970-01-01.")
        used = sizes > 0
        kept = (ages[used], values[used], sizes[used], days[used].astype(np.int64))
        return cls(tuple(str(name) for name in names[used]), *kept)

    @property
    def blocks(self) -> Integers:
        """The week of each entry, as numbers from 0 without gaps."""
        return np.asarray(np.unique(self.day // BLOCK_DAYS, return_inverse=True)[1], dtype=np.int64)

    @property
    def of_series(self) -> tuple[list[str], NDArray[np.float64]]:
        """The names of the series, and a matrix with a 1 where an entry belongs to one."""
        names, place = np.unique(np.array(self.series, dtype=str), return_inverse=True)
        return [str(name) for name in names], np.eye(names.size)[place]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well the exponential fits. ``explained`` is the share of the variation about each series' own mean that it
    explains; ``probability`` that of so bad a fit by chance, where the exponential is right; None where there are too
    few blocks of each age to say."""

    explained: float
    probability: float | None

    @property
    def fits(self) -> bool | None:
        """False where it does not fit, None where that cannot be said."""
        return None if self.probability is None else self.probability >= FIT_LEVEL


@dataclass(frozen=True, slots=True)
class Decay:
    """``quality = start * exp(-rate * age)``: one ``rate`` a day for all series, a start for each.

    The rate may be below 0: then quality rose. Its bounds stand on weeks, not on rows.
    """

    rate: Interval
    starts: Mapping[str, float]
    fit: Fit

    @property
    def half_life(self) -> float | None:
        """Days until half of the quality is gone; None where the rate is not above 0.

        >>> from homeostat.stats.intervals import Interval
        >>> round(Decay(Interval(0.02, 0.01, 0.03, 9, 900, 0.95), {"v1": 0.4}, Fit(0.8, 0.4)).half_life, 2)
        34.66
        """
        return float(np.log(2) / self.rate.value) if self.rate.value > 0 else None


def fit_decay(seen: Aged, *, confidence: float = 0.95) -> Decay:
    """Tell how much of its quality a model loses a day, so that staleness has a price.

    Least squares on quality itself, weighed by rows: on its logarithm, days without skill would have to be left out,
    and what is left would look better than it was. Bounds leave out a week at a time, all series of it together.
    With a single series, age and season cannot be told apart.
    Raises: NotEnoughData with fewer than 5 weeks, with ages that hardly differ, or where no rate in reach fits best.
    Source: Cameron and Miller (2015), Journal of Human Resources 50(2), 317-372; Efron and Stein (1981), Annals of
    Statistics 9(3), 586-596.

    >>> days = np.arange(70)
    >>> seen = Aged.of(["v1"] * 70, days, 0.4 * np.exp(-0.02 * days), [100] * 70, days)
    >>> found = fit_decay(seen)
    >>> round(found.rate.value, 4), round(found.starts["v1"], 3), found.fit.fits
    (0.02, 0.4, True)
    """
    blocks = seen.blocks
    number = int(blocks.max()) + 1 if blocks.size else 0
    if number < MIN_TIME_BLOCKS:
        raise NotEnoughData(
            f"{number} weeks with labels are too few to see decay; {MIN_TIME_BLOCKS} are the least.",
            mend="Wait until more labels are mature.",
            weeks=number,
            least=MIN_TIME_BLOCKS,
        )
    if float(np.ptp(seen.age)) < BLOCK_DAYS:
        raise NotEnoughData("All labelled days have about the same age.", mend="Wait until a version has aged a week.")
    rate = jackknife(
        lambda total: _best_rate(total, seen), _sums(seen), rows=int(seen.rows.sum()), confidence=confidence
    )
    names, starts = _starts(seen, rate.value)
    fitted = starts[seen.of_series[1].argmax(axis=1)] * np.exp(-rate.value * seen.age)
    return Decay(rate, dict(zip(names, starts.tolist(), strict=True)), _fit_of(seen, fitted))


def _sums(seen: Aged) -> Floats:
    """For every week, rate tried and series what the least squares need; weeks add."""
    rates = np.sinh(_U) / float(seen.age.max())
    member, blocks = seen.of_series[1] * seen.rows[:, None], seen.blocks
    parts = []
    for block in range(int(blocks.max()) + 1):
        mine = blocks == block
        curves = np.exp(-np.outer(rates, seen.age[mine]))
        hits, sizes = (curves * seen.quality[mine]) @ member[mine], curves**2 @ member[mine]
        parts.append(np.concatenate([hits.ravel(), sizes.ravel()]))
    return np.stack(parts)


def _best_rate(total: Floats, seen: Aged) -> float:
    """The rate that leaves least, each series with its best start above 0; refined between the rates tried."""
    hits, sizes = total.reshape(2, _U.size, -1)
    saved = np.divide(hits**2, sizes, out=np.zeros_like(hits), where=(sizes > 1e-9) & (hits > 0)).sum(axis=1)
    best = int(saved.argmax())
    if not 0 < best < saved.size - 1 or saved[best] <= 0:
        raise NotEnoughData(
            "No rate of decay in reach fits best.",
            mend="Wait for more labelled days; look at the curve of quality by age meanwhile.",
        )
    low, middle, high = (float(one) for one in saved[best - 1 : best + 2])
    bend = low - 2 * middle + high
    shift = 0.5 * (low - high) / bend if bend < 0 else 0.0
    return float(np.sinh(_U[best] + shift * (_U[1] - _U[0])) / seen.age.max())


def _starts(seen: Aged, rate: float) -> tuple[list[str], Floats]:
    """The best start of every series at a rate."""
    names, member = seen.of_series
    curve, weight = np.exp(-rate * seen.age), member * seen.rows[:, None]
    return names, np.asarray((curve * seen.quality) @ weight / (curve**2 @ weight), dtype=np.float64)


def _fit_of(seen: Aged, fitted: Floats) -> Fit:
    left, member = seen.quality - fitted, seen.of_series[1]
    own = (seen.rows * seen.quality) @ member / (seen.rows @ member)
    whole = float(np.dot(seen.rows, (seen.quality - own[member.argmax(axis=1)]) ** 2))
    missed = float(np.dot(seen.rows, left**2))
    return Fit(1 - missed / whole if whole > 0 else 1.0, _lack_of_fit(seen, left, len(own)))


def _lack_of_fit(seen: Aged, left: Floats, series: int) -> float | None:
    """The F test for lack of fit: what ages have in common among what weeks of one age differ by.

    One value for each week and series. Series of one week share its weather, so that they count as one: the statistic
    is divided by how many there are to a week, which errs towards a fit. Source: Neter et al. (1996), section 3.7.
    """
    cells, place = np.unique(np.stack([seen.of_series[1].argmax(axis=1), seen.blocks]), axis=1, return_inverse=True)
    place = place.ravel()
    weight = np.bincount(place, weights=seen.rows)
    value = np.bincount(place, weights=seen.rows * left) / weight
    age = np.bincount(place, weights=seen.rows * seen.age) / weight
    weeks, bins = np.unique(cells[1]).size, int(np.clip(np.unique(cells[1]).size // 4, 3, 8))
    of_bin = np.minimum(np.argsort(np.argsort(age, kind="stable")) * bins // age.size, bins - 1)
    within = weeks - bins - (series - 1)
    if within < 2 or age.size < 2 * bins:
        return None
    totals = np.bincount(of_bin, weights=weight, minlength=bins)
    means = np.bincount(of_bin, weights=weight * value, minlength=bins) / totals
    common = float(np.dot(totals, means**2)) / (bins - 2)
    chance = float(np.dot(weight, (value - means[of_bin]) ** 2)) / max(1, age.size - bins - (series - 1))
    if common <= 1e-12 * float(weight.sum()):
        return 1.0
    from scipy import special

    return float(special.fdtrc(bins - 2, within, common / chance * weeks / age.size)) if chance > 0 else 0.0
