"""A table of very many keys, through everything an event goes through: ``python -m benchmarks.keys 10000000``.

Every event is of a new key and a new entity: journal, online store and Delta table all grow by it. Prints, per
million keys, the rate at which they came, the memory of the process and what reading one entity took.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import homeostat as hs
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.recorder.drain import Drain
from homeostat.app.recorder.opening import bring_up_to_date, open_stores
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.ingest import Ingest
from homeostat.features.online import lookup
from homeostat.kernel.clock import format_instant, parse_instant

REQUEST, DRAIN, STEP = 5_000, 50_000, 1_000_000
NOW = parse_instant("2024-01-31T00:00:00Z")
members = hs.Table(
    "members",
    key="member",
    event_time="at",
    contract={"member": hs.text(), "at": hs.instant(), "spent": hs.number(), "visits": hs.integer()},
)
asked = hs.Table(
    "asked", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "member": hs.text()}
)
FEATURES: FeatureSet = feature_set(
    asked,
    [
        hs.Latest(members, by="member", columns=["spent", "visits"]),
        hs.Window(members, by="member", over=["7d"], values={"total": hs.sum_("spent"), "n": hs.count()}),
    ],
)


def main() -> None:
    """Take the keys in and tell how it went."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else STEP
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stores = open_stores(folder, [members])
        online = SqliteOnlineStore(folder / "online.sqlite")
        bring_up_to_date(online, stores, [members], [FEATURES])
        ingest, drain = Ingest(stores.journal, online, [members]), Drain(stores, [members], [])
        reader = SqliteOnlineReader(folder / "online.sqlite")
        for first in range(0, many, STEP):
            clock, cpu = time.perf_counter(), time.process_time()
            last = min(first + STEP, many)
            for start in range(first, last, REQUEST):
                ingest.accept("members", _rows(start, min(start + REQUEST, last)), NOW)
                if drain.backlog >= DRAIN:
                    asyncio.run(drain.flush())
            asyncio.run(drain.flush())
            done = last - first
            rate = done / (time.perf_counter() - clock), done / (time.process_time() - cpu)
            print(
                f"{last:>12,} keys   {rate[0]:>8,.0f} a second, {rate[1]:>8,.0f} of a core   memory {_memory():,} MiB"
                f"   read p50 {_read(reader, last):.3f} ms   disk {_size(folder):,} MiB",
                flush=True,
            )
        assert stores.journal.counts("members").rows == stores.tables.describe("members").rows == many
        again = ingest.accept("members", _rows(0, REQUEST), NOW)
        print(f"the first {REQUEST:,} once more: {again.accepted} new, {again.duplicates:,} known")
        reader.close()
        drain.close()
        online.close()
        stores.journal.close()


def _rows(first: int, last: int) -> list[dict[str, object]]:
    return [
        {
            "member": f"m{number * 7_919 % 1_000_000_007:010d}",
            "at": format_instant(NOW - number),
            "spent": number % 97 / 4,
            "visits": number % 13,
        }
        for number in range(first, last)
    ]


def _read(reader: SqliteOnlineReader, many: int) -> float:
    taken = []
    for number in range(0, many, max(1, many // 500)):
        question = {"id": "q", "at": NOW, "member": f"m{number * 7_919 % 1_000_000_007:010d}"}
        began = time.perf_counter()
        with reader.snapshot() as snapshot:
            found: Sequence[object] = lookup(FEATURES, [question], [NOW], snapshot).values[0]
        taken.append(time.perf_counter() - began)
        assert found[-1] == 1.0, found
    return median(taken) * 1e3


def _memory() -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) >> 10


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


if __name__ == "__main__":
    main()
