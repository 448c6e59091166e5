"""A spool takes what there is room for, says in words when there is none, and goes on by itself once there is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from homeostat.adapters.files import segments
from homeostat.adapters.files.room import SpoolLimits
from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.serving.prediction_log import DiskFull, SpoolFull
from tests.contract.test_spool import ids, record

SMALL = SpoolLimits(waiting=4_000)


def drain(folder: Path) -> int:
    """Read and let go what is there, as the recorder does."""
    reader = SpoolReader(folder)
    upto = reader.read(segments.drained(folder)[0]).upto
    reader.delete_through(upto)
    reader.mark_drained(upto)
    return upto


async def fill(spool: FileSpool, first: int = 0) -> list[str]:
    """Append until it is refused; what was acknowledged."""
    kept = []
    for number in range(first, first + 1_000):
        try:
            await spool.append([record(number)])
        except SpoolFull:
            return kept
        kept.append(f"p{number}")
    raise AssertionError("it was never full")


def test_at_its_bound_it_refuses_in_words_and_everything_acknowledged_is_there(tmp_path: Path) -> None:
    async def run() -> list[str]:
        spool = FileSpool(tmp_path, limits=SMALL)
        kept = await fill(spool)
        with pytest.raises(SpoolFull, match="come back by themselves") as caught:
            await spool.append([record(999)])
        assert caught.value.facts["limit_bytes"] == 4_000
        assert caught.value.code == "spool_full"
        assert 0 < 4_000 - spool.state().waiting < 500
        await spool.close()
        return kept

    kept = asyncio.run(run())
    assert kept == ids(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) < 4_000 + 20 * len(segments.HEADER)


def test_it_takes_more_as_soon_as_what_waits_was_drained(tmp_path: Path) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path, limits=SMALL)
        assert spool.state().drained_at is None
        for turn in range(3):
            kept = await fill(spool, turn * 1_000)
            assert len(kept) > 5
            assert ids(tmp_path, segments.drained(tmp_path)[0]) == kept
            await spool.look()
            with pytest.raises(SpoolFull):
                await spool.append([record(-1)])
            drain(tmp_path)
            await spool.look()
            assert spool.state().waiting == 0
            assert spool.state().drained_at is not None
        await spool.close()

    asyncio.run(run())


def test_requests_that_come_together_share_the_room_that_is_left(tmp_path: Path) -> None:
    async def run() -> int:
        spool = FileSpool(tmp_path, limits=SMALL)
        done = await asyncio.gather(*(spool.append([record(n)]) for n in range(100)), return_exceptions=True)
        await spool.close()
        return sum(one is None for one in done)

    assert asyncio.run(run()) == len(ids(tmp_path))
    assert len(ids(tmp_path)) < 30


def test_a_new_process_knows_how_much_waits_already(tmp_path: Path) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path, limits=SMALL)
        kept = await fill(spool)
        await spool.close()
        again = FileSpool(tmp_path, limits=SMALL)
        assert await fill(again) == []
        await again.close()
        assert ids(tmp_path) == kept

    asyncio.run(run())


def test_a_disk_below_its_reserve_refuses_before_anything_is_lost_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(tmp_path)
    left = iter([10, 1, 1, 10])

    def seen(path: object) -> os.statvfs_result:
        return os.statvfs_result((4096, 4096, *real[2:4], next(left), *real[5:]))

    async def run() -> None:
        monkeypatch.setattr(os, "statvfs", seen)
        spool = FileSpool(tmp_path, limits=SpoolLimits(reserve=2 * 4096))
        await spool.append([record(1)])
        await spool.look()
        with pytest.raises(DiskFull, match="Make room") as caught:
            await spool.append([record(2)])
        assert caught.value.code == "disk_full"
        assert caught.value.facts["free_bytes"] == 4096
        await spool.look()
        await spool.look()
        await spool.append([record(3)])
        await spool.close()

    asyncio.run(run())
    assert ids(tmp_path) == ["p1", "p3"]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the looks that are taken at the folder and the disk."""
    calls: list[str] = []
    for name in ("listdir", "statvfs"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real, name=name: (calls.append(name), real(*a))[1])
    return calls


def test_an_append_looks_at_nothing_but_a_counter(tmp_path: Path, counted: list[str]) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path)
        await spool.append([record(0)])
        counted.clear()
        for number in range(200):
            await spool.append([record(number)])
        assert counted == []
        await spool.look()
        assert sorted(counted) == ["listdir", "statvfs"]
        await spool.close()

    asyncio.run(run())


def test_a_mark_that_was_cut_short_counts_everything_as_waiting(tmp_path: Path) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path, limits=SMALL)
        await spool.append([record(1)])
        drain(tmp_path)
        (tmp_path / "drained").write_bytes(b"\0\0")
        await spool.look()
        assert spool.state().waiting > 0
        await spool.close()

    asyncio.run(run())
