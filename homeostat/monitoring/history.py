"""What a diagnosis stands on: days as they were measured, a sample of their rows, and what happened when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.data.profiles import Profile, ReferenceProfile
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.skew import SkewDay
from homeostat.stats.arrays import Booleans, Floats, Integers
from homeostat.stats.causes.shift import run_length
from homeostat.stats.changes.changepoint import Change, change_point
from homeostat.stats.tasks import BINARY, Task

LEAST_BEFORE = 5
"""Days to compare with; with fewer the reference says too little about how days differ."""
LEAST_AFTER = 3
LATELY = 10
"""The newest days, in which data are looked at for breaks."""
CLASSIFIED = 10
"""Groups of a number's bins by which old rows are told from new ones."""
SURE = 0.05
"""A change of the loss is dated where a history without one would look as clear less often than this."""
EventKind = Literal["deployment", "contract", "table"]


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum of losses, in nats or as shares of what the best constant number costs a row, and over how many rows."""

    total: float
    rows: int


@dataclass(frozen=True, slots=True)
class DayFacts:
    """One event day. ``missing`` is the share of rows without a value, by feature; ``quarantined`` counts by table;
    ``fresh`` tells by objective whether it was met; ``age`` is the silence of each table in microseconds.
    ``labelled``, ``positives`` and ``unlabelled`` count matured rows; ``loss`` is what the judged version cost on them,
    ``standby`` what the one before it would have; None where that is not known (yet). ``alike``: what all labels of
    a day are, of classes and numbers; None where they differ. ``no_chance``: chance cannot have made them alike."""

    day: str
    rows: int
    missing: Mapping[str, float] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    fresh: Mapping[str, bool | None] = field(default_factory=dict)
    age: Mapping[str, int | None] = field(default_factory=dict)
    skew: SkewDay | None = None
    labelled: int | None = None
    positives: int | None = None
    unlabelled: int | None = None
    loss: Cost | None = None
    standby: Cost | None = None
    alike: str | float | None = None
    no_chance: bool = False

    @property
    def ordinal(self) -> int:
        """Days since 1970-01-01."""
        return int(np.datetime64(self.day, "D").astype(np.int64))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done, at an instant of event time: a release, a new contract, a table that fell silent."""

    at: Instant
    kind: EventKind
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A sample of served rows, in any order: their day (days since 1970-01-01), features as served (numbers with NaN,
    or objects with None), the judged version's scores, and the truth, NaN where it is not known (yet).
    Losses of ``task`` are told in ``unit``."""

    days: Integers
    columns: Mapping[str, NDArray[Any]]
    scores: Floats
    truth: Floats
    task: Task = BINARY
    unit: float = 1.0

    def of_days(self, days: Sequence[DayFacts]) -> Rows:
        """The rows of some days."""
        return self.take(np.isin(self.days, [one.ordinal for one in days]))

    def take(self, chosen: Booleans) -> Rows:
        """Some of the rows."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        return Rows(self.days[chosen], columns, self.scores[chosen], self.truth[chosen], self.task, self.unit)

    def of_day(self, day: str) -> Rows:
        """The rows of one day, by its name."""
        return self.take(self.days == int(np.datetime64(day, "D").astype(np.int64)))

    def missing(self) -> dict[str, float]:
        """The share of rows without a value, by feature; nothing without rows."""
        if not self.days.size:
            return {}
        return {name: float(np.mean(_absent(values))) for name, values in self.columns.items()}

    def cost(self) -> Cost | None:
        """What the labelled rows cost; None without any."""
        known = self.labelled
        return Cost(float(known.losses.sum()), int(known.days.size)) if known.days.size else None

    @property
    def labelled(self) -> Rows:
        """The rows whose truth and score are known."""
        absent = np.isnan(self.scores)
        return self.take(~np.isnan(self.truth) & ~(absent if absent.ndim == 1 else absent.any(axis=1)))

    @property
    def losses(self) -> Floats:
        """What each row cost, in nats or as shares of ``unit``; only of `labelled` rows."""
        return self.task.losses(self.truth, self.scores) / self.unit


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Everything a diagnosis looks at. ``days``, oldest first and without gaps, are those that the judged version was
    not trained on; ``profile`` is its reference profile. ``trail`` is how many newest days count as now where the loss
    shows no moment of change. ``year_before`` are the same days, and those before them, a year earlier. Losses are
    told in ``unit``."""

    days: tuple[DayFacts, ...]
    rows: Rows | Unknown
    profile: ReferenceProfile
    events: tuple[Event, ...] = ()
    trail: int = 14
    year_before: tuple[DayFacts, ...] = ()
    unit: str = "nats"


@dataclass(frozen=True, slots=True)
class Split:
    """Days ``before`` and ``after`` the change, or the trailing days where none is dated; ``lately`` are the newest
    days of ``after``, also those without labels. ``change`` is in places of the days that have a loss, ``dated`` their
    names."""

    before: tuple[DayFacts, ...]
    after: tuple[DayFacts, ...]
    lately: tuple[DayFacts, ...]
    change: Change | None
    dated: tuple[str, ...]

    @property
    def since(self) -> str:
        """The first day after the change."""
        return self.after[0].day


def split(history: History, rng: np.random.Generator) -> Split | Unknown:
    """Find where before ends: at the one moment at which the loss rose most clearly, or a trail before the end."""
    days = history.days
    known = [day for day in days if day.loss is not None and day.loss.rows]
    change = rise(known, rng)
    dated = tuple(day.day for day in known)
    trail = max(LEAST_AFTER, min(history.trail, len(days) - LEAST_BEFORE))
    start = days[-trail].day if len(days) >= trail else ""
    if change is not None and change.at >= LEAST_BEFORE - 1:
        start = known[change.at].day
    else:
        change = None
    before = tuple(day for day in days if day.day < start)
    after = tuple(day for day in days if day.day >= start)
    if len(before) < LEAST_BEFORE - 1 or len(after) < LEAST_AFTER:
        return Unknown("too_few_days")
    return Split(before, after, after[-LATELY:], change, dated)


def rise(days: Sequence[DayFacts], rng: np.random.Generator) -> Change | None:
    """The moment at which the loss rose, where one is clear; None also where there are too few days to tell."""
    costs = [day.loss for day in days if day.loss is not None]
    try:
        found = change_point(
            [one.total for one in costs], [one.rows for one in costs], rng=rng, length=run_length(max(len(costs), 1))
        )
    except NotEnoughData:
        return None
    return found if found.p_value <= SURE and found.size > 0.0 else None


def placed(profile: Profile, values: NDArray[Any]) -> Integers:
    """The bin of each value, as the profile would count it; one more bin, the last, for what is missing.

    >>> placed(Profile.of("hour", "number", [6.0, 7.0, 8.0, 9.0], bins=2), np.array([5.0, 9.0, np.nan])).tolist()
    [0, 1, 2]
    """
    if profile.kind == "number":
        numbers = values.astype(np.float64, copy=False)
        found = np.searchsorted(np.array(profile.edges), numbers)
        return np.where(np.isnan(numbers), len(profile.counts), found).astype(np.int64)
    place = {name: number for number, name in enumerate(profile.categories)}
    other, missing = len(profile.categories), len(profile.counts)
    names = [missing if _is_missing(one) else place.get(str(one), other) for one in values.tolist()]
    return np.array(names, dtype=np.int64)


def groups_of(profile: Profile, most: int) -> Integers:
    """The group of every bin: neighbouring bins of a number together, about equally full in training, ``most`` at
    most; those of a text by themselves. The last group holds what is missing.

    >>> groups_of(Profile.of("hour", "number", range(100), bins=10), 5).tolist()
    [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    """
    bins = np.arange(len(profile.counts) + 1, dtype=np.int64)
    if profile.kind == "text" or not any(profile.counts):
        return bins
    filled = np.array(profile.counts, dtype=np.float64)
    below = np.round((np.cumsum(filled) - filled) / filled.sum(), 9)
    coarse = np.unique(np.minimum((below * most).astype(np.int64), most - 1), return_inverse=True)[1]
    return np.append(coarse, coarse.max() + 1).astype(np.int64)


def bins_of_rows(profile: ReferenceProfile, rows: Rows) -> tuple[Integers, list[int]]:
    """The group of every input of every row, and how many each input has, that for missing values included.

    The last one is the score: what the version makes of all inputs together is the combination that losses hang on.
    """
    used = [
        (groups_of(one, CLASSIFIED), placed(one, rows.columns[name]))
        for name, one in profile.features.items()
        if name in rows.columns
    ]
    used.append(
        (
            groups_of(profile.prediction, CLASSIFIED),
            placed(profile.prediction, np.asarray(rows.task.watched(rows.scores))),
        )
    )
    return np.stack([groups[bins] for groups, bins in used], axis=1), [int(groups.max()) + 1 for groups, _ in used]


def never_seen(profile: ReferenceProfile, before: Rows, after: Rows) -> dict[str, Booleans]:
    """By feature, the later rows with a value that neither training nor the earlier rows had, where there are any.

    Of a text, a name that both surely lacked; of a number, one beyond all earlier ones by half their span.
    """
    found = {}
    for name, one in profile.features.items():
        if name in after.columns:
            marks = (_new_names if one.kind == "text" else _far)(one, before.columns[name], after.columns[name])
            if marks.any():
                found[name] = marks
    return found


def _new_names(profile: Profile, before: NDArray[Any], after: NDArray[Any]) -> Booleans:
    known = {*profile.categories, *(str(one) for one in before.tolist())}
    others = profile.unlisted
    if profile.counts[-1] and others is not None:
        known |= set(others.rows)
    sure = not profile.counts[-1] or others is not None
    new = [
        sure
        and not _is_missing(one)
        and str(one) not in known
        and (not profile.counts[-1] or (others is not None and others.decides(str(one))))
        for one in after.tolist()
    ]
    return np.array(new, dtype=np.bool_)


def _far(profile: Profile, before: NDArray[Any], after: NDArray[Any]) -> Booleans:
    old, new = (values.astype(np.float64, copy=False) for values in (before, after))
    known = np.concatenate([old[np.isfinite(old)], np.array(profile.edges)])
    if not known.size:
        return np.zeros(new.size, dtype=np.bool_)
    span = max(float(np.ptp(known)), 1e-12) / 2.0
    with np.errstate(invalid="ignore"):
        return np.asarray((new < known.min() - span) | (new > known.max() + span))


def _absent(values: NDArray[Any]) -> Booleans:
    if values.dtype == object:
        return np.array([_is_missing(one) for one in values.tolist()], dtype=np.bool_)
    return np.asarray(np.isnan(values))


def _is_missing(value: object) -> bool:
    return value is None or value == "" or value != value
