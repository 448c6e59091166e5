"""What a contract costs: one request of 60 columns, and a batch of a million rows against 100 promises, beside peers.

The peer of a request is msgspec's typed decoding of the same row, bounds included; the peer of a batch is a pass of
Polars written by hand for this very contract, which only counts what is broken.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import homeostat as hs
from homeostat.adapters.polars.batches import PolarsBatches
from homeostat.data.contracts import compile_contract
from homeostat.data.rules import Rule
from homeostat.data.tables import Table

CARRIERS = ["AA", "B6", "DL", "EV", "UA", "WN"]
TAIL = r"N\d{1,5}[A-Z]{0,2}"
SEEN = "2013-02-01T05:00:00Z"
Json = dict[str, Any]


def declared() -> Table:
    """Sixty columns of every kind, with bounds, categories, patterns and 18 rules: well over 100 promises."""
    contract = {"id": hs.text(), "at": hs.instant()}
    for number in range(58):
        kind = number % 6
        contract[f"c{number}"] = (
            hs.text(categories=CARRIERS)
            if kind == 0
            else hs.text(matches=TAIL, nullable=True)
            if kind == 1
            else hs.integer(0, 10_000)
            if kind == 2
            else hs.boolean()
            if kind == 3
            else hs.number(-100, 1_000, nullable=kind == 4)
        )
    pairs = [(4, 5), (10, 11), (16, 17), (22, 23), (28, 29), (34, 35), (40, 41), (46, 47)]
    rules: list[Rule] = [hs.rule(f"c{a} <= c{b} + 2000") for a, b in pairs]
    rules += [hs.rule("c2 + c8 < 30000 or c3", verdict="warn"), hs.rule("c0 == 'AA' or c4 > -101")]
    rules += [hs.unique("id"), hs.batch_rows(at_least=1)]
    rules += [hs.batch_mean(f"c{a}", 0, 900) for a, _ in pairs[:3]]
    rules += [hs.batch_missing(f"c{a}", at_most=0.2) for a, _ in pairs[:3]]
    return Table("wide", key="id", event_time="at", contract=contract, rules=rules)


def batch(table: Table, rows: int) -> pa.Table:
    """Rows that mostly keep the contract: one in a thousand is out of a bound."""
    rng = np.random.default_rng(7)
    tails = np.array([f"N{number}{'AB'[: number % 3]}" for number in range(5_000)])
    made: dict[str, Any] = {}
    for name, column in table.contract.items():
        if name == "id":
            made[name] = pa.array(np.arange(rows).astype(str))
        elif column.kind == "instant":
            made[name] = pa.array(np.arange(rows) * 1_000_000, pa.timestamp("us", tz="UTC"))
        elif column.kind == "text":
            made[name] = pa.array(rng.choice(CARRIERS if column.categories else tails, rows))
        elif column.kind == "boolean":
            made[name] = pa.array(rng.random(rows) < 0.5)
        elif column.kind == "integer":
            made[name] = pa.array(rng.integers(0, 10_000, rows))
        else:
            values = rng.uniform(-100, 1_000, rows)
            values[:: rows // 1_000 or 1] = 2_000.0
            made[name] = pa.array(values, mask=rng.random(rows) < 0.05 if column.nullable else None)
    return pa.table(made)


def request(table: Table) -> Json:
    """One row as a request brings it."""
    values = {"text": "AA", "number": 12.5, "integer": 300, "boolean": True, "instant": SEEN}
    row: Json = {name: values[column.kind] for name, column in table.contract.items()}
    return {name: "N123AB" if table.contract[name].matches else value for name, value in row.items()}


def typed(table: Table) -> type[msgspec.Struct]:
    """The same columns as a typed structure, with bounds, categories and patterns as msgspec has them."""
    fields = []
    for name, column in table.contract.items():
        kind: Any = {"text": str, "boolean": bool, "instant": datetime}.get(column.kind, float)
        if column.categories:
            kind = Literal[tuple(column.categories)]
        elif column.matches:
            kind = Annotated[str, msgspec.Meta(pattern=f"^(?:{column.matches})$")]
        elif column.low is not None:
            number: Any = int if column.kind == "integer" else float
            kind = Annotated[number, msgspec.Meta(ge=column.low, le=column.high)]
        fields.append((name, kind | None if column.nullable else kind))
    return msgspec.defstruct("Wide", fields, forbid_unknown_fields=True)


def by_hand(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Counts of what is broken, as somebody would write it for this contract alone."""
    asked = []
    for name, column in table.contract.items():
        own = pl.col(name)
        if not column.nullable:
            asked.append(own.is_null().sum().alias(f"{name} null"))
        if column.categories:
            asked.append((~own.is_in(list(column.categories))).sum().alias(f"{name} category"))
        if column.matches:
            asked.append((~own.str.contains(f"^(?:{column.matches})$")).sum().alias(f"{name} pattern"))
        if column.low is not None:
            asked.append(((own < column.low) | (own > column.high)).sum().alias(f"{name} bounds"))
    asked += [(pl.col(f"c{a}") > pl.col(f"c{a + 1}") + 2000).sum().alias(f"rule {a}") for a in range(4, 47, 6)]
    asked.append((~pl.col("id").is_first_distinct()).sum().alias("unique"))
    asked += [pl.col(f"c{a}").mean().alias(f"mean {a}") for a in (4, 10, 16)]
    return frame.lazy().select(*asked).collect()


def measured(rows: int = 1_000_000, repeats: int = 3) -> list[Json]:
    """Both figures, each beside its peer."""
    table = declared()
    row, check, shape = request(table), compile_contract(table.contract, table.rules), typed(table)
    body, sent = msgspec.json.encode(row), [row]
    assert check(sent).kept == [0]
    ours = _seconds(lambda: check(sent), 5 * repeats, 400)
    theirs = _seconds(lambda: msgspec.convert(row, shape), 5 * repeats, 400)
    whole = _seconds(lambda: msgspec.json.decode(body, type=shape), 5 * repeats, 400)
    many = batch(table, rows)
    engine = PolarsBatches()
    found = engine.check(table, many)
    promises = len(found.found) + len(found.figures)
    frame = pl.DataFrame(pl.from_arrow(many))
    checked = _seconds(lambda: engine.check(table, many), repeats, 1)
    written = _seconds(lambda: by_hand(table, frame), repeats, 1)
    return [
        {"what": "contract, one row of 60 columns", "microseconds": ours * 1e6},
        {"what": "  msgspec, the same row converted to types", "microseconds": theirs * 1e6},
        {"what": "  msgspec, the same row decoded from JSON", "microseconds": whole * 1e6},
        {"what": f"contract, {rows:,} rows x 60 columns, {promises} promises", "seconds": checked},
        {"what": "  Polars by hand, counts only", "seconds": written},
    ]


def _seconds(work: Callable[[], object], repeats: int, times: int) -> float:
    found = []
    for _ in range(repeats):
        gc.collect()
        began = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - began) / times)
    return median(found)


if __name__ == "__main__":
    for line in measured():
        print(line)
