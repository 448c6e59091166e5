"""How wrong predicted numbers are likely to be before labels come: every figure, from what inputs went with errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Booleans, Floats
from homeostat.stats.estimates.ahead import ahead as error_ahead
from homeostat.stats.estimates.ahead import moved_from
from homeostat.stats.estimates.confidence import Estimated, jackknifed
from homeostat.stats.estimates.losses import Foretell, Learn, Matrix, binned_losses, foretold
from homeostat.stats.figures.number_sums import SLICES, NumberSums
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import MIN_BLOCKS

FOLDS = 5
STRANGE = 0.1
"""Where more than this share of rows has an input unlike any with a label, nothing is known of their errors."""
_BEYOND = 0.25
"""So far, in spreads of the past, a number may lie outside of what the past had: time goes on in many inputs."""
_GRID, _SIZES = 16, 64
_LEAST: Mapping[str, float] = {"skill": -np.inf, "bias": -np.inf}


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Rows with and without labels: ``features`` (rows, columns) with NaN for missing, ``answers``, ``truth`` with NaN
    where it is not known, and ``days`` as whole numbers. ``named`` says which columns are places of names."""

    features: Matrix
    answers: Floats
    truth: Floats
    days: NDArray[np.int64]
    named: Booleans

    def take(self, chosen: Booleans) -> Self:
        """Some of the rows."""
        truth, days = self.truth[chosen], self.days[chosen]
        return type(self)(self.features[chosen], self.answers[chosen], truth, days, self.named)

    @property
    def table(self) -> Matrix:
        """What errors are foretold from: inputs and the predicted number."""
        return np.column_stack([self.features, self.answers])


@dataclass(frozen=True, slots=True, eq=False)
class LearntErrors:
    """What past days say of errors. ``realised`` and ``expected`` are the sums of each past day's rows as they were and
    as the others let expect; ``ahead`` those of days to come, of all that was learnt and without each part of the past.
    ``spread`` is how far single rows are off what is foretold of them: of the error, its size, its square and the loss.
    ``moved`` is of how many past rows one counts, by day ahead, if only those with errors alike count: 1 where nothing
    moved; ``moved_past`` is the same of each past day among the others.
    """

    level: float | None
    realised: Sequence[NumberSums]
    expected: Sequence[NumberSums]
    ahead: Mapping[int, tuple[NumberSums, Sequence[NumberSums]]]
    spread: Mapping[str, float]
    moved: Mapping[int, float]
    moved_past: Floats
    rows: int

    def estimated(
        self,
        names: Sequence[str],
        ahead: Sequence[int],
        *,
        known: Sequence[NumberSums] = (),
        confidence: float = 0.95,
    ) -> dict[str, Estimated | NotEnoughData]:
        """Every one of these figures over some days ``ahead`` together, and over ``known`` days before them too.

        Bounds are as of `confidence.estimated`: what the same estimate missed on past runs of as many days, or what
        single rows and what was learnt leave open; where rows moved to errors of another size, as wide as if only past
        rows alike were there. Unknown where a figure is undefined, or of too few past runs.
        """
        found: dict[str, Estimated | NotEnoughData] = {}
        for name in names:
            try:
                found[name] = self._estimate(name, ahead, known, confidence)
            except NotEnoughData as error:
                found[name] = error
        return found

    def _estimate(self, name: str, ahead: Sequence[int], known: Sequence[NumberSums], confidence: float) -> Estimated:
        to_come = [self.ahead[day] for day in ahead]
        whole = pooled([*known, *(one for one, _ in to_come)])
        value = whole.figure(name)
        others = [
            _figure(pooled([*known, *(parts[fold] for _, parts in to_come)]), name) for fold in range(self._folds)
        ]
        misses, moved = self._misses(name, len(ahead), len(known))
        missed, calibration = float(np.sqrt(np.mean(misses**2))), jackknifed(np.array(others))
        sampling = self._sampling(name, whole, sum(one.rows for one, _ in to_come), value)
        now = float(np.mean([self.moved[day] for day in ahead]))
        off, chance = error_ahead(misses, moved=moved, now=now, days=len(ahead)), float(np.hypot(sampling, calibration))
        around = off.around(value, chance, blocks=int(misses.size), rows=whole.rows, confidence=confidence)
        low, high = max(_LEAST.get(name, 0.0), around.low), min(1.0 if name == "skill" else np.inf, around.high)
        return Estimated(dataclasses.replace(around, low=low, high=high), sampling, calibration, missed)

    @property
    def _folds(self) -> int:
        return min(len(parts) for _, parts in self.ahead.values())

    def _misses(self, name: str, run: int, before: int) -> tuple[Floats, Floats]:
        """What was realised of past runs of days, those before each among them, less what was expected; and how far
        each run lay from the others."""
        found, lay = list[float](), list[float]()
        for end in range(len(self.realised), run - 1, -run):
            head, mine = self.realised[max(0, end - run - before) : end - run], slice(end - run, end)
            seen, said = (_figure(pooled([*head, *part[mine]]), name) for part in (self.realised, self.expected))
            if np.isfinite(seen - said):
                found.append(seen - said)
                lay.append(float(self.moved_past[mine].mean()))
        misses = np.array(found)
        if misses.size < MIN_BLOCKS:
            mend = "Wait for labels to mature."
            raise NotEnoughData(f"{name} is defined on {misses.size} past runs of days.", mend=mend)
        return misses, np.array(lay)

    def _sampling(self, name: str, whole: NumberSums, to_come: int, value: float) -> float:
        """The standard error from single rows, days taken as they are; of the rows to come as of the sample."""
        spread = self.spread["loss" if name in ("skill", "quantile_loss") else name]
        error = spread * to_come / whole.rows / np.sqrt(min(to_come, self.rows))
        if name == "rmse":
            return float(error / (2.0 * value)) if value > 0.0 else 0.0
        return float(error / whole.constant()) if name == "skill" else float(error)


