"""Rules of a table beyond its single columns: across the columns of a row, and of a batch as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from homeostat.data.checks import did_you_mean, shown
from homeostat.data.expressions import Condition, compile_condition
from homeostat.data.promises import check_measure
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.data.contracts import Column, Measure, Row


class Contracted(Protocol):
    """What has a name and a contract: a table."""

    @property
    def name(self) -> str: ...
    @property
    def contract(self) -> Mapping[str, Column]: ...


@dataclass(frozen=True, slots=True)
class RowRule:
    """A condition over the columns of one row. A row in which a column it reads is null keeps it."""

    condition: str
    verdict: Measure = "quarantine"
    name: str = ""

    def __post_init__(self) -> None:
        _check_text(self.condition, "condition", "rule")
        _name(self, "rule", self.condition)

    @property
    def mend(self) -> str:
        """What a sender can do about it."""
        return f"Send rows for which {self.condition}."

    @property
    def reason(self) -> str:
        """The stable code of a break."""
        return f"rule:{self.name}"


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values together stand once in a batch; a null among them repeats nothing."""

    columns: tuple[str, ...]
    verdict: Measure = "quarantine"
    name: str = ""

    def __post_init__(self) -> None:
        if not self.columns or not all(isinstance(name, str) for name in self.columns):
            raise InvalidInput("unique(...) names no columns.", mend='Write unique("origin", "hour").')
        _name(self, "unique", f"unique {self.shown}")

    @property
    def shown(self) -> str:
        """The columns for a sentence."""
        return ", ".join(self.columns)

    @property
    def mend(self) -> str:
        """What a sender can do about it."""
        return f"Send each {self.shown} once in a batch."

    @property
    def reason(self) -> str:
        """The stable code of a break."""
        return f"rule:{self.name}"


@dataclass(frozen=True, slots=True)
class BatchBound:
    """A figure of a whole batch within bounds: of the rows that keep every other promise.

    ``figure`` is the mean of a column, its share of nulls, or the number of rows.
    """

    figure: str
    column: str | None
    low: float | None = None
    high: float | None = None
    verdict: Measure = "reject"
    name: str = ""

    def __post_init__(self) -> None:
        declared = f"batch_{self.figure}"
        if self.verdict == "quarantine":
            mend = 'A batch is refused ("reject") or told of ("warn"); only rows are kept apart.'
            raise InvalidInput(f"In {declared}(...), verdict is 'quarantine'.", mend=mend)
        _check_batch_bounds(self, declared)
        _name(self, declared, f"batch {self.shown}")

    @property
    def shown(self) -> str:
        """The figure for a sentence: ``mean of delay``."""
        return {"rows": "row count", "mean": f"mean of {self.column}", "missing": f"missing share of {self.column}"}[
            self.figure
        ]

    @property
    def reason(self) -> str:
        """The stable code of a break."""
        return f"rule:{self.name}"


Rule = RowRule | Unique | BatchBound
RowCheck = tuple[RowRule, tuple[str, ...], Callable[["Row"], bool | None]]
"""A rule, the columns that it reads, and its compiled condition."""
_TAGS = {"rule": RowRule, "unique": Unique, "batch": BatchBound}


def rule(condition: str, *, verdict: Measure = "quarantine", name: str = "") -> RowRule:
    """A condition that every row keeps, such as ``"arrived_at >= departed_at"``; unknown is kept.

    >>> rule("arrived_at >= departed_at", verdict="warn").reason
    'rule:arrived_at >= departed_at'
    """
    return RowRule(condition, verdict, name)


def unique(*columns: str, verdict: Measure = "quarantine", name: str = "") -> Unique:
    """Columns whose values together stand once in a batch; of equal rows the first one counts."""
    return Unique(columns, verdict, name)


def batch_mean(
    column: str, low: float | None = None, high: float | None = None, *, verdict: Measure = "reject", name: str = ""
) -> BatchBound:
    """The mean of a column over a batch, nulls left out, lies within ``[low, high]``."""
    return BatchBound("mean", column, low, high, verdict, name)


def batch_missing(column: str, *, at_most: float, verdict: Measure = "reject", name: str = "") -> BatchBound:
    """The share of nulls of a column in a batch is ``at_most`` (0 to 1)."""
    return BatchBound("missing", column, None, at_most, verdict, name)


def batch_rows(
    at_least: int | None = None, at_most: int | None = None, *, verdict: Measure = "reject", name: str = ""
) -> BatchBound:
    """A batch has so many rows."""
    return BatchBound("rows", None, at_least, at_most, verdict, name)


