"""Feature views: what is remembered of the facts of one table about one entity, declared once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column, Value
from homeostat.data.tables import NAME, Table
from homeostat.kernel.canonical import digest
from homeostat.kernel.clock import Duration, duration
from homeostat.kernel.errors import InvalidInput

FeatureKind = Literal["text", "number"]
AggregateKind = Literal["count", "sum", "mean", "minimum", "maximum"]
Entity = tuple[Value, ...]
"""The values of a view's ``by`` columns; one null among them matches nothing."""

_ENTITY_KINDS = ("text", "integer", "boolean", "instant")
_NUMERIC_KINDS = ("number", "integer", "boolean")


@dataclass(frozen=True, slots=True)
class Feature:
    """One named value; ``exact`` means online and offline agree to the bit, else to 1e-9 relative."""

    name: str
    kind: FeatureKind
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How the facts inside a window become one number; made by ``mean``, ``count`` and their like."""

    kind: AggregateKind
    column: str | None = None


def count() -> Aggregate:
    """How many facts the window holds, nulls or not; 0 for none."""
    return Aggregate("count")


def sum_(column: str) -> Aggregate:
    """The sum of the column's values that are not null; 0 for none."""
    return Aggregate("sum", column)


def mean(column: str) -> Aggregate:
    """The mean of the column's values that are not null; missing for none."""
    return Aggregate("mean", column)


def minimum(column: str) -> Aggregate:
    """The least of the column's values that are not null; missing for none."""
    return Aggregate("minimum", column)


def maximum(column: str) -> Aggregate:
    """The greatest of the column's values that are not null; missing for none."""
    return Aggregate("maximum", column)


@dataclass(frozen=True)
class Latest:
    """The newest fact about an entity, as known when asked: ``columns`` become features ``{by}_{column}``.

    Of facts with one event time the one accepted last is newest. A fact older than ``max_age`` at the asking
    time is missing; an age of exactly ``max_age`` still counts. Text stays text; numbers, integers and
    booleans become numbers.
    Raises: InvalidInput that names this definition.
    """

    table: Table
    by: str | tuple[str, ...]
    columns: Sequence[str]
    max_age: str | None = None

    def __post_init__(self) -> None:
        _freeze(self, by=_names(self.by), columns=_names(self.columns))
        _check_by(self)
        _refuse_repeats(self, "columns", self.columns)
        for name in self.columns:
            if _column(self, name).kind == "instant":
                mend = "Store the duration or clock reading you need as a number column."
                raise _wrong(self, f"column {name!r} is an instant, which no model can take", mend)
        if self.max_age is not None:
            duration(self.max_age)

    @property
    def entity(self) -> tuple[str, ...]:
        """The ``by`` columns, in order."""
        return _names(self.by)

    @cached_property
    def longest(self) -> Duration | None:
        """The greatest age at which a fact still counts, in microseconds; None when any does."""
        return None if self.max_age is None else duration(self.max_age)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the view adds, one feature per column."""
        prefix = "_".join(self.entity)
        return tuple(Feature(f"{prefix}_{name}", feature_kind(self.table.contract[name])) for name in self.columns)

    @cached_property
    def hash(self) -> str:
        """Identifies the view's meaning, its table's contract included."""
        return _hash(self, columns=self.columns)


@dataclass(frozen=True)
class Window:
    """What happened to an entity lately: each value over each range becomes ``{by}_{value}_{range}``.

    A window of range R asked at t holds the facts with event time in ``(t - R, t]``, as known when asked.
    Raises: InvalidInput that names this definition.
    """

    table: Table
    by: str | tuple[str, ...]
    over: Sequence[str]
    values: Mapping[str, Aggregate]

    def __post_init__(self) -> None:
        _freeze(self, by=_names(self.by), over=_names(self.over), values=dict(self.values))
        _check_by(self)
        _refuse_repeats(self, "over", self.over)
        _refuse_repeats(self, "values", self.values)
        for name, aggregate in self.values.items():
            self._check_value(name, aggregate)
        if len(set(self.ranges)) < len(self.ranges):
            raise _wrong(self, "two of its ranges are equally long", "Keep one of them.")

    def _check_value(self, name: str, aggregate: object) -> None:
        if not isinstance(aggregate, Aggregate):
            mend = "Write count(), mean(column), sum_(column), minimum(column) or maximum(column)."
            raise _wrong(self, f"value {name!r} is no aggregate", mend)
        if not NAME.fullmatch(name):
            raise _wrong(self, f"{name!r} cannot name a value", "Use small letters, digits and '_'.")
        if aggregate.column is None:
            return
        kind = _column(self, aggregate.column).kind
        if kind not in _NUMERIC_KINDS:
            mend = "Aggregate a number, integer or boolean column."
            raise _wrong(self, f"{aggregate.kind} of {aggregate.column!r} needs numbers, not {kind}", mend)

    @property
    def entity(self) -> tuple[str, ...]:
        """The ``by`` columns, in order."""
        return _names(self.by)

    @cached_property
    def ranges(self) -> tuple[Duration, ...]:
        """The ranges of ``over`` in microseconds, in the order declared."""
        return tuple(duration(text) for text in self.over)

    @cached_property
    def longest(self) -> Duration:
        """The longest range, in microseconds."""
        return max(self.ranges)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that any value aggregates, each once."""
        return tuple(dict.fromkeys(item.column for item in self.values.values() if item.column is not None))

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the view adds: for every value in turn, every range."""
        prefix = "_".join(self.entity)
        return tuple(
            Feature(f"{prefix}_{name}_{text}", "number", aggregate.kind not in ("sum", "mean"))
            for name, aggregate in self.values.items()
            for text in self.over
        )

    @cached_property
    def hash(self) -> str:
        """Identifies the view's meaning, its table's contract included."""
        return _hash(self, ranges=self.ranges, values=self.values)


View = Latest | Window


def feature_kind(column: Column) -> FeatureKind:
    """Text stays text; everything else a model can take is a number."""
    return "text" if column.kind == "text" else "number"


def table_meaning(table: Table) -> dict[str, Any]:
    """What of a table's declaration decides the values read from it."""
    return {
        "name": table.name,
        "key": table.keys,
        "event_time": table.event_time,
        "contract": table.contract,
    }


