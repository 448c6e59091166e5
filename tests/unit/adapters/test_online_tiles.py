"""Tiles of the embedded online store: kept right by every event, the same in whatever order events came."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from homeostat.adapters.sqlite import online
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.features.definitions import (
    Latest,
    Window,
    count,
    feature_set,
    first,
    last,
    maximum,
    mean,
    minimum,
    share,
    std,
    sum_,
)
from homeostat.features.online import lookup
from homeostat.features.parity import compare
from homeostat.kernel.errors import NotEnoughData
from tests.unit.features.reference import Question, asked, naive, sale, sales
from tests.unit.features.streams import small_tiles

VALUES = {
    "sold": count(),
    "price_sum": sum_("price"),
    "price_mean": mean("price"),
    "price_std": std("price"),
    "price_low": minimum("price"),
    "price_high": maximum("price"),
    "note_first": first("note"),
    "note_last": last("note"),
    "dear": share("price > 0"),
}
SUMS = {
    "sold": count(),
    "price_sum": sum_("price"),
    "members": mean("member"),
    "price_std": std("price"),
    "pieces_std": std("pieces"),
    "pieces_low": minimum("pieces"),
    "price_high": maximum("price"),
}
TILED = feature_set(
    asked,
    [
        Window(sales, by="shop", over=["7us", "40us"], values=VALUES),
        Window(sales, by=("shop", "zone"), over=["3us", "9us", "20us"], values=VALUES),
        Window(sales, by="zone", over=["11us", "3us", "34us"], values=SUMS),
        Latest(sales, by="shop", columns=["note"]),
    ],
)


@dataclass
class Store:
    folder: Path
    writer: SqliteOnlineStore
    reader: SqliteOnlineReader
    sequence: int = 0

    def take(self, rows: list[dict[str, Any]]) -> None:
        self.writer.apply("sales", rows, self.sequence)
        self.sequence += len(rows)

    def served(self, questions: list[dict[str, Any]]) -> list[list[Any]]:
        with self.reader.snapshot() as snapshot:
            return lookup(TILED, questions, [row["at"] for row in questions], snapshot).values

    def empty(self) -> None:
        self.writer.rebuild([TILED], [], -1)
        self.sequence = 0

    def kept(self) -> dict[str, list[Any]]:
        """Every row of every tile table."""
        with sqlite3.connect(self.folder / "o.sqlite") as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'tiles_%'")]
            found = {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
        db.close()
        return found


@contextmanager
def small_store(full: int = 2, few: int = 0) -> Iterator[Store]:
    """A store whose tiles are so small that short streams fill many levels."""
    with small_tiles(full, few), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "o.sqlite"
        store = Store(Path(folder), SqliteOnlineStore(path), SqliteOnlineReader(path))
        store.writer.prepare([TILED])
        yield store
        store.reader.close()
        store.writer.close()


times = st.one_of(st.integers(-40, 60), st.integers(0, 12))
rows = st.builds(lambda row, at, key: {**row, "at": at, "id": key}, sale, times, st.integers(0, 40).map(str))
batches = st.lists(st.lists(rows, min_size=1, max_size=12), min_size=1, max_size=6)
questions = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.just("q"),
            "at": st.integers(-40, 100),
            "shop": st.sampled_from(["north", "south"]),
            "zone": st.sampled_from([1, 2]),
            "distance": st.just(1.0),
        }
    ),
    min_size=1,
    max_size=6,
)


def expected(questions: list[dict[str, Any]], facts: list[tuple[dict[str, Any], int]]) -> list[list[Any]]:
    known = max(sequence for _, sequence in facts)
    return [naive(TILED, Question(row, row["at"], known), {"sales": facts}) for row in questions]


@given(batches, questions, st.sampled_from([2, 3, 5]), st.sampled_from([0, 1, 3]))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
def test_windows_read_from_tiles_are_what_their_facts_say(stream, asked_rows, full, few):
    facts: list[tuple[dict[str, Any], int]] = []
    with small_store(full, few) as store:
        for batch in stream:
            facts += zip(batch, itertools.count(store.sequence), strict=False)
            store.take(batch)
            assert agree(store.served(asked_rows), expected(asked_rows, facts))


def agree(served: list[list[Any]], wanted: list[list[Any]]) -> bool:
    import numpy as np

    kinds = TILED.kinds.items()
    columns = {
        name: np.array([row[i] for row in wanted], dtype=object if kind == "text" else float)
        for i, (name, kind) in enumerate(kinds)
    }
    return compare(TILED, served, columns) == []


@given(batches, st.randoms(use_true_random=False), st.sampled_from([2, 3]))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
def test_the_same_facts_leave_the_same_tiles_in_any_order_and_after_a_rebuild(stream, chance, full):
    for row in itertools.chain(*stream):  # of facts at one time the order of acceptance decides
        row["note"] = None if row["at"] % 3 == 0 else str(row["at"])
    latest = {row["id"]: row for batch in stream for row in batch}
    in_order = sorted(latest.values(), key=lambda row: row["at"])
    shuffled = chance.sample(in_order, len(in_order))
    orders = [
        stream,  # late, out of order, corrected
        [in_order[start : start + 3] for start in range(0, len(in_order), 3)],
        [shuffled[start : start + 4] for start in range(0, len(shuffled), 4)],
    ]
    found = []
    with small_store(full) as store:
        for order in orders:
            for batch in order:
                store.take(batch)
            found.append(store.kept())
            store.empty()
        store.writer.rebuild([TILED], [("sales", shuffled, list(range(len(shuffled))))], len(shuffled))
        assert found == [store.kept()] * 3


@given(batches, questions, st.lists(st.integers(0, 60), min_size=6, max_size=6))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
def test_pruned_tiles_are_never_missed(stream, asked_rows, presents):
    facts: list[tuple[dict[str, Any], int]] = []
    horizon = -(10**9)
    with small_store() as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(online, "SLACK", 2)
        for batch, now in zip(stream, presents, strict=False):
            facts += zip(batch, itertools.count(store.sequence), strict=False)
            store.take(batch)
            store.writer.prune(now)
            horizon = max(horizon, now - 2)
            still = [row for row in asked_rows if row["at"] >= horizon]
            windows = [name for name in TILED.names if not name.startswith("shop_note") or "us" in name]
            try:
                served = store.served(still)
            except NotEnoughData:
                continue  # a correction took away what older facts were forgotten for
            chosen = [TILED.names.index(name) for name in windows]
            wanted = expected(still, facts) if still else []
            for got, right in zip(served, wanted, strict=True):
                assert agree([[right[i] if i not in chosen else got[i] for i in range(len(right))]], [right])


def test_facts_that_come_in_order_rewrite_no_tile_until_they_leave_one(monkeypatch):
    with small_store(full=8) as store:
        row = {"shop": "north", "zone": 1, "price": 1.0, "pieces": 1, "member": None, "note": "n"}
        written = []
        for at in range(32):
            before = store.kept()
            store.take([{**row, "id": str(at), "at": at}])
            written.append(store.kept() != before)
        assert sum(written) < len(written) / 2


def test_sums_that_no_few_doubles_hold_are_added_up_from_the_facts():
    row = {"shop": "north", "zone": 1, "pieces": 1, "member": None, "note": "n"}
    prices = [1e300, 1e-300, 1e200, 1e-200, 1e100, 1e-100, 1.0, -1e300, 3.0]
    with small_store() as store:
        store.take([{**row, "id": str(at), "at": at, "price": price} for at, price in enumerate(prices)])
        question = {"id": "q", "at": 20, "shop": "north", "zone": 1, "distance": 1.0}
        values = dict(zip(TILED.names, store.served([question])[0], strict=True))
    assert values["shop_price_sum_40us"] == 1e200
    assert values["shop_price_low_40us"] == -1e300
