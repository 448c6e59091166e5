"""Figures by slice over many days, and which slices grew worse than the rest; the day is the unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.degraded import LEAST_EFFECT, LEAST_ROWS, rise_between
from homeostat.monitoring.kept_slices import KeptSlice, Slice
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.slice_smooth import OF_CLASSES, is_of_classes, is_smooth, rows_kept, smooth
from homeostat.stats.arrays import Floats
from homeostat.stats.causes.segments import Excess, excesses_of_sums
from homeostat.stats.discoveries import benjamini_hochberg
from homeostat.stats.intervals import MIN_BLOCKS, Interval, block_mean_from_sums

FALSE_SHARE = 1.0 / 90.0
"""At a look where nothing changed, anything is called worse with at most this chance: once in 90 looks."""
_OWN = "own "
"""Begins the name of a user's own metric among sums."""
_FIELDS = ("rows", "positives", "right", "log_loss", "brier", "expected", "concordant", "hits")
Day = Sequence[KeptSlice]
"""What one day keeps: every slice, each with its values."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One value of a slice over some days: its sums by day, zero where the day has no such row."""

    of: Slice
    value: str
    sums: Mapping[str, Floats]

    @property
    def rows(self) -> int:
        """Labelled rows of all days."""
        return int(self.sums["rows"].sum())

    @property
    def days(self) -> int:
        """Days with such a row."""
        return int(np.count_nonzero(self.sums["rows"]))


def _pairs(sums: Mapping[str, Floats]) -> Floats:
    return np.asarray(sums["positives"] * (sums["rows"] - sums["positives"]))


def _answered(sums: Mapping[str, Floats]) -> Floats:
    """Rows that were answered by a yes: right ones, and those of the others that were not answered right."""
    return np.asarray(2.0 * sums["hits"] + sums["rows"] - sums["positives"] - sums["right"])


def _gap(sums: Mapping[str, Floats]) -> Floats:
    """What was expected to come true less what did: of several classes, the likeliest one."""
    came = sums["right"] if is_of_classes(sums) else sums["positives"]
    return np.asarray(sums.get("expected", np.full(came.shape, np.nan)) - came)


def _fields(kept: Sequence[KeptSlice]) -> tuple[str, ...]:
    """What any of these slices holds: rows and, of a yes or no, what it always has."""
    named = dict.fromkeys(name for one in kept for name in one.sums)
    own = dict.fromkeys(_OWN + name for one in kept for name in one.own)
    return (*(("rows", *named) if named else _FIELDS), *own)


def _held(one: KeptSlice, field: str) -> Sequence[float]:
    """By value; NaN where the day was kept before this was."""
    if field.startswith(_OWN):
        own = one.own.get(field.removeprefix(_OWN), ())
        return [np.nan if each is None else each for each in own] or [np.nan] * len(one.values)
    found: Sequence[float] = one.sums[field] if field in one.sums else getattr(one, field, ())
    return found or [np.nan] * len(one.values)


def loss_of(sums: Mapping[str, Floats]) -> str:
    """The field of the primary loss."""
    return "log_loss" if "log_loss" in sums else "loss"


_Part = Callable[[Mapping[str, Floats]], Floats]
_FIGURES: Mapping[str, tuple[_Part, _Part]] = MappingProxyType(
    {
        "loss": (lambda sums: sums["loss"], lambda sums: sums["rows"]),
        "mae": (lambda sums: sums["absolute"], lambda sums: sums["rows"]),
        "bias": (lambda sums: sums["error"], lambda sums: sums["rows"]),
        "mean": (lambda sums: sums["truth"], lambda sums: sums["rows"]),
        "log_loss": (lambda sums: sums["log_loss"], lambda sums: sums["rows"]),
        "brier": (lambda sums: sums["brier"], lambda sums: sums["rows"]),
        "accuracy": (lambda sums: sums["right"], lambda sums: sums["rows"]),
        "precision": (lambda sums: sums["hits"], _answered),
        "recall": (lambda sums: sums["hits"], lambda sums: sums["positives"]),
        "f1": (lambda sums: 2.0 * sums["hits"], lambda sums: _answered(sums) + sums["positives"]),
        "base_rate": (lambda sums: sums["positives"], lambda sums: sums["rows"]),
        "calibration_gap": (_gap, lambda sums: sums["rows"]),
        "auc_within_days": (lambda sums: sums["concordant"], _pairs),
    }
)
_OF_NUMBERS = ("loss", "rmse", "mae", "bias", "mean", "skill")
_OF_CLASSES = ("log_loss", "brier", "accuracy", "calibration_gap", *OF_CLASSES)
FIGURES = (*(name for name in _FIGURES if name not in _OF_NUMBERS), "skill")
"""Of a yes or no. ``calibration_gap`` is the mean score less the share that came true; ``auc_within_days`` compares
rows of one day."""
_BOUNDS = {
    **dict.fromkeys(("log_loss", "loss", "mae", "rmse"), (0.0, np.inf)),
    **dict.fromkeys(("bias", "mean"), (-np.inf, np.inf)),
    "calibration_gap": (-1.0, 1.0),
    "skill": (-np.inf, 1.0),
}


