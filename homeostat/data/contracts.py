"""What a row promises, and the check of it, compiled once and fast enough for every request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from homeostat.data.checks import Fault, did_you_mean, known_names, parser_of, shown
from homeostat.data.inlined import read_row
from homeostat.data.promises import check_column
from homeostat.data.rules import RowCheck, Rule, Unique, repeats, row_checks

Kind = Literal["text", "number", "integer", "boolean", "instant"]
Value = str | float | int | bool | None
Row = dict[str, Value]
_MOST_UNKNOWN = 20
"""Unknown columns of one row that are told one by one."""
_HINTED = 1_000
"""Breaks of one request that may say which name was meant: the search takes longer than all else."""
_LONGEST_NAME = 100
Measure = Literal["reject", "quarantine", "warn"]
"""What follows a broken promise: the request is refused, the row is kept apart, or it is taken in and told."""


@dataclass(frozen=True, slots=True)
class Column:
    """One promise: a kind, whether null is allowed, and bounds (both inclusive), categories or a pattern.

    ``open`` categories may gain members: a new one is a warning. ``matches`` must cover the whole text.
    ``verdict`` says what follows a value out of its bounds, categories or pattern: its row is kept apart, the
    whole request is refused, or the row is taken in with a warning. What cannot be read as its kind, or is null
    where it may not be, is never taken in.
    Raises: InvalidInput when the parts do not fit the kind or contradict each other.
    """

    kind: Kind
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] | None = None
    open: bool = False
    matches: str | None = None
    verdict: Measure = "quarantine"

    def __post_init__(self) -> None:
        check_column(self)

    @property
    def meaning(self) -> dict[str, object]:
        """JSON values that identify the promise; what was not declared is left out of the newer parts."""
        older = {name: getattr(self, name) for name in ("kind", "nullable", "low", "high")}
        categories = None if self.categories is None else list(self.categories)
        newer = {"open": self.open, "matches": self.matches, "verdict": self.verdict}
        unset = {"open": False, "matches": None, "verdict": "quarantine"}
        return {**older, "categories": categories, **{n: v for n, v in newer.items() if v != unset[n]}}

    @classmethod
    def from_meaning(cls, values: Mapping[str, Any]) -> Column:
        """Read what ``meaning`` gave."""
        categories = values.get("categories")
        return cls(**{**values, "categories": None if categories is None else tuple(categories)})


def text(
    *,
    categories: Iterable[str] | None = None,
    open: bool = False,
    matches: str | None = None,
    nullable: bool = False,
    verdict: Measure = "quarantine",
) -> Column:
    """A text of at most 65,536 characters, optionally one of ``categories``, or covered by a pattern.

    >>> text(matches=r"N\\d{1,5}", nullable=True).matches
    'N\\\\d{1,5}'
    """
    listed = (categories,) if isinstance(categories, str) else categories
    return Column("text", nullable, None, None, None if listed is None else tuple(listed), open, matches, verdict)


def number(
    low: float | None = None, high: float | None = None, *, nullable: bool = False, verdict: Measure = "quarantine"
) -> Column:
    """A finite number within ``[low, high]``."""
    return Column("number", nullable, low, high, verdict=verdict)


def integer(
    low: float | None = None, high: float | None = None, *, nullable: bool = False, verdict: Measure = "quarantine"
) -> Column:
    """A whole number of 64 bits within ``[low, high]``; ``3.0`` reads as 3."""
    return Column("integer", nullable, low, high, verdict=verdict)


def boolean(*, nullable: bool = False, verdict: Measure = "quarantine") -> Column:
    """``true`` or ``false``; 0 and 1 are refused."""
    return Column("boolean", nullable, verdict=verdict)


def instant(*, nullable: bool = False, verdict: Measure = "quarantine") -> Column:
    """A moment, sent as ISO-8601 with its offset and kept as microseconds."""
    return Column("instant", nullable, verdict=verdict)


@dataclass(frozen=True, slots=True)
class Break:
    """One broken promise: where, a stable ``reason`` to program against, and sentences for people.

    The reason of a rule over several columns is ``rule:`` and its name.
    """

    row: int
    column: str | None
    reason: str
    problem: str
    mend: str
    verdict: Measure = "quarantine"

    @property
    def promise(self) -> str:
        """What was broken, to count by: ``delay: below_minimum``, or the reason of a rule."""
        return self.reason if self.column is None else f"{self.column}: {self.reason}"


class Checked(msgspec.Struct, frozen=True):
    """Rows that keep the contract, parsed; ``kept`` are their indices in the input.

    ``breaks`` are of rows that are not kept, ``warnings`` of rows that are.
    """

    rows: list[Row]
    kept: list[int]
    breaks: list[Break]
    warnings: list[Break] = []

    @property
    def rejected(self) -> bool:
        """Whether a promise was broken for which the whole request is refused."""
        return any(item.verdict == "reject" for item in self.breaks)


def compile_contract(
    columns: Mapping[str, Column], rules: Sequence[Rule] = ()
) -> Callable[[Sequence[object]], Checked]:
    """Check thousands of rows in milliseconds, and say of each broken one everything that is wrong.

    Parsed rows hold every column: instants as microseconds, numbers as float, a missing key of a nullable
    column as None. Rules over rows are asked of rows whose columns keep their promises, uniqueness of rows that
    keep all else; rules over a whole batch are not asked of a request.

    >>> check = compile_contract({"carrier": text(), "delay": number(nullable=True)})
    >>> check([{"carrier": "UA"}]).rows
    [{'carrier': 'UA', 'delay': None}]
    >>> check([{"carrier": 7}]).breaks[0].reason
    'wrong_type'
    """
    return _Check(columns, rules)


class _Check:
    """The compiled check. A row in order costs one pass over its columns; only a broken one is looked at again."""

    def __init__(self, columns: Mapping[str, Column], rules: Sequence[Rule]) -> None:
        self._parsers = [(name, parser_of(column)) for name, column in columns.items()]
        self._read = read_row(columns)
        self._known = columns.keys()
        self._rules = row_checks(columns, rules)
        self._unique = [rule for rule in rules if isinstance(rule, Unique)]

    def __call__(self, rows: Sequence[object]) -> Checked:
        known, read, rules = self._known, self._read, self._rules
        checked = Checked([], [], [])
        good, kept = checked.rows, checked.kept
        for index, row in enumerate(rows):
            try:
                if not isinstance(row, dict) or not row.keys() <= known:
                    raise Fault
                parsed = read(row)
            except Fault:
                found = self._again(index, row, hints=len(checked.breaks) < _HINTED)
            else:
                for _, _, holds in rules:
                    if holds(parsed) is False:
                        break
                else:
                    good.append(parsed)
                    kept.append(index)
                    continue
                found = parsed, _broken_rules(index, parsed, rules)
            _sort_in(checked, index, *found)
        return self._unrepeated(checked) if self._unique else checked

    def _again(self, index: int, row: object, *, hints: bool) -> tuple[Row | None, list[Break]]:
        """Everything that is wrong with a row, and the row as it may be taken in, if it may."""
        if not isinstance(row, dict):
            mend = "Send each row as an object that names its columns."
            return None, [Break(index, None, "not_an_object", f"The row is {shown(row)}, not an object.", mend)]
        found = _unknown(index, row, self._known, hints=hints)
        parsed: Row = {}
        for name, parse in self._parsers:
            try:
                parsed[name] = parse(row.get(name))
            except Fault as fault:
                parsed[name] = fault.value
                found.append(_break(index, name, name in row, fault))
        if all(item.verdict == "warn" for item in found):
            return parsed, [*found, *_broken_rules(index, parsed, self._rules)]
        return None, found

    def _unrepeated(self, checked: Checked) -> Checked:
        """Set apart the rows that repeat an earlier one."""
        found = [
            Break(checked.kept[place], None, rule.reason, f"The row repeats {rule.shown}.", rule.mend, rule.verdict)
            for rule in self._unique
            for place in repeats(checked.rows, rule.columns)
        ]
        out = {item.row for item in found if item.verdict != "warn"}
        pairs = [(row, index) for row, index in zip(checked.rows, checked.kept, strict=True) if index not in out]
        told = [*checked.warnings, *(item for item in found if item.verdict == "warn")]
        return Checked(
            [row for row, _ in pairs],
            [index for _, index in pairs],
            sorted(
                [*checked.breaks, *(item for item in found if item.row in out and item.verdict != "warn")], key=_row
            ),
            sorted((item for item in told if item.row not in out), key=_row),
        )


def _unknown(index: int, row: Mapping[Any, object], known: Collection[str], *, hints: bool) -> list[Break]:
    """A break for each column that is not known; of very many, for the first ones and one for the rest."""
    names = [name for name in map(str, row) if name not in known]
    if not names:
        return []
    first, listed = names[:_MOST_UNKNOWN], known_names(known)
    found = [
        Break(
            index,
            name[:_LONGEST_NAME],
            "unknown_column",
            f"No column {shown(name[:_LONGEST_NAME])} here.",
            did_you_mean(name, known) if hints else listed,
        )
        for name in first
    ]
    if len(names) > len(first):
        problem = f"{len(names) - len(first)} more columns are not known here."
        found.append(Break(index, None, "unknown_column", problem, listed))
    return found


def _row(item: Break) -> int:
    return item.row


def _sort_in(checked: Checked, index: int, parsed: Row | None, found: list[Break]) -> None:
    if parsed is None or any(item.verdict != "warn" for item in found):
        checked.breaks.extend(item for item in found if item.verdict != "warn")
        return
    checked.rows.append(parsed)
    checked.kept.append(index)
    checked.warnings.extend(found)


def _broken_rules(index: int, row: Row, rules: Sequence[RowCheck]) -> list[Break]:
    found = []
    for rule, reads, holds in rules:
        if holds(row) is False:
            named = ", ".join(f"{name} is {shown(row[name])}" for name in reads)
            problem = f"Rule {rule.name!r} does not hold: {named}."
            found.append(Break(index, None, rule.reason, problem, rule.mend, rule.verdict))
    return found


def _break(index: int, name: str, present: bool, fault: Fault) -> Break:
    if not present:
        mend = "Send it; it is required, and may not be null."
        return Break(index, name, "missing_column", f"Column {name!r} is missing.", mend, fault.measure)
    return Break(index, name, fault.reason, f"Column {name!r} {fault.problem}", fault.mend, fault.measure)
