"""Why a loss changed: other inputs that were known before, another truth for the same inputs, or inputs never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Booleans, Floats, Integers, finite, same_length
from homeostat.stats.bootstrap import resampled
from homeostat.stats.estimates.ratios import recency
from homeostat.stats.intervals import Interval, student_interval

OUTSIDE = 0.98
"""A new row with at least this chance of being new has fewer than one like it in fifty among old rows."""
LEAST_OVERLAP = 0.1
"""With less in common, too few rows of either side stand for the other."""
LEAST_ROWS = 200
PARTS = ("inputs", "relationship", "unseen")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Labelled rows of one span: the bin of each input (rows, inputs), what each row cost, and its day."""

    bins: Integers
    losses: Floats
    days: Integers


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The change of the mean loss, in its own unit, and its three parts, which add up to it.

    ``inputs``: rows within shared support came in other shares. ``relationship``: the same inputs cost something
    else. ``unseen``: rows outside what was seen before cost more than the others. ``unseen_share`` of the new rows are
    outside. ``overlap`` is 1 where old and new inputs are alike and 0 where they have nothing in common. ``ridge`` and
    ``told_apart`` (nats gained over a coin on held-out days, at most ln 2) describe the classifier.
    """

    total: Interval
    inputs: Interval
    relationship: Interval
    unseen: Interval
    unseen_share: float
    overlap: float
    told_apart: float
    ridge: float | None

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        intervals = {name: getattr(self, name).to_json() for name in ("total", *PARTS)}
        rest = {name: getattr(self, name) for name in ("unseen_share", "overlap", "told_apart", "ridge")}
        return {**intervals, **rest}


def decompose(
    before: Labelled,
    after: Labelled,
    *,
    sizes: Sequence[int],
    unseen: Booleans,
    rng: np.random.Generator,
    draws: int = 400,
    confidence: float = 0.95,
) -> Decomposition:
    """Split a loss change over three reasons, with bounds whose unit is the day.

    Old rows are weighted by their chance ``g`` of being new, new rows by ``1 - g`` (see `ratios.recency`): both sides
    then stand for what they share, by weights that never exceed 1. The relationship's part is the difference of the
    two weighted losses; the inputs' part is what weighting moves on either side. Rows marked ``unseen``, and new rows
    whose ``g`` is 0.98 or more, are outside: their part is what they add to the mean of the other new rows.
    Bounds redraw runs of days on either side, with the classifier left as it is, and are Student's with as many
    degrees of freedom as there are runs on the shorter side; for one fixed look.
    A penalty that keeps chances from extremes leaves a tenth or so of a shift of inputs to the relationship.
    It stands on the inputs alone: what moved outside of them counts as a changed relationship, and so do shifts that
    only a combination of inputs shows. Inputs that change with the day and on few days count as such, too.
    Raises: NotEnoughData with fewer than 200 rows or 4 days on a side, or hardly any shared support.
    Source: Cai, Namkoong and Yadlowsky (2023), Diagnosing Model Performance Under Distribution Shift, for the shared
    distribution; Li, Morgan and Zaslavsky (2018), JASA 113(521), 390-400, for its weights.

    >>> rng = np.random.default_rng(1)
    >>> side = lambda cost: Labelled(rng.integers(0, 3, (900, 2)), rng.normal(cost, 0.1, 900), np.arange(900) % 9)
    >>> found = decompose(side(0.4), side(0.6), sizes=[3, 3], unseen=np.zeros(900, bool), rng=rng)
    >>> round(found.relationship.value, 1), abs(found.inputs.value) < 0.02
    (0.2, True)
    """
    _check(before, after, unseen)
    new = np.repeat([False, True], [before.losses.size, after.losses.size])
    days = np.concatenate([before.days, after.days])
    told = recency(np.concatenate([before.bins, after.bins]), sizes, new, days)
    old_chance, new_chance = told.chance[~new], told.chance[new]
    outside = unseen | (new_chance >= OUTSIDE)
    overlap = float(old_chance.mean() + np.where(outside, 0.0, 1.0 - new_chance).mean())
    if overlap < LEAST_OVERLAP or np.count_nonzero(~outside) < LEAST_ROWS // 2:
        raise NotEnoughData(
            f"Old and new inputs overlap by {overlap:.2f} only.",
            mend="Compare with a span whose inputs are more alike.",
            overlap=overlap,
        )
    tables = _by_day(before, old_chance, np.zeros(old_chance.size, bool)), _by_day(after, 1.0 - new_chance, outside)
    total, inputs, relationship, beyond = _bounded(
        *tables, rng=rng, draws=draws, confidence=confidence, rows=int(after.losses.size)
    )
    return Decomposition(
        total,
        inputs,
        relationship,
        beyond,
        unseen_share=float(outside.mean()),
        overlap=min(1.0, overlap),
        told_apart=max(0.0, float(np.log(2.0)) - told.loss),
        ridge=told.ridge,
    )


def run_length(days: int) -> int:
    """Days that are redrawn together: the cube root of their number, as for a block bootstrap of a mean.

    >>> run_length(10), run_length(30)
    (2, 3)
    """
    return max(1, int(np.rint(np.cbrt(days))))


def _check(before: Labelled, after: Labelled, unseen: Booleans) -> None:
    for side in (before, after):
        losses = finite("losses", side.losses)
        same_length(bins=side.bins, losses=losses, days=side.days)
        days = int(np.unique(side.days).size)
        if losses.size < LEAST_ROWS or days < 4:
            raise NotEnoughData(
                f"{losses.size} labelled rows of {days} days on one side < {LEAST_ROWS} rows of 4 days.",
                mend="Take a longer span.",
                rows=int(losses.size),
                days=days,
            )
    if unseen.shape != after.losses.shape:
        raise InvalidInput("Unseen marks do not fit the new rows.", mend="Pass one for each new row.")


def _by_day(side: Labelled, weights: Floats, outside: Booleans) -> Floats:
    """One row per day: rows, losses, weights and weighted losses inside; rows and losses outside."""
    place = np.unique(side.days, return_inverse=True)[1]
    inside = ~outside
    columns = (inside, inside * side.losses, inside * weights, inside * weights * side.losses)
    every = (*columns, outside, outside * side.losses)
    return np.stack([np.bincount(place, weights=one) for one in every], axis=1)


def _bounded(
    before: Floats, after: Floats, *, rng: np.random.Generator, draws: int, confidence: float, rows: int
) -> tuple[Interval, ...]:
    values = _parts(before.sum(axis=0)[None], after.sum(axis=0)[None])[0]
    drawn = _parts(*(_redrawn(side, draws, rng) for side in (before, after)))
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    if len(drawn) < draws / 2:
        raise NotEnoughData("The parts are undefined in most draws.", mend="Take a longer span.", draws=draws)
    runs = min(len(side) / run_length(len(side)) for side in (before, after))
    errors = drawn.std(axis=0) * np.sqrt(runs / (runs - 1.0))
    blocks = max(2, int(runs))
    return tuple(
        student_interval(float(value), float(error), blocks=blocks, rows=rows, confidence=confidence)
        for value, error in zip(values, errors, strict=True)
    )


def _redrawn(side: Floats, draws: int, rng: np.random.Generator) -> Floats:
    places = resampled(len(side), length=run_length(len(side)), draws=draws, rng=rng)
    times = np.zeros((draws, len(side)))
    np.add.at(times, (np.arange(draws)[:, None], places), 1.0)
    return np.asarray(times @ side)


def _parts(before: Floats, after: Floats) -> Floats:
    """Total, inputs, relationship, unseen for each pair of totals: shape (draws, 4)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        old, old_shared = before[:, 1] / before[:, 0], before[:, 3] / before[:, 2]
        inside, new_shared = after[:, 1] / after[:, 0], after[:, 3] / after[:, 2]
        whole = (after[:, 1] + after[:, 5]) / (after[:, 0] + after[:, 4])
    inputs = (old_shared - old) + (inside - new_shared)
    return np.stack([whole - old, inputs, new_shared - old_shared, whole - inside], axis=1)