def figures_in(cells: Cells) -> tuple[str, ...]:
    """The figures that a slice has, by what its loop answers: ``loss`` is the primary loss of numbers."""
    if "positives" in cells.sums:
        return FIGURES
    return _OF_NUMBERS if "truth" in cells.sums else _OF_CLASSES


def own_in(cells: Cells) -> tuple[str, ...]:
    """The user's own metrics that any of the days keeps of the slice."""
    return tuple(name.removeprefix(_OWN) for name in cells.sums if name.startswith(_OWN))


def own_figure(cells: Cells, name: str) -> Interval | Unknown:
    """One of `own_in`: its mean over days by rows, with bounds as `figure` has, or why there is none.

    A day on which it could not be computed of these rows is left out; ``never_computed`` with less than 3 others.
    """
    if cells.rows < LEAST_ROWS:
        return Unknown("too_few_rows")
    total, rows = cells.sums[_OWN + name], cells.sums["rows"]
    used = np.isfinite(total) & (rows > 0.0)
    try:
        return block_mean_from_sums(total[used], rows[used])
    except NotEnoughData:
        return Unknown("too_few_days" if cells.days < MIN_BLOCKS else "never_computed")


def _why(cells: Cells, name: str, held: int) -> str:
    """Why a figure is unknown that ``held`` days keep what it is made of."""
    if cells.days < MIN_BLOCKS:
        return "too_few_days"
    if held < MIN_BLOCKS:
        return _not_held(cells, name)
    chances = "truth" not in cells.sums
    return "one_class" if name == "auc_within_days" or (name == "skill" and chances) else "undefined"


def _not_held(cells: Cells, name: str) -> str:
    """Whether days do not keep it by design or were measured before it was kept."""
    if is_of_classes(cells.sums) and name in OF_CLASSES and _kept(cells, "expected"):
        return "too_many_classes"
    return "needs_all_outcomes" if name == "skill" and _kept(cells, "squared") else "not_counted"


def _kept(cells: Cells, field: str) -> bool:
    return field in cells.sums and int(np.isfinite(cells.sums[field]).sum()) >= MIN_BLOCKS


def cells_of(days: Sequence[Day], of: Slice) -> list[Cells]:
    """Every value of one slice that the days have, in the order in which they come.

    Of days without any such row, and of those that do not keep the slice, there is no block.
    """
    kept = [one for day in days for one in day if one.of == of]
    place = {name: number for number, name in enumerate(dict.fromkeys(name for one in kept for name in one.values))}
    fields = _fields(kept)
    sums = {field: np.zeros((len(kept), len(place))) for field in fields}
    for number, one in enumerate(kept):
        where = [place[name] for name in one.values]
        for field in fields:
            np.add.at(sums[field][number], where, _held(one, field))
    return [Cells(of, name, {key: sums[key][:, column] for key in fields}) for name, column in place.items()]


def figure(cells: Cells, name: str) -> Interval | Unknown:
    """One of `figures_in` with 95 % bounds for one look, or why there is none: ``too_few_rows`` (50 are the least),
    ``too_few_days`` (3), ``one_class`` for what needs rows of two, ``undefined`` where nothing was answered yes, came
    true or differed, ``not_counted`` of days of older releases; ``needs_all_outcomes`` for skill over a quantile;
    ``too_many_classes`` for what counts each class (10 are the most).

    Where days do not differ at all, both bounds are the value: they say nothing.
    """
    if cells.rows < LEAST_ROWS:
        return Unknown("too_few_rows")
    held, made = _smooth(cells, name) if is_smooth(name, cells.sums) else _ratio(cells, name)
    try:
        found = made()
    except NotEnoughData:
        return Unknown(_why(cells, name, held))
    low, high = _BOUNDS.get(name, (0.0, 1.0))
    return Interval(found.value, max(found.low, low), min(found.high, high), found.blocks, cells.rows, 0.95)


_Made = tuple[int, Callable[[], Interval]]
"""How many days keep what a figure is made of, and what makes it."""


def _ratio(cells: Cells, name: str) -> _Made:
    above, below = (part(cells.sums) for part in _FIGURES[name])
    held = np.isfinite(above) & np.isfinite(below) & (cells.sums["rows"] > 0.0)
    used = held & (below > 0.0)
    return int(np.count_nonzero(held)), lambda: block_mean_from_sums(above[used], below[used])