def describe(view: View) -> str:
    """The definition as a person would point at it: ``Window(arrivals, by='carrier')``."""
    by: object = view.entity[0] if len(view.entity) == 1 else view.entity
    return f"{type(view).__name__}({view.table.name}, by={by!r})"


def _hash(view: View, **meaning: object) -> str:
    shared = {"view": type(view).__name__, "table": table_meaning(view.table), "by": view.entity}
    names = tuple(feature.name for feature in view.features)
    return digest({**shared, "longest": view.longest, "names": names, **meaning})


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _freeze(view: View, **parts: object) -> None:
    for name, value in parts.items():
        object.__setattr__(view, name, value)


def _wrong(view: View, problem: str, mend: str) -> InvalidInput:
    return InvalidInput(f"In {describe(view)}, {problem}.", mend=mend, definition=describe(view))


def _column(view: View, name: str) -> Column:
    contract = view.table.contract
    if name not in contract:
        raise _wrong(view, f"table {view.table.name!r} has no column {name!r}", did_you_mean(name, contract))
    return contract[name]


def _check_by(view: View) -> None:
    _refuse_repeats(view, "by", view.entity)
    for name in view.entity:
        kind = _column(view, name).kind
        if kind not in _ENTITY_KINDS:
            mend = "Use text, integer, boolean or instant columns, which are equal or not without rounding."
            raise _wrong(view, f"{name!r} is a {kind}, which cannot identify an entity", mend)


def _refuse_repeats(view: View, part: str, names: Iterable[str]) -> None:
    listed = list(names)
    if not listed:
        raise _wrong(view, f"{part!r} is empty", "Name at least one.")
    for name in listed:
        if listed.count(name) > 1:
            raise _wrong(view, f"{part!r} names {name!r} twice", "Keep one of them.")