def rule_columns(one: Rule, table: Contracted) -> tuple[str, ...]:
    """The columns that a rule reads."""
    if isinstance(one, RowRule):
        return condition_of(one, table).columns
    if isinstance(one, Unique):
        return one.columns
    return () if one.column is None else (one.column,)


def condition_of(one: RowRule, table: Contracted) -> Condition:
    """The compiled condition of a rule. Raises: InvalidInput naming the rule's part that is wrong."""
    return compile_condition(one.condition, table, instants=True)


def check_rules(table: Contracted, rules: Iterable[object]) -> None:
    """Raises: InvalidInput for a rule that is none, names what the contract lacks, or stands twice."""
    names: set[str] = set()
    for one in rules:
        if not isinstance(one, (RowRule, Unique, BatchBound)):
            mend = "Write rule(...), unique(...), batch_mean(...), batch_missing(...) or batch_rows(...)."
            raise InvalidInput(f"Table {table.name!r} has {shown(one)} among its rules.", mend=mend)
        _check_columns(table, one)
        if one.name in names:
            mend = "Drop one of them, or give one of them name=."
            raise InvalidInput(f"Table {table.name!r} has two rules named {one.name!r}.", mend=mend)
        names.add(one.name)


def row_checks(columns: Mapping[str, Column], rules: Sequence[Rule]) -> list[RowCheck]:
    """Every rule over rows, compiled."""
    table = _Columns("the contract", columns)
    compiled = [(one, condition_of(one, table)) for one in rules if isinstance(one, RowRule)]
    nullable = {name for name, column in columns.items() if column.nullable}
    return [(one, condition.columns, condition.for_rows(nullable)) for one, condition in compiled]


def repeats(rows: Sequence[Row], columns: Sequence[str]) -> list[int]:
    """Places of rows whose values stand in an earlier row already.

    >>> repeats([{"a": 1}, {"a": 1}, {"a": None}, {"a": None}], ["a"])
    [1]
    """
    seen: set[tuple[object, ...]] = set()
    found = []
    for place, row in enumerate(rows):
        values = tuple(row[name] for name in columns)
        if None in values:
            continue
        if values in seen:
            found.append(place)
        seen.add(values)
    return found


def rule_meaning(one: Rule) -> dict[str, object]:
    """JSON values that identify a rule; ``rule_from`` reads them back."""
    tag = next(tag for tag, kind in _TAGS.items() if isinstance(one, kind))
    values = {name: getattr(one, name) for name in one.__slots__}
    return {"rule": tag, **{name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}}


def rule_from(values: Mapping[str, Any]) -> Rule:
    """Read what ``rule_meaning`` gave."""
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items() if name != "rule"}
    made: Rule = _TAGS[values["rule"]](**given)
    return made


@dataclass(frozen=True, slots=True)
class _Columns:
    name: str
    contract: Mapping[str, Column]


def _check_columns(table: Contracted, one: Rule) -> None:
    for name in rule_columns(one, table):
        if name not in table.contract:
            problem = f"Rule {one.name!r} of table {table.name!r} names {name!r}, which its contract lacks."
            raise InvalidInput(problem, mend=did_you_mean(name, table.contract), table=table.name)
    if isinstance(one, BatchBound) and one.figure == "mean":
        kind = table.contract[str(one.column)].kind
        if kind not in ("number", "integer"):
            problem = f"Rule {one.name!r} of table {table.name!r} takes the mean of a {kind}."
            raise InvalidInput(problem, mend="Name a number or integer column.", table=table.name)


def _check_batch_bounds(one: BatchBound, declared: str) -> None:
    if one.figure != "rows":
        _check_text(one.column, "column", declared)
    given = [bound for bound in (one.low, one.high) if bound is not None]
    if not given:
        raise InvalidInput(f"{declared}(...) bounds nothing.", mend="Give at least one bound.")
    for bound in given:
        if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not abs(bound) <= 1e300:
            raise InvalidInput(f"In {declared}(...), {shown(bound)} is no bound.", mend="Give a finite number.")
        if one.figure == "missing" and not 0 <= bound <= 1:
            raise InvalidInput(f"In {declared}(...), {bound} is no share.", mend="Give a share from 0 to 1.")
    if len(given) == 2 and given[0] > given[1]:
        raise InvalidInput(f"In {declared}(...), {given[0]} is above {given[1]}.", mend="Swap them.")


def _check_text(value: object, part: str, declared: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"In {declared}(...), {part} is {shown(value)}.", mend=f"Give the {part} as a text.")


def _name(one: Rule, declared: str, default: str) -> None:
    check_measure(one.verdict, declared)
    if not isinstance(one.name, str):
        raise InvalidInput(f"In {declared}(...), name is {shown(one.name)}.", mend="Give a text.")
    object.__setattr__(one, "name", one.name or default)
