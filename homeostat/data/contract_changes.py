"""Contracts as versions: what identifies one, and what a change of it would break, for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.data.contracts import Column
from homeostat.data.rules import BatchBound, Rule, rule_columns, rule_from, rule_meaning
from homeostat.data.tables import Table
from homeostat.kernel.canonical import digest

_STRICTER = {"warn": 0, "quarantine": 1, "reject": 2}


@dataclass(frozen=True)
class Contract:
    """Everything that a table promises, as it is compared and kept."""

    table: str
    key: tuple[str, ...]
    event_time: str
    columns: Mapping[str, Column]
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, table: Table) -> Contract:
        """The contract of a declared table."""
        return cls(table.name, table.keys, table.event_time, dict(table.contract), tuple(table.rules))

    @property
    def hash(self) -> str:
        """Identifies the meaning; the order of columns and rules is none of it."""
        return digest({**self.to_json(), "rules": sorted((rule_meaning(one) for one in self.rules), key=digest)})

    def to_json(self) -> dict[str, Any]:
        """JSON values; ``from_json`` reads them back."""
        return {
            "table": self.table,
            "key": list(self.key),
            "event_time": self.event_time,
            "columns": {name: column.meaning for name, column in self.columns.items()},
            "rules": [rule_meaning(one) for one in self.rules],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Contract:
        """Read what ``to_json`` gave."""
        columns = {name: Column.from_meaning(column) for name, column in values["columns"].items()}
        rules = tuple(rule_from(one) for one in values["rules"])
        return cls(values["table"], tuple(values["key"]), values["event_time"], columns, rules)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table

    @property
    def contract(self) -> Mapping[str, Column]:
        """The columns, under the name that a table has for them."""
        return self.columns


@dataclass(frozen=True, slots=True)
class Dependant:
    """Something live that reads columns of a table: ``late-arrival v3: carrier_delay_3h``."""

    name: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two contracts; ``columns`` are those whose readers it concerns.

    ``dependants`` are what reads them live; only a breaking change has some.
    """

    columns: tuple[str, ...]
    breaking: bool
    text: str
    dependants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What a change of contract means: every difference, and whether it may come into force."""

    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Nothing differs."""
        return not self.changes

    @property
    def breaking(self) -> bool:
        """Some reader could rely on what is no longer promised."""
        return any(change.breaking for change in self.changes)

    @property
    def refused(self) -> tuple[Change, ...]:
        """Breaking changes that something live depends on."""
        return tuple(change for change in self.changes if change.dependants)


def judge_contract_change(old: Contract, new: Contract, dependants: Sequence[Dependant] = ()) -> Judged:
    """Tell compatible changes from breaking ones, and name who depends on what is broken.

    Breaking is what takes away or narrows what readers were promised would come: a dropped column, another kind,
    a narrower range, null no longer allowed, a category less, a stricter verdict, a new rule that keeps rows out.
    What lets more in, or only warns, is compatible. A change of the key or event time concerns every reader.
    """
    found = [*_identity(old, new), *_columns(old, new), *_rules(old, new)]
    return Judged(tuple(_with_dependants(change, dependants) for change in found))


def _with_dependants(change: Change, dependants: Iterable[Dependant]) -> Change:
    if not change.breaking:
        return change
    hit = tuple(one.name for one in dependants if not change.columns or one.columns & set(change.columns))
    return Change(change.columns, True, change.text, hit)


def _identity(old: Contract, new: Contract) -> Iterator[Change]:
    if old.key != new.key:
        yield Change((), True, f"the key changes from {', '.join(old.key)} to {', '.join(new.key)}")
    if old.event_time != new.event_time:
        yield Change((), True, f"the event time changes from {old.event_time!r} to {new.event_time!r}")


def _columns(old: Contract, new: Contract) -> Iterator[Change]:
    for name, column in old.columns.items():
        if name not in new.columns:
            yield Change((name,), True, f"column {name!r} is dropped")
        else:
            yield from _column(name, column, new.columns[name])
    for name, column in new.columns.items():
        if name not in old.columns:
            needed = "" if column.nullable else ", which every new row must have"
            yield Change((name,), False, f"column {name!r} is added{needed}")


def _column(name: str, old: Column, new: Column) -> Iterator[Change]:
    def change(breaking: bool, text: str) -> Change:
        return Change((name,), breaking, f"column {name!r} {text}")

    if old.kind != new.kind:
        yield change(True, f"becomes a {new.kind}; it was a {old.kind}")
        return
    if old.nullable != new.nullable:
        yield change(old.nullable, "may no longer be null" if old.nullable else "may now be null")
    for part, word, sign in (("low", "least", 1), ("high", "greatest", -1)):
        before, after = getattr(old, part), getattr(new, part)
        if before != after:
            narrower = after is not None and (before is None or sign * after > sign * before)
            yield change(narrower, f"has {_or_none(after)} as its {word} value; it was {_or_none(before)}")
    yield from (change(breaking, text) for breaking, text in _texts(old, new))
    if old.verdict != new.verdict:
        stricter = _STRICTER[new.verdict] > _STRICTER[old.verdict]
        yield change(stricter, f"now has the verdict {new.verdict!r}; it was {old.verdict!r}")


def _texts(old: Column, new: Column) -> Iterator[tuple[bool, str]]:
    if old.matches != new.matches:
        yield new.matches is not None, f"must match {new.matches!r}" if new.matches else "need match nothing"
    if old.categories is None or new.categories is None:
        if old.categories != new.categories:
            closed = new.categories is not None and not new.open
            yield closed, "now has categories" if new.categories is not None else "no longer has categories"
        return
    gone = sorted(set(old.categories) - set(new.categories))
    more = sorted(set(new.categories) - set(old.categories))
    if gone:
        yield not new.open, f"loses the categories {', '.join(gone)}"
    if more:
        yield False, f"gains the categories {', '.join(more)}"
    if old.open != new.open:
        yield old.open, "closes its categories" if old.open else "opens its categories"


def _rules(old: Contract, new: Contract) -> Iterator[Change]:
    before = {one.name: one for one in old.rules}
    after = {one.name: one for one in new.rules}
    for name, one in after.items():
        known = before.get(name)
        if known is None:
            yield Change(rule_columns(one, new), _keeps_out(one), f"rule {name!r} ({one.verdict}) is added")
        elif known != one:
            stricter = _keeps_out(one) and not _only_milder(known, one)
            yield Change(rule_columns(one, new), stricter, f"rule {name!r} changes")
    for name, one in before.items():
        if name not in after:
            yield Change(rule_columns(one, old), False, f"rule {name!r} is dropped")


def _keeps_out(one: Rule) -> bool:
    return one.verdict != "warn"


def _only_milder(known: Rule, one: Rule) -> bool:
    """The same rule with a milder verdict, or wider bounds."""
    if type(known) is not type(one) or _STRICTER[one.verdict] > _STRICTER[known.verdict]:
        return False
    if isinstance(known, BatchBound) and isinstance(one, BatchBound):
        same = (known.figure, known.column) == (one.figure, one.column)
        return same and _wider(known.low, one.low, 1) and _wider(known.high, one.high, -1)
    told = {**rule_meaning(known), "verdict": one.verdict}
    return told == rule_meaning(one)


def _wider(before: float | None, after: float | None, sign: int) -> bool:
    return after is None or (before is not None and sign * after <= sign * before)


def _or_none(bound: float | None) -> str:
    return "none" if bound is None else f"{bound:g}"
