"""The online store beside hand-written SQL: reads of ten features, a busy window, ingest, and a million keys."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.data.contracts import instant, number, text
from homeostat.data.tables import Table
from homeostat.features.definitions import Latest, Window, count, feature_set, mean
from homeostat.features.online import lookup

HOUR, WEEK = 3_600_000_000, 7 * 24 * 3_600_000_000
COLUMNS = [f"c{number}" for number in range(6)]
BATCH = 1_000
Row = dict[str, Any]
sales = Table(
    "sales",
    key="id",
    event_time="at",
    contract={"id": text(), "at": instant(), "shop": text(), "price": number()},
)
shops = Table(
    "shops",
    key="shop",
    event_time="at",
    contract={"shop": text(), "at": instant(), **{name: number() for name in COLUMNS}},
)
asked = Table("asked", key="id", event_time="at", contract={"id": text(), "at": instant(), "shop": text()})
FEATURES = feature_set(
    asked,
    [
        Latest(shops, by="shop", columns=COLUMNS),
        Window(sales, by="shop", over=["1h", "7d"], values={"sold": count(), "price": mean("price")}),
    ],
)
LATEST = "SELECT c0, c1, c2, c3, c4, c5 FROM shops WHERE shop = ?"
AGGREGATE = (
    "SELECT count(*) FILTER (WHERE at > ?), count(*), avg(price) FILTER (WHERE at > ?), avg(price)"
    " FROM sales WHERE shop = ? AND at > ? AND at <= ?"
)


@dataclass(frozen=True)
class World:
    """Both stores with the same facts, and what taking them in cost."""

    entities: int
    reader: SqliteOnlineReader
    plain: sqlite3.Connection
    events_per_second: float

    def ours(self, names: Sequence[str]) -> None:
        """Ten features of some entities from the online store."""
        rows: list[Row] = [{"id": "q", "at": WEEK, "shop": name} for name in names]
        with self.reader.snapshot() as snapshot:
            lookup(FEATURES, rows, [WEEK] * len(rows), snapshot)

    def raw(self, names: Sequence[str]) -> None:
        """The same from plain tables."""
        for name in names:
            self.plain.execute(LATEST, (name,)).fetchone()
            self.plain.execute(AGGREGATE, (WEEK - HOUR, WEEK - HOUR, name, 0, WEEK)).fetchone()


def online_lines(repeats: int) -> Iterator[dict[str, Any]]:
    """What ``make bench`` prints of the online store."""
    with world(entities=2_000, facts=100_000) as made:
        for size in (1, 100):
            yield from beside(
                f"online read, 10 features, {size} entit{'y' if size == 1 else 'ies'}", made, size, repeats
            )
        yield {"what": "online store, events taken in, per second of a core", "rows_per_second": made.events_per_second}
    with world(entities=20, facts=200_000) as made:
        yield from beside("online read, 10,000 facts in the window, 1 entity", made, 1, repeats)
        yield {"what": "  of 20 busy entities", "rows_per_second": made.events_per_second}
    yield from many_keys(1_000_000, repeats)


def beside(what: str, made: World, size: int, repeats: int) -> Iterator[dict[str, Any]]:
    """A read of ours and of plain SQL, turn about."""
    chance = random.Random(7)
    taken: dict[str, list[float]] = {"ours": [], "raw": []}
    for _ in range(repeats * (100 if size == 1 else 10)):
        names = [f"shop{chance.randrange(made.entities)}" for _ in range(size)]
        for which, read in (("ours", made.ours), ("raw", made.raw)):
            taken[which].append(seconds(lambda read=read, names=names: read(names)))  # type: ignore[misc]
    ours, raw = median(taken["ours"]) * 1e6, median(taken["raw"]) * 1e6
    yield {"what": what, "p50_us": ours, "ratio": ours / raw}
    yield {"what": "  hand-written SQL, same reads", "p50_us": raw}


def many_keys(keys: int, repeats: int) -> Iterator[dict[str, Any]]:
    """A table of very many keys, one entity each: lookups stay short, and memory does not follow the keys."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "online.sqlite"
        store = SqliteOnlineStore(path)
        store.prepare([FEATURES])
        before, began = resident(), time.process_time()
        for start in range(0, keys, BATCH):
            rows = [sale(number, f"shop{number}", number * WEEK // keys) for number in range(start, start + BATCH)]
            store.apply("sales", rows, start)
        rate, grown = keys / (time.process_time() - began), resident() - before
        reader, chance = SqliteOnlineReader(path), random.Random(7)
        made = World(keys, reader, sqlite3.connect(":memory:"), rate)
        taken = [seconds(lambda: made.ours([f"shop{chance.randrange(keys)}"])) for _ in range(repeats * 100)]
        yield {"what": f"online read among {keys:,} keys", "p50_us": median(taken) * 1e6}
        yield {"what": f"online store, {keys:,} new keys, one entity each", "rows_per_second": rate}
        yield {"what": "  memory that the writer took for them", "mebibytes": grown}
        reader.close()
        store.close()


@contextmanager
def world(entities: int, facts: int) -> Iterator[World]:
    """Facts in order of time, spread over a week and the entities by chance."""
    chance = random.Random(7)
    times = sorted(chance.randrange(WEEK) for _ in range(facts))
    events = [sale(number, f"shop{chance.randrange(entities)}", at) for number, at in enumerate(times)]
    known: list[Row] = [
        {"shop": f"shop{number}", "at": number, **{name: chance.random() for name in COLUMNS}}
        for number in range(entities)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteOnlineStore(Path(folder) / "online.sqlite")
        store.prepare([FEATURES])
        for start in range(0, entities, BATCH):
            store.apply("shops", known[start : start + BATCH], start)
        began = time.process_time()
        for start in range(0, facts, BATCH):
            store.apply("sales", events[start : start + BATCH], entities + start)
        rate = facts / (time.process_time() - began)
        reader, plain = SqliteOnlineReader(Path(folder) / "online.sqlite"), written(Path(folder), known, events)
        yield World(entities, reader, plain, rate)
        plain.close()
        reader.close()
        store.close()


def written(folder: Path, known: Sequence[Row], events: Sequence[Row]) -> sqlite3.Connection:
    """The same facts in plain tables: a row per shop, and an index that holds all that is aggregated."""
    with sqlite3.connect(folder / "plain.sqlite") as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"CREATE TABLE shops (shop TEXT PRIMARY KEY, {', '.join(COLUMNS)}) WITHOUT ROWID")
        db.execute("CREATE TABLE sales (shop TEXT, at INTEGER, price REAL)")
        rows = ([row["shop"], *(row[name] for name in COLUMNS)] for row in known)
        db.executemany("INSERT INTO shops VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        db.executemany("INSERT INTO sales VALUES (?, ?, ?)", ([row["shop"], row["at"], row["price"]] for row in events))
        db.execute("CREATE INDEX by_shop ON sales (shop, at, price)")
    db.close()
    address = f"file:{folder / 'plain.sqlite'}?mode=ro"
    return sqlite3.connect(address, uri=True, isolation_level=None)


def sale(number: int, shop: str, at: int) -> Row:
    """One fact."""
    return {"id": f"s{number}", "at": at, "shop": shop, "price": float(number % 97) + 0.25}


def resident() -> float:
    """Mebibytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def seconds(work: Callable[[], None]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
