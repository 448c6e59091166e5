"""A contract proposed from what is there: a start for a person to correct, never put in force by itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from homeostat.data.contracts import Column, Kind
from homeostat.data.patterns import compile_pattern
from homeostat.kernel.words import plural

MOST_CATEGORIES = 20
"""Distinct texts up to which a column is taken for categories."""
_REPEATS = 20
"""How often each category must stand there on average."""
_MARGIN = 0.1
_MOST_RUNS = 8
_LINE = 118


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What was seen of one column: ``values`` are its distinct texts, if few, or a sample of them.

    ``least`` and ``greatest`` are of numbers; ``distinct`` counts values that are not null.
    """

    name: str
    kind: Kind
    rows: int
    nulls: int
    distinct: int
    least: float | None = None
    greatest: float | None = None
    values: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProposedColumn:
    """A promise and why it is proposed."""

    name: str
    column: Column
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A whole contract: the key and event time are None where nothing qualifies."""

    table: str
    rows: int
    key: tuple[str, ...] | None
    event_time: str | None
    columns: tuple[ProposedColumn, ...]
    other_keys: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = field(default=())


def propose(table: str, rows: int, facts: Sequence[ColumnFacts], keys: Sequence[tuple[str, ...]]) -> Proposal:
    """Propose what the facts kept: kinds, nulls, ranges with a margin, open categories, shapes of texts.

    ``keys`` are columns found to identify each row, best first.
    """
    times = [one.name for one in facts if one.kind == "instant" and not one.nulls]
    notes = tuple(f"{one.name}: {one.note}" for one in facts if one.note)
    key = keys[0] if keys else None
    return Proposal(
        table,
        rows,
        key,
        times[0] if times else None,
        tuple(propose_column(one) for one in facts),
        tuple(keys[1:4]),
        notes,
    )


def propose_column(facts: ColumnFacts) -> ProposedColumn:
    """What one column seems to promise.

    >>> propose_column(ColumnFacts("n", "number", 10, 0, 10, -3.0, 42.0)).column.high
    47.0
    """
    nullable = facts.nulls > 0 or not facts.rows
    said = [f"{facts.nulls / facts.rows:.1%} null"] if facts.nulls else []
    if facts.kind in ("number", "integer") and facts.least is not None and facts.greatest is not None:
        low, high = range_of(facts.least, facts.greatest, whole=facts.kind == "integer")
        said.append(f"seen {facts.least:g} to {facts.greatest:g}")
        return ProposedColumn(facts.name, Column(facts.kind, nullable, low, high), "; ".join(said))
    if facts.kind == "text" and facts.values:
        return _text(facts, nullable, said)
    return ProposedColumn(facts.name, Column(facts.kind, nullable), "; ".join(said))


def range_of(least: float, greatest: float, *, whole: bool = False) -> tuple[float, float]:
    """A range around what was seen, a tenth wider on each side, on round figures; what was never negative stays so.

    >>> range_of(0, 97), range_of(-14.2, 31)
    ((0.0, 107.0), (-19.0, 36.0))
    """
    margin = _MARGIN * ((greatest - least) or abs(greatest) or 1.0)
    step = 10.0 ** math.floor(math.log10(margin))
    step = max(step, 1.0) if whole else step
    low, high = math.floor((least - margin) / step) * step, math.ceil((greatest + margin) / step) * step
    digits = max(0, -math.floor(math.log10(step)))
    return round(max(low, 0.0) if least >= 0 else low, digits), round(min(high, 0.0) if greatest <= 0 else high, digits)


def shape_of(values: Sequence[str]) -> str | None:
    r"""A pattern that covers all values, when they are obviously built alike; else None.

    >>> shape_of(["N123AA", "N9B"])
    'N\\d{1,3}[A-Z]{1,2}'
    >>> shape_of(["anything", "goes here"]) is None
    True
    """
    shapes = [_runs(value) for value in values]
    first = [kind for kind, _ in shapes[0]] if shapes else []
    if not first or len(first) > _MOST_RUNS or any([kind for kind, _ in runs] != first for runs in shapes):
        return None
    parts = [_part(kind, [runs[place][1] for runs in shapes]) for place, kind in enumerate(first)]
    fixed = all(len({len(runs[place][1]) for runs in shapes}) == 1 for place in range(len(first)))
    if len(first) < 2 and not fixed:
        return None
    pattern = "".join(parts)
    matches = compile_pattern(pattern).matches
    return pattern if all(map(matches, values)) else None


def python_of(proposal: Proposal, source: str) -> str:
    """The proposal as a person would paste it into a loop file."""
    lines = [
        f"# Proposed by 'homeostat contract infer' from {plural(proposal.rows, 'row')} of {source}.",
        "# Not in force: correct what is only true of these rows, then paste it into the loop file.",
        *(f"# Note: {note}." for note in proposal.notes),
        f"{_identifier(proposal.table)} = hs.Table(",
        f'    "{proposal.table}",',
        f"    key={_key(proposal)}",
        f"    event_time={_event_time(proposal)}",
        "    contract={",
    ]
    for one in proposal.columns:
        line, why = f'        "{one.name}": {constructor(one.column)},', f"# {one.why}"
        fits = len(line) + len(why) < _LINE
        lines += [f"{line}  {why}" if one.why and fits else line] if fits or not one.why else [f"        {why}", line]
    return "\n".join([*lines, "    },", ")"])


def constructor(column: Column) -> str:
    """A promise as it is written in a loop file.

    >>> constructor(Column("number", True, 0, 5, verdict="warn"))
    'hs.number(0, 5, nullable=True, verdict="warn")'
    """
    given = []
    if column.low is not None and column.high is not None:
        given += [_figure(column.low), _figure(column.high)]
    if column.categories is not None:
        listed = ", ".join(json.dumps(one, ensure_ascii=False) for one in column.categories)
        given += [f"categories=[{listed}]", *(["open=True"] if column.open else [])]
    if column.matches is not None:
        given.append(f'matches=r"{column.matches}"' if '"' not in column.matches else f"matches={column.matches!r}")
    if column.nullable:
        given.append("nullable=True")
    if column.verdict != "quarantine":
        given.append(f'verdict="{column.verdict}"')
    return f"hs.{column.kind}({', '.join(given)})"


def _text(facts: ColumnFacts, nullable: bool, said: list[str]) -> ProposedColumn:
    seen = facts.rows - facts.nulls
    if facts.distinct <= MOST_CATEGORIES and facts.distinct == len(facts.values) and seen >= _REPEATS * facts.distinct:
        column = Column("text", nullable, categories=tuple(sorted(facts.values)), open=True)
        return ProposedColumn(facts.name, column, "; ".join([*said, "open: a new category only warns"]))
    shape = shape_of(facts.values)
    told = f"{facts.distinct:,} distinct" + (", all built alike" if shape else "")
    return ProposedColumn(facts.name, Column("text", nullable, matches=shape), "; ".join([*said, told]))


def _runs(value: str) -> list[tuple[str, str]]:
    return [(kind, "".join(run)) for kind, run in groupby(value, key=_class)]


def _class(character: str) -> str:
    if not character.isascii():
        return character
    if character.isdigit():
        return r"\d"
    if character.isalpha():
        return "[A-Z]" if character.isupper() else "[a-z]"
    return re.escape(character)


def _part(kind: str, runs: Sequence[str]) -> str:
    """One run of characters: spelt out when it never differs, else its class and how many."""
    if len(set(runs)) == 1:
        return re.escape(runs[0]) if runs[0].isascii() else runs[0]
    low, high = min(map(len, runs)), max(map(len, runs))
    count = f"{{{low}}}" if low == high else f"{{{low},{high}}}"
    return kind + ("" if count == "{1}" else count)


def _key(proposal: Proposal) -> str:
    if proposal.key is None:
        return '"...",  # no column or pair of columns is unique: name what identifies a fact'
    others = f"; so is {', '.join('+'.join(key) for key in proposal.other_keys)}" if proposal.other_keys else ""
    shown = f'"{proposal.key[0]}"' if len(proposal.key) == 1 else f"({', '.join(repr(n) for n in proposal.key)})"
    return f"{shown},  # unique in these rows{others}".replace("'", '"')


def _event_time(proposal: Proposal) -> str:
    if proposal.event_time is None:
        return '"...",  # no column is a time with an offset in every row: name when it happened'
    return f'"{proposal.event_time}",'


def _figure(bound: float) -> str:
    return str(int(bound)) if float(bound).is_integer() and abs(bound) < 1e15 else repr(bound)


def _identifier(name: str) -> str:
    cleaned = re.sub(r"\W", "_", name)
    return cleaned if cleaned.isidentifier() else f"table_{cleaned}"