_binned_errors: Learn = partial(binned_losses, least=-np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What went with errors: foretells sums of other rows. ``grid`` is how far truths lie from answers, in units of the
    foretold size of the error."""

    parts: _Parts
    grid: Floats
    level: float | None

    @classmethod
    def of(cls, past: Numbers, *, level: float | None = None) -> Self:
        """Learn from labelled rows of past days. Raises: NotEnoughData without any."""
        if not past.days.size or np.isnan(past.truth).any():
            raise NotEnoughData("No labelled rows to learn from.", mend="Wait for labels to mature.")
        parts = _Parts.learn(past, binned_losses, _binned_errors)
        return cls(parts, _grid(past, parts.told(past)), level)

    def sums(self, rows: Numbers, times: NDArray[np.int64] | None = None) -> NumberSums:
        """What is expected of some rows, each so many ``times``."""
        chosen = np.arange(rows.days.size) if times is None else np.repeat(np.arange(rows.days.size), times)
        if not chosen.size:
            return NumberSums.of([], [], level=self.level)
        return _sums(rows.answers[chosen], self.parts.told(rows)[:, chosen], self.grid, self.level)


def learnt_errors(
    numbers: Numbers,
    ahead: Mapping[int, int],
    *,
    level: float | None = None,
    learn: Learn = binned_losses,
    learn_error: Learn = _binned_errors,
) -> LearntErrors:
    """Learn from the labelled rows what inputs went with errors; each of up to 5 parts of days is foretold by others.

    Args: ``ahead`` has the days to foretell and how many rows each had in all. ``level`` as of `NumberSums`. ``learn``
    learns the size and the square of the error, ``learn_error`` the error itself, which may be below 0.
    What the truth will be is foretold, too, so that skill has something to be held against: its mean and spread from
    the foretold error and square, and of a quantile its distribution from past errors in units of their foretold size.
    It holds while inputs go with the errors they went with before.
    Raises: NotEnoughData, its ``reason`` among the facts, with fewer than 3 labelled days, without rows ahead, or where
    more than 10 % of those have an input unlike any with a label; InvalidInput for tables that do not fit.
    Source: for days left out in turn, Barber, Candès, Ramdas and Tibshirani (2021), Predictive inference with the
    jackknife+, Annals of Statistics 49(1), 486-507.

    >>> rng = np.random.default_rng(1)
    >>> x, days = rng.random((8_000, 1)), np.repeat(np.arange(40), 200)
    >>> truth = 10 * x[:, 0] + rng.normal(size=8_000) * (1 + 2 * x[:, 0])
    >>> truth[days >= 39] = np.nan
    >>> found = learnt_errors(Numbers(x, 10 * x[:, 0], truth, days, np.array([False])), {39: 1_000})
    >>> one = found.estimated(["rmse"], [39])["rmse"].interval
    >>> one.low < 2.08 < one.high, one.blocks
    (True, 39)
    """
    labelled, future = ~np.isnan(numbers.truth), np.isin(numbers.days, list(ahead))
    past, now = numbers.take(labelled & ~future), numbers.take(future)
    _check(past, now, ahead)
    names, day = np.unique(past.days, return_inverse=True)
    fold = day % min(FOLDS, names.size)
    whole = _Parts.learn(past, learn, learn_error)
    others = [_Parts.learn(past.take(fold != one), learn, learn_error) for one in range(int(fold.max()) + 1)]
    told = np.zeros((3, past.days.size))
    for one, parts in enumerate(others):
        told[:, fold == one] = parts.told(past.take(fold == one))
    truth, grid = _truths(past), _grid(past, told)
    return LearntErrors(
        level,
        [NumberSums.of(past.truth[day == at], past.answers[day == at], level=level) for at in range(names.size)],
        [_sums(past.answers[day == at], told[:, day == at], grid, level) for at in range(names.size)],
        {at: _ahead(now.take(now.days == at), rows, (whole, others), grid, level) for at, rows in ahead.items()},
        _spread(truth, told, level),
        *_moved(told[1], day, {at: whole.told(now.take(now.days == at))[1] for at in ahead}),
        max(1, len(now.days)),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Foretells of rows their error, its size and its square."""

    each: tuple[Foretell, Foretell, Foretell]

    @classmethod
    def learn(cls, past: Numbers, learn: Learn, learn_error: Learn) -> Self:
        error, size, square = _truths(past)
        return cls((learn_error(past.table, error), learn(past.table, size), learn(past.table, square)))

    def told(self, rows: Numbers) -> Floats:
        return np.stack([foretold(tell, rows.table) for tell in self.each])


def _truths(rows: Numbers) -> Floats:
    off = rows.answers - rows.truth
    return np.stack([off, np.abs(off), np.square(off)])


def _loss(parts: Floats, level: float | None) -> Floats:
    """The primary loss of each row: the pinball loss is half the error's size and a part of the error."""
    error, size, square = parts
    return square if level is None else np.asarray(np.maximum(size / 2.0 + (0.5 - level) * error, 0.0))


def _spread(truth: Floats, told: Floats, level: float | None) -> dict[str, float]:
    apart = (*(truth - told), _loss(truth, level) - _loss(told, level))
    return {name: float(np.std(one)) for name, one in zip(("bias", "mae", "rmse", "loss"), apart, strict=True)}


def _grid(past: Numbers, told: Floats) -> Floats:
    """How far truths lie from answers, in units of the foretold size of the error, at evenly spaced ranks."""
    sizes = np.where(told[1] > 0.0, told[1], 1.0)
    found: Any = np.quantile((past.truth - past.answers) / sizes, (np.arange(_GRID) + 0.5) / _GRID)
    return np.asarray(found, dtype=np.float64)


def _sums(answers: Floats, told: Floats, grid: Floats, level: float | None, rows: int | None = None) -> NumberSums:
    """What is expected of some rows, told of ``rows`` in all."""
    count, around = answers.size, float(answers.mean())
    total, (error, size, square) = count if rows is None else rows, told
    centred = answers - around
    mean = float((centred - error).mean())
    spread = float((np.square(centred) - 2.0 * centred * error + np.maximum(square, np.square(error))).mean()) - mean**2
    slices = [] if level is None else np.array_split(np.sort(_drawn(answers, size, grid)), min(SLICES, total))
    return NumberSums(
        task="regression",
        level=level,
        rows=total,
        loss=total * float(_loss(told, level).mean()),
        error=total * float(error.mean()),
        absolute=total * float(size.mean()),
        squared=total * float(square.mean()),
        mean=around + mean,
        spread=total * max(spread, 0.0),
        levels=tuple(float(one.mean()) for one in slices),
        counts=tuple(len(one) for one in np.array_split(np.arange(total), len(slices))) if slices else (),
    )


def _drawn(answers: Floats, sizes: Floats, grid: Floats) -> Floats:
    found: Any = answers[:, None] + sizes[:, None] * grid
    return np.asarray(found.ravel(), dtype=np.float64)


def _moved(past: Floats, day: NDArray[np.int64], ahead: Mapping[int, Floats]) -> tuple[dict[int, float], Floats]:
    """How far the foretold sizes of errors lie from the past's: of each day ahead, and of each past day."""
    edges = np.unique(np.quantile(past, np.arange(1, _SIZES) / _SIZES))

    def counted(sizes: Floats) -> NDArray[np.int64]:
        return np.bincount(np.searchsorted(edges, sizes), minlength=edges.size + 1)

    each = [counted(past[day == at]) for at in range(int(day.max()) + 1)]
    whole = np.sum(each, axis=0)
    found = np.array([moved_from(whole - mine, mine) for mine in each])
    return {at: moved_from(whole, counted(sizes)) for at, sizes in ahead.items()}, found


def _ahead(
    now: Numbers, rows: int, parts: tuple[_Parts, Sequence[_Parts]], grid: Floats, level: float | None
) -> tuple[NumberSums, Sequence[NumberSums]]:
    whole, others = parts
    first, *rest = (_sums(now.answers, one.told(now), grid, level, rows) for one in (whole, *others))
    return first, rest


def _figure(sums: NumberSums, name: str) -> float:
    try:
        return sums.figure(name)
    except NotEnoughData:
        return float("nan")


def _check(past: Numbers, now: Numbers, ahead: Mapping[int, int]) -> None:
    if np.isinf(past.table).any() or np.isinf(now.table).any():
        raise InvalidInput("An input is infinite.", mend="Pass NaN for what is missing.")
    if set(np.unique(now.days).tolist()) != set(ahead) or min(ahead.values(), default=0) < 1:
        raise NotEnoughData("A day ahead has no rows.", mend="Wait for traffic.", reason="no_rows")
    days = np.unique(past.days).size
    if days < MIN_BLOCKS:
        raise NotEnoughData(
            f"{days} labelled days are too few.", mend="Wait for labels to mature.", reason="too_few_matured_days"
        )
    strange = float(_unlike(past.table, now.table, np.append(past.named, False)).mean())
    if strange > STRANGE:
        problem = f"{strange:.0%} of rows have an input unlike any with a label."
        raise NotEnoughData(problem, mend="Wait for labels of such rows.", reason="inputs_never_seen")


def _unlike(past: Matrix, now: Matrix, named: Booleans) -> Booleans:
    """Rows with a name that no past row had, a number far beyond all of them, or nothing where they had something."""
    found = np.zeros(len(now), dtype=np.bool_)
    for column, others, names in zip(past.T, now.T, named, strict=True):
        seen, missing = column[~np.isnan(column)], np.isnan(others)
        if seen.size == column.size:
            found |= missing
        if not seen.size:
            found |= ~missing
        elif names:
            found |= ~missing & ~np.isin(others, seen)
        else:
            room = _BEYOND * float(np.ptp(seen))
            found |= (others < seen.min() - room) | (others > seen.max() + room)
    return found
