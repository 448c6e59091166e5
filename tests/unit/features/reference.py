"""A naive reading of what features mean, and random streams to try every implementation on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from homeostat.data.contracts import boolean, instant, integer, number, text
from homeostat.data.tables import Table
from homeostat.features.definitions import (
    FeatureSet,
    Latest,
    Window,
    count,
    distinct,
    feature_set,
    first,
    last,
    maximum,
    mean,
    minimum,
    quantile,
    share,
    std,
    sum_,
    transform,
)
from homeostat.kernel.clock import duration

Row = dict[str, Any]
ARROW = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}

sales = Table(
    "sales",
    key="id",
    event_time="at",
    contract={
        "id": text(),
        "at": instant(),
        "shop": text(nullable=True),
        "zone": integer(nullable=True),
        "price": number(nullable=True),
        "pieces": integer(),
        "member": boolean(nullable=True),
        "note": text(nullable=True),
    },
)
visits = Table(
    "visits",
    key=("zone", "at"),
    event_time="at",
    contract={"zone": integer(), "at": instant(), "people": number(nullable=True)},
)
asked = Table(
    "asked",
    key="id",
    event_time="at",
    contract={
        "id": text(),
        "at": instant(),
        "shop": text(nullable=True),
        "zone": integer(nullable=True),
        "distance": number(nullable=True),
    },
)


@transform
def crowding(shop_sold_3us: Any, shop_sold_10us: Any) -> Any:
    return shop_sold_3us / shop_sold_10us


@transform
def spread(shop_price_mean_10us: Any, distance: Any) -> Any:
    return shop_price_mean_10us * distance


@transform
def doubled(crowding: Any, zone: Any) -> Any:
    return crowding * 2 + zone


MORE = {
    "price_std": std("price"),
    "price_first": first("price"),
    "price_last": last("price"),
    "note_first": first("note"),
    "note_last": last("note"),
    "member_last": last("member"),
    "notes": distinct("note"),
    "prices": distinct("price"),
    "moments": distinct("at"),
    "dear": share("price > 0"),
    "good": share("note == 'x' or member and pieces + price >= 1"),
    "price_mid": quantile("price", 0.5),
    "pieces_high": quantile("pieces", 0.9),
}
VALUES = {
    "sold": count(),
    "price_sum": sum_("price"),
    "price_mean": mean("price"),
    "price_low": minimum("price"),
    "price_high": maximum("price"),
    "pieces": sum_("pieces"),
    "members": mean("member"),
}
FEATURES = feature_set(
    asked,
    [
        asked["shop", "distance"],
        Window(sales, by="shop", over=["3us", "10us"], values=VALUES),
        Window(sales, by=("shop", "zone"), over=["5us"], values=VALUES),
        Window(sales, by=["zone", ("shop", "zone")], over=["4us", "10us"], values=MORE, name="more"),
        Window(
            visits,
            by="zone",
            over=["4us"],
            values={"visits": count(), "people": mean("people")},
            default={"people": -7, "visits": 3.0},
            freshness="6us",
        ),
        Latest(sales, by="shop", columns=["price", "pieces", "member", "note"]),
        Latest(sales, by=("zone",), columns=["note", "price"], max_age="4us", default={"note": "none"}),
        Latest(visits, by="zone", columns=["people"]),
        doubled,
        crowding,
        spread,
    ],
)


@dataclass(frozen=True)
class Batch:
    """Facts accepted together, then questions asked."""

    table: Table
    rows: list[Row]
    questions: list[Row]


@dataclass(frozen=True)
class Question:
    row: Row
    time: int
    known: int


shops = st.sampled_from(["north", "south", None])
zones = st.sampled_from([1, 2, None])
moments = st.integers(0, 24)
prices = st.one_of(
    st.none(),
    st.sampled_from([1e9, -1e9, 0.1, 1e-3, 0.0, -0.0]),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.integers(-50, 50).map(float),
)
sale = st.fixed_dictionaries(
    {
        "id": st.sampled_from("abcdefgh"),
        "at": moments,
        "shop": shops,
        "zone": zones,
        "price": prices,
        "pieces": st.integers(-5, 5),
        "member": st.sampled_from([True, False, None]),
        "note": st.sampled_from(["", "x", "é", None]),
    }
)
visit = st.fixed_dictionaries({"zone": st.integers(1, 2), "at": moments, "people": prices})
question = st.fixed_dictionaries(
    {
        "id": st.just("q"),
        "at": st.integers(0, 40),
        "shop": shops,
        "zone": zones,
        "distance": st.sampled_from([1.0, 2.5, 0.0, None]),
    }
)
questions = st.lists(question, max_size=4)
batch = st.one_of(
    st.builds(Batch, st.just(sales), st.lists(sale, min_size=1, max_size=6), questions),
    st.builds(Batch, st.just(visits), st.lists(visit, min_size=1, max_size=3), questions),
)
streams = st.lists(batch, min_size=1, max_size=8)


def stored(table: Table, facts: Sequence[tuple[Row, int]]) -> pa.Table:
    """Facts as the table store keeps them."""
    columns = {
        name: pa.array([row[name] for row, _ in facts], ARROW[column.kind]) for name, column in table.contract.items()
    }
    return pa.table({**columns, "_sequence": pa.array([sequence for _, sequence in facts], pa.int64())})


def asked_table(table: Table, questions: Sequence[Question]) -> pa.Table:
    """Questions as ``point_in_time`` takes them."""
    rows = stored(table, [(one.row, one.known) for one in questions])
    return rows.append_column("_time", pa.array([one.time for one in questions], pa.int64()))


def naive(features: FeatureSet, asked: Question, facts: Mapping[str, Sequence[tuple[Row, int]]]) -> list[Any]:
    """Every feature of one question, straight from the definition."""
    return answered(features, asked, facts)[0]


def answered(
    features: FeatureSet, asked: Question, facts: Mapping[str, Sequence[tuple[Row, int]]]
) -> tuple[list[Any], tuple[str, ...]]:
    """Every feature, and the names of those that are declared defaults."""
    found: dict[str, Any] = {}
    defaulted: list[str] = []
    for one in features.selected:
        value = asked.row[one.name]
        found[one.name] = value if one.kind == "text" or value is None else float(value)
    for view in features.views:
        valid = _valid(view.table, facts[view.table.name], asked)
        entity = [asked.row[name] for name in view.entity]
        about = [
            (row, sequence)
            for row, sequence in valid
            if None not in entity and [row[name] for name in view.entity] == entity
        ]
        values = _latest(view, about, asked.time) if isinstance(view, Latest) else _window(view, about, asked.time)
        silent = _silent(view, valid, asked.time)
        for one, value in zip(view.features, values, strict=True):
            used = one.default is not None and (value is None or silent)
            found[one.name] = one.default if used else value
            defaulted += [one.name] if used else []
    found.update({one.name: asked.row[one.name] for one in features.inputs})
    for one in features.transforms:
        given = [np.array([np.nan if found[name] is None else found[name]]) for name in one.arguments]
        with np.errstate(all="ignore"):
            value = float(one.function(*given)[0])
        found[one.name] = value if math.isfinite(value) else None
    return [found[name] for name in features.names], tuple(defaulted)


def _window(view: Window, about: Sequence[tuple[Row, int]], at: int) -> list[Any]:
    event_time = view.table.event_time
    ordered = [row for row, _ in sorted(about, key=lambda fact: (fact[0][event_time], fact[1]))]
    return [
        _aggregate(one, [row for row in ordered if at - length < row[event_time]])
        for one in view.values.values()
        for length in view.ranges
    ]


def _silent(view: Window | Latest, valid: Sequence[tuple[Row, int]], at: int) -> bool:
    if view.freshness is None:
        return False
    newest = max((row[view.table.event_time] for row, _ in valid), default=None)
    return newest is None or at - newest > duration(view.freshness)


def _valid(table: Table, facts: Sequence[tuple[Row, int]], asked: Question) -> list[tuple[Row, int]]:
    newest: dict[str, tuple[Row, int]] = {}
    for row, sequence in sorted(facts, key=lambda fact: fact[1]):
        if sequence <= asked.known:
            newest[table.key_of(row)] = (row, sequence)
    return [fact for fact in newest.values() if fact[0][table.event_time] <= asked.time]


def _latest(view: Latest, about: Sequence[tuple[Row, int]], at: int) -> list[Any]:
    event_time = view.table.event_time
    young = [fact for fact in about if view.longest is None or at - fact[0][event_time] <= view.longest]
    if not young:
        return [None] * len(view.columns)
    row = max(young, key=lambda fact: (fact[0][event_time], fact[1]))[0]
    return [row[name] if row[name] is None or isinstance(row[name], str) else float(row[name]) for name in view.columns]


def _aggregate(one: Any, rows: Sequence[Row]) -> Any:
    if one.kind == "count":
        return float(len(rows))
    if one.kind == "share":
        return _share(one.condition, rows)
    present = [row[one.column] for row in rows if row[one.column] is not None]
    if one.kind == "distinct":
        return float(len(set(present)))
    if one.kind in ("first", "last"):
        value = present[0 if one.kind == "first" else -1] if present else None
        return value if value is None or isinstance(value, str) else float(value)
    return _number(one, [Fraction(value) for value in present])


def _number(one: Any, values: Sequence[Fraction]) -> Any:
    if one.kind == "sum":
        return float(sum(values))
    if not values or (one.kind == "std" and len(values) < 2):
        return None
    average = sum(values) / len(values)
    if one.kind == "mean":
        return float(average)
    if one.kind == "std":
        variance = sum((value - average) ** 2 for value in values) / (len(values) - 1)
        half = (variance.numerator.bit_length() - variance.denominator.bit_length()) // 2
        return math.ldexp(math.sqrt(variance / Fraction(4) ** half), half)
    if one.kind == "quantile":
        return _quantile(sorted(float(value) for value in values), one.q)
    return float(min(values) if one.kind == "minimum" else max(values))


def _quantile(values: Sequence[float], q: float) -> float:
    below, part = divmod((len(values) - 1) * q, 1)
    low, high = values[int(below)], values[min(int(below) + 1, len(values) - 1)]
    return low + (high - low) * part


def _share(condition: str, rows: Sequence[Row]) -> Any:
    """Conditions of the reference are Python; a name that is null makes the whole unknown."""
    read = [name for name in ("price", "note", "member", "pieces") if name in condition]
    known = [row for row in rows if all(row[name] is not None for name in read)]
    held = [row for row in known if eval(condition, {}, dict(row))]
    return len(held) / len(known) if known else None