def _smooth(cells: Cells, name: str) -> _Made:
    parts, read = rows_kept(name, cells.sums)
    return len(parts), lambda: smooth(parts, read, cells.rows)


@dataclass(frozen=True, slots=True)
class Worse:
    """A slice whose loss rose more than that of all other rows: by ``excess`` a row, such as nats. ``before`` and
    ``after`` are its own loss, ``rest`` that of the others after; ``share`` its part of the later rows."""

    of: Slice
    value: str
    share: float
    excess: Excess
    before: Interval
    after: Interval
    rise: Interval
    rest: Interval
    rest_rise: Interval

    @property
    def name(self) -> str:
        """The slice as people read it.

        >>> named(("origin", "carrier"), "EWR & UA")
        'origin & carrier = EWR & UA'
        """
        return named(self.of, self.value)


@dataclass(frozen=True, slots=True)
class Search:
    """What came of comparing every declared slice with its own past: the worst first."""

    looked_at: int
    found: tuple[Worse, ...]


def named(of: Slice, value: str) -> str:
    """A slice's value with its columns."""
    return f"{' & '.join(of)} = {value}" if of else "all"


def grown_worse(before: Sequence[Day], after: Sequence[Day], slices: Sequence[Slice]) -> Search | Unknown:
    """Which values of declared slices grew worse by themselves: more than the rest of the same days, and in their own.

    A value needs 50 labelled rows on each side, worth three days; a rise of less than a tenth of the mean loss before
    is not told. All that are looked at are one family: see `FALSE_SHARE`. Unknown, with the reason, where there are
    fewer than three days on a side, or no value has rows enough.
    """
    old, new = ([day for day in side if day] for side in (before, after))
    if min(len(old), len(new)) < MIN_BLOCKS:
        return Unknown("too_few_days")
    looked = [found for of in slices for found in _compared(old, new, of)]
    if not looked:
        return Unknown("too_few_rows")
    rejected = benjamini_hochberg([one.p_value for _, _, one in looked], rate=FALSE_SHARE).rejected
    whole = cells_of(old, ())[0]
    least = LEAST_EFFECT * float(whole.sums[loss_of(whole.sums)].sum()) / whole.rows
    strong = [_worse(*looked[place]) for place in rejected if looked[place][2].effect >= least]
    own = [one for one in strong if one.rise.low > 0.0]
    return Search(len(looked), tuple(sorted(own, key=lambda one: -one.excess.effect * one.excess.after)))


_Both = tuple[list[Cells], list[Cells]]


def _compared(before: Sequence[Day], after: Sequence[Day], of: Slice) -> Iterator[tuple[_Both, int, Excess]]:
    both = _aligned(cells_of(before, of), cells_of(after, of))
    if not both[0]:
        return
    fields = ("rows", loss_of(both[0][0].sums))
    old, new = ([_stacked(side, field) for field in fields] for side in both)
    for one in excesses_of_sums((old[0], old[1]), (new[0], new[1])):
        if min(one.before, one.after) >= LEAST_ROWS:
            yield both, one.group, one


def _aligned(before: list[Cells], after: list[Cells]) -> _Both:
    """Both sides with the same values in the same places; none where one side has no day."""
    if not before or not after:
        return [], []
    names = dict.fromkeys(one.value for one in (*before, *after))
    sides = []
    for side in (before, after):
        known, days = {one.value: one for one in side}, len(side[0].sums["rows"])
        nothing = {field: np.zeros(days) for field in side[0].sums}
        sides.append([known.get(name, Cells(side[0].of, name, nothing)) for name in names])
    return sides[0], sides[1]


def _stacked(side: Sequence[Cells], field: str) -> Floats:
    return np.stack([one.sums[field] for one in side], axis=1)


def _worse(both: _Both, group: int, excess: Excess) -> Worse:
    before, after = (_loss(side, group) for side in both)
    rest_before, rest = (_loss(side, group, others=True) for side in both)
    one = both[1][group]
    share = one.rows / sum(each.rows for each in both[1])
    rises = rise_between(before, after), rise_between(rest_before, rest)
    return Worse(one.of, one.value, share, excess, before, after, rises[0], rest, rises[1])


def _loss(side: Sequence[Cells], group: int, *, others: bool = False) -> Interval:
    """The mean log-loss of one value, or of all others."""
    rows, losses = (_stacked(side, field) for field in ("rows", loss_of(side[0].sums)))
    mine = rows[:, group], losses[:, group]
    if others:
        mine = rows.sum(axis=1) - mine[0], losses.sum(axis=1) - mine[1]
    return block_mean_from_sums(mine[1], mine[0])
