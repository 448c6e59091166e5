"""Feature views: what is remembered of the facts of one table about one entity, declared once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from homeostat.data.contracts import Column, Value
from homeostat.data.expressions import Condition, compile_condition
from homeostat.data.rules import rule_columns, rule_meaning
from homeostat.data.tables import Table
from homeostat.features import viewing
from homeostat.features.summaries import INEXACT, Aggregate
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.clock import Duration, duration
from homeostat.kernel.places import at_place, place_of_caller

FeatureKind = Literal["text", "number"]
Entity = tuple[Value, ...]
"""The values of a view's ``by`` columns; one null among them matches nothing."""
By = str | tuple[str, ...] | list[str | tuple[str, ...]]
"""One column, a tuple of columns that identify one entity together, or a list of such entities."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One named value; ``exact`` means online and offline agree to the bit, else to 1e-9 relative.

    ``default`` stands in where the value is missing or its source is silent for too long; None for nothing.
    """

    name: str
    kind: FeatureKind
    exact: bool = True
    default: str | float | None = None


@dataclass(frozen=True)
class Latest:
    """The newest fact about an entity, as known when asked: ``columns`` become features ``{by}_{column}``.

    Of facts with one event time the one accepted last is newest. A fact older than ``max_age`` at the asking
    time is missing; an age of exactly ``max_age`` still counts. Text stays text; numbers, integers and
    booleans become numbers. ``by`` may list several entities: each makes a view of its own.
    ``default`` gives, per column, what to use where the value is missing or the table has been silent for
    longer than ``freshness`` (the table's own when left out).
    Raises: InvalidInput that names this definition and its line.
    """

    table: Table
    by: By
    columns: Sequence[str]
    max_age: str | None = None
    name: str = ""
    default: Mapping[str, Any] = field(default_factory=dict)
    freshness: str | None = None
    place: str = field(default_factory=place_of_caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        viewing.check_parts(self)
        viewing.settle(self, columns=viewing.names(self.columns))
        viewing.refuse_repeats(self, "columns", self.columns)
        self._check_kinds()
        viewing.check_times(self, "max_age", self.max_age)
        viewing.check_defaults(self, {name: feature_kind(self.table.contract[name]) for name in self.columns})

    @property
    def entity(self) -> tuple[str, ...]:
        """The ``by`` columns, in order."""
        return viewing.entity(self)

    @cached_property
    def longest(self) -> Duration | None:
        """The greatest age at which a fact still counts, in microseconds; None when any does."""
        return None if self.max_age is None else duration(self.max_age)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the view adds, one feature per column."""
        prefix = "_".join(self.entity)
        contract = self.table.contract
        return tuple(
            Feature(f"{prefix}_{name}", feature_kind(contract[name]), default=self.default.get(name))
            for name in self.columns
        )

    @cached_property
    def patience(self) -> Duration | None:
        """The silence of the source from which defaults are used, in microseconds; None for any silence."""
        return _patience(self)

    @cached_property
    def meaning(self) -> dict[str, Any]:
        """What decides the view's values, as JSON values: the contract of the columns it reads included."""
        return _meaning(self, max_age=self.longest, columns=self.columns)

    @cached_property
    def hash(self) -> str:
        """Identifies the view's meaning."""
        return digest(self.meaning)

    def _check_kinds(self) -> None:
        for name in self.columns:
            if viewing.column(self, name).kind == "instant":
                mend = "Store the duration or clock reading you need as a number column."
                raise viewing.wrong(self, f"column {name!r} is an instant, which no model can take", mend)


@dataclass(frozen=True)
class Window:
    """What happened to an entity lately: each value over each range becomes ``{by}_{value}_{range}``.

    A window of range R asked at t holds the facts with event time in ``(t - R, t]``, as known when asked.
    ``by`` may list several entities: each makes a view of its own. ``default`` gives, per value, what to use
    where it is missing or the table has been silent for longer than ``freshness`` (the table's own when left
    out). Raises: InvalidInput that names this definition and its line.
    """

    table: Table
    by: By
    over: Sequence[str]
    values: Mapping[str, Aggregate]
    name: str = ""
    default: Mapping[str, Any] = field(default_factory=dict)
    freshness: str | None = None
    place: str = field(default_factory=place_of_caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        viewing.check_parts(self)
        viewing.settle(self, over=viewing.names(self.over), values=dict(self.values))
        viewing.refuse_repeats(self, "over", self.over)
        viewing.refuse_repeats(self, "values", self.values)
        for name, aggregate in self.values.items():
            viewing.check_value(self, name, aggregate)
        for text in self.over:
            viewing.check_times(self, "over", text)
        if len(set(self.ranges)) < len(self.ranges):
            raise viewing.wrong(self, "two of its ranges are equally long", "Keep one of them.")
        viewing.check_defaults(self, {name: self._kind(one) for name, one in self.values.items()})
        _ = self.conditions

    @property
    def entity(self) -> tuple[str, ...]:
        """The ``by`` columns, in order."""
        return viewing.entity(self)

    @cached_property
    def ranges(self) -> tuple[Duration, ...]:
        """The ranges of ``over`` in microseconds, in the order declared."""
        return tuple(duration(text) for text in self.over)

    @cached_property
    def longest(self) -> Duration:
        """The longest range, in microseconds."""
        return max(self.ranges)

    @cached_property
    def conditions(self) -> Mapping[str, Condition]:
        """The conditions of its shares, parsed, by their text."""
        texts = [one.condition for one in self.values.values() if one.condition is not None]
        with viewing.pointing_at(self):
            return {text: compile_condition(text, self.table) for text in texts}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that any value reads, each once."""
        read: list[str] = []
        for one in self.values.values():
            read += [] if one.column is None else [one.column]
            read += [] if one.condition is None else self.conditions[one.condition].columns
        return tuple(dict.fromkeys(read))

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the view adds: for every value in turn, every range."""
        prefix = "_".join(self.entity)
        return tuple(
            Feature(f"{prefix}_{name}_{text}", self._kind(one), one.kind not in INEXACT, self.default.get(name))
            for name, one in self.values.items()
            for text in self.over
        )

    @cached_property
    def patience(self) -> Duration | None:
        """The silence of the source from which defaults are used, in microseconds; None for any silence."""
        return _patience(self)

    @cached_property
    def meaning(self) -> dict[str, Any]:
        """What decides the view's values, as JSON values: the contract of the columns it reads included."""
        return _meaning(self, over=self.ranges, values=self.values)

    @cached_property
    def hash(self) -> str:
        """Identifies the view's meaning."""
        return digest(self.meaning)

    def _kind(self, one: Aggregate) -> FeatureKind:
        if one.kind in ("first", "last") and one.column is not None:
            return feature_kind(self.table.contract[one.column])
        return "number"


View = Latest | Window


def views_of(view: View) -> tuple[View, ...]:
    """One view per entity that ``by`` lists; each is named after its own."""
    if not isinstance(view.by, list):
        return (view,)
    return tuple(
        replace(view, by=one, name=f"{view.name}_by_{'_'.join(viewing.names(one))}" if view.name else "")
        for one in view.by
    )


def feature_kind(column: Column) -> FeatureKind:
    """Text stays text; everything else a model can take is a number."""
    return "text" if column.kind == "text" else "number"


def table_meaning(table: Table, columns: Sequence[str]) -> dict[str, Any]:
    """What of a table's declaration decides the values read from these columns, as JSON values.

    Rules that keep rows out count where they read one of the columns.
    """
    read = sorted({*table.keys, table.event_time, *columns})
    rules = {
        one.name: rule_meaning(one)
        for one in table.rules
        if one.verdict != "warn" and set(rule_columns(one, table)) & set(columns)
    }
    meaning: dict[str, Any] = plain(
        {
            "name": table.name,
            "key": table.keys,
            "event_time": table.event_time,
            "contract": {name: table.contract[name].meaning for name in read},
            **({"rules": rules} if rules else {}),
        }
    )
    return meaning


def describe(view: View) -> str:
    """The definition as a person would point at it: ``Window(arrivals, by='carrier')``."""
    return viewing.describe(view)


def described_with_place(view: View) -> str:
    """The definition and its line: ``Window(arrivals, by='carrier') (loop.py:31)``."""
    return f"{describe(view)}{at_place(view.place)}"


def _patience(view: View) -> Duration | None:
    freshness = view.freshness or view.table.freshness
    return duration(freshness) if view.default and freshness else None


def _meaning(view: View, **own: object) -> dict[str, Any]:
    defaults = {"default": view.default, "freshness": view.patience} if view.default else {}
    meaning: dict[str, Any] = plain(
        {
            "view": type(view).__name__.lower(),
            "table": table_meaning(view.table, (*view.entity, *view.columns)),
            "by": view.entity,
            "features": [feature.name for feature in view.features],
            **own,
            **defaults,
        }
    )
    return meaning
