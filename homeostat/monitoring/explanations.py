"""What offline would give if serving had made one of the usual mistakes: each is computed, not guessed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.summaries import Aggregate, AggregateKind
from homeostat.features.views import Latest, View, Window
from homeostat.kernel.clock import duration, format_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.served import Columns, Examined, newest_by, recompute
from homeostat.monitoring.skew import CauseName
from homeostat.stats.arrays import Integers

LAGS = ("5m", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d", "2d", "3d", "7d")
RANGES = ("15m", "30m", "1h", "2h", "3h", "6h", "12h", "24h", "36h", "48h", "72h", "7d", "14d")
REACH = duration("14d")
"""How much further back than the definitions these explanations may look."""
_AGGREGATES: tuple[AggregateKind, ...] = ("mean", "sum", "std", "minimum", "maximum", "first", "last", "count")
_FINER = 8
Tables = Mapping[str, pa.Table]
Other = tuple[View, Sequence[tuple[str, Mapping[str, str]]]]
"""A view as it might have been, and what each reading of it says: declared feature names to its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """``columns``: the values of some features if ``says`` were so, for the rows that are to be explained.

    A ``logged`` one is not supposed but was written down when the row was served.
    """

    cause: CauseName
    says: str
    columns: Columns
    logged: bool = False


def earlier_cuts(features: FeatureSet, seen: Examined, tables: Tables) -> list[Explanation]:
    """Offline at other cuts of time: as of the sequence read, as known a while before, up to an earlier event."""
    read = seen.read
    cuts = [("as of the sequence that was read, which lay behind what had been accepted", seen.asked_at, read)]
    for lag in LAGS:
        before = np.minimum(newest_by(tables, seen.served_at - duration(lag)), read)
        cuts.append((f"as known {lag} before it was served", seen.asked_at, before))
        cuts.append((f"of events up to {lag} before it was asked", seen.asked_at - duration(lag), seen.due))
    if (seen.served_at != seen.asked_at).any():
        cuts.append(("of events up to when it was served, not asked", seen.served_at, seen.due))
    of_read, *others = _cut(features, seen, tables, cuts)
    return [dataclasses.replace(of_read, logged=True), *others]


def frozen_cuts(features: FeatureSet, seen: Examined, tables: Tables, instants: Sequence[int]) -> list[Explanation]:
    """Offline as if nothing had been taken in after each of some instants."""
    cuts = []
    for instant in instants:
        known = newest_by(tables, np.full(seen.rows, instant, dtype=np.int64))
        says = f"as known at {format_instant(instant)} and never after"
        cuts.append((says, seen.asked_at, np.minimum(known, seen.due)))
    return _cut(features, seen, tables, cuts)


def freezing_points(first: int) -> list[int]:
    """Instants at which a store may have stopped whose first wrong row was served at ``first``; oldest first."""
    return sorted(first - duration(lag) for lag in ("1m", *LAGS))


def between(instants: Sequence[int], best: int) -> list[int]:
    """Finer instants around one of some in order."""
    place = instants.index(best)
    low, high = instants[max(0, place - 1)], instants[min(len(instants) - 1, place + 1)]
    return [int(at) for at in np.linspace(low, high, _FINER + 2)[1:-1]]


def other_definitions(features: FeatureSet, seen: Examined, tables: Tables, names: set[str]) -> Iterator[Explanation]:
    """Offline with another range, aggregate or greatest age in one view at a time; only views of ``names``."""
    for view in features.views:
        if names & {feature.name for feature in view.features}:
            others = _windows(view) if isinstance(view, Window) else _ages(view)
            for other, renamings in others:
                alone = feature_set(features.question, [other])
                columns = recompute(alone, seen.question, seen.asked_at, seen.due, tables)
                for says, names_of in renamings:
                    found = {declared: columns[made] for declared, made in names_of.items()}
                    yield Explanation("different_statistics", f"offline {says}", found)


def filled(seen: Examined, name: str) -> Iterator[Explanation]:
    """A served constant in place of what is missing offline, and missing in place of a constant."""
    served, again, wrong = seen.served[name], seen.recomputed[name], seen.wrong[name]
    for given, other, says in (
        (served, again, "served {} where it is missing"),
        (again, served, "served missing where it is {}"),
    ):
        here = wrong & ~missing_values(given) & missing_values(other)
        constants = set(given[here].tolist())
        if len(constants) == 1 and (int(here.sum()) >= 3 or constants == {0.0}):
            text = says.format(shown(constants.pop()))
            yield Explanation("missing_handling", text, {name: np.where(here, served, again)})


def _cut(
    features: FeatureSet, seen: Examined, tables: Tables, cuts: Sequence[tuple[str, Integers, Integers]]
) -> list[Explanation]:
    """All cuts in one computation: the rows once per cut."""
    question = pa.concat_tables([seen.question] * len(cuts))
    at, sequence = (np.concatenate([cut[part] for cut in cuts]) for part in (1, 2))
    columns = recompute(features, question, at, sequence, tables)
    parts = {name: np.split(values, len(cuts)) for name, values in columns.items()}
    return [
        Explanation("time_cutoff", f"offline {cut[0]}", {name: part[place] for name, part in parts.items()})
        for place, cut in enumerate(cuts)
    ]


def _windows(view: Window) -> Iterator[Other]:
    """Other ranges in place of each declared one, then other aggregates of the same columns."""
    by_range = _by_range(view)
    for text in (*RANGES, *view.over):
        other = view if text in view.over else dataclasses.replace(view, over=[text])
        if text in view.over or duration(text) not in view.ranges:
            made = _by_range(other)[text]
            yield (
                other,
                [
                    (f"over {text} instead of {declared}", dict(zip(old, made, strict=True)))
                    for declared, old in by_range.items()
                    if declared != text
                ],
            )
    yield from _aggregates(view)


def _by_range(view: Window) -> dict[str, list[str]]:
    names = [feature.name for feature in view.features]
    return {text: names[place :: len(view.over)] for place, text in enumerate(view.over)}


def _aggregates(view: Window) -> Iterator[Other]:
    for value, aggregate in view.values.items():
        for kind in _AGGREGATES:
            if kind != aggregate.kind and aggregate.column is not None:
                values = {value: Aggregate(kind, None if kind == "count" else aggregate.column)}
                defaults = {name: filling for name, filling in view.default.items() if name == value}
                other = _or_none(view, values=values, default=defaults)
                if other is not None:
                    says = f"with the {kind} instead of the {aggregate.kind} of {aggregate.column}"
                    yield other, [(says, _same_names(other))]


def _ages(view: Latest) -> Iterator[Other]:
    ages: Iterable[str | None] = (*RANGES, None)
    for age in ages:
        if (None if age is None else duration(age)) != view.longest:
            says = f"with a greatest age of {age or 'any'} instead of {view.max_age or 'any'}"
            yield dataclasses.replace(view, max_age=age), [(says, _same_names(view))]


def _same_names(view: View) -> dict[str, str]:
    return {feature.name: feature.name for feature in view.features}


def _or_none(view: Window, **changes: Any) -> Window | None:
    """The view with some changes, where such a view may be declared at all."""
    try:
        return dataclasses.replace(view, **changes)
    except InvalidInput:
        return None


def missing_values(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values of a column are missing."""
    if values.dtype == object:
        return np.array([value is None for value in values], dtype=bool)
    found: NDArray[np.bool_] = np.isnan(values)
    return found


def shown(value: object) -> str:
    """A value as evidence quotes it.

    >>> shown(None), shown(2.0), shown("JFK")
    ('missing', '2', "'JFK'")
    """
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
