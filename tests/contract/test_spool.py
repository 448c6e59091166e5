"""What is acknowledged is there; what is torn or damaged is stepped over and said."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.adapters.files import segments
from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.data.records import PredictionRecord
from homeostat.kernel.errors import Conflict, Unavailable

HEADER = len(segments.HEADER)


def record(number: int, text: str = "UA") -> PredictionRecord:
    return PredictionRecord(
        prediction_id=f"p{number}",
        loop="late",
        key=f'["{number}"]',
        asked_at=number,
        served_at=number,
        read_sequence=7,
        version="v1",
        arm="champion",
        generation=1,
        probability=0.25,
        prediction=False,
        latency_us=120,
        fell_back=False,
        question={"flight_id": str(number), "carrier": text, "delay": None, "hour": 5},
        features=[text, 1.5, None],
    )


def write(folder: Path, *batches: list[PredictionRecord], **options: object) -> None:
    async def run() -> None:
        spool = FileSpool(folder, **options)  # type: ignore[arg-type]
        for batch in batches:
            await spool.append(batch)
        await spool.close()

    asyncio.run(run())


def ids(folder: Path, after: int = -1) -> list[str]:
    return [entry.prediction_id for _, entry in SpoolReader(folder).read(after).records]


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """A real refusal of the operating system, without a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


@pytest.mark.parametrize("durability", ["group", "record", "system"])
def test_what_was_acknowledged_is_read_back_whole_and_in_order(tmp_path: Path, durability: str) -> None:
    write(tmp_path, [record(1), record(2)], [record(3, "Grüße \U0001f6eb")], durability=durability)
    read = SpoolReader(tmp_path).read(-1)
    assert [entry for _, entry in read.records] == [record(1), record(2), record(3, "Grüße \U0001f6eb")]
    assert read.damage == []
    assert read.upto == read.records[-1][0]


def test_concurrent_appends_share_few_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (calls.append(file), real(file)))

    async def run() -> None:
        spool = FileSpool(tmp_path)
        await asyncio.gather(*(spool.append([record(number)]) for number in range(200)))
        await spool.close()

    asyncio.run(run())
    assert len(ids(tmp_path)) == 200
    assert len(calls) <= 3


def test_durability_record_gives_each_append_its_own_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (calls.append(file), real(file)))

    async def run() -> None:
        spool = FileSpool(tmp_path, durability="record")
        await asyncio.gather(*(spool.append([record(number)]) for number in range(5)))
        await spool.close()

    asyncio.run(run())
    assert len(calls) == 5


def test_reading_goes_on_where_it_stopped_across_segments_and_restarts(tmp_path: Path) -> None:
    write(tmp_path, *[[record(number)] for number in range(6)], segment_bytes=400)
    write(tmp_path, [record(6)])
    reader = SpoolReader(tmp_path)
    assert len(segments.numbers(tmp_path)) > 2
    seen, place = [], -1
    while (read := reader.read(place, limit=2)).records:
        assert read.upto > place
        assert len(read.records) <= 2
        seen += [entry.prediction_id for _, entry in read.records]
        place = read.upto
    assert seen == [f"p{number}" for number in range(7)]
    assert place < 2**63


def test_every_records_own_position_is_a_place_to_go_on_from(tmp_path: Path) -> None:
    write(tmp_path, *[[record(number)] for number in range(5)], segment_bytes=500)
    for index, (place, _) in enumerate(SpoolReader(tmp_path).read(-1).records):
        assert ids(tmp_path, place) == [f"p{number}" for number in range(index + 1, 5)]


def test_a_torn_tail_of_the_live_segment_waits_without_being_called_damage(tmp_path: Path) -> None:
    write(tmp_path, [record(1), record(2)])
    path = segments.path_of(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-5])
    read = SpoolReader(tmp_path).read(-1)
    assert [entry.prediction_id for _, entry in read.records] == ["p1"]
    assert read.damage == []


def test_a_torn_tail_of_a_closed_segment_is_said_once_and_passed(tmp_path: Path) -> None:
    write(tmp_path, [record(1), record(2)])
    path = segments.path_of(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-5])
    write(tmp_path, [record(3)])
    read = SpoolReader(tmp_path).read(-1)
    assert [entry.prediction_id for _, entry in read.records] == ["p1", "p3"]
    assert [(found.segment, found.reason) for found in read.damage] == [(1, "torn_tail")]
    assert SpoolReader(tmp_path).read(read.upto).damage == []


def test_damage_in_the_middle_is_reported_and_costs_only_the_damaged_record(tmp_path: Path) -> None:
    write(tmp_path, [record(1)], [record(2)], [record(3)])
    path = segments.path_of(tmp_path, 1)
    first, second = (place & (2**40 - 1) for place, _ in SpoolReader(tmp_path).read(-1).records[:2])
    data = bytearray(path.read_bytes())
    data[first + 40] ^= 0xFF
    path.write_bytes(data)
    read = SpoolReader(tmp_path).read(-1)
    assert [entry.prediction_id for _, entry in read.records] == ["p1", "p3"]
    assert [(d.segment, d.offset, d.length, d.reason) for d in read.damage] == [(1, first, second - first, "damaged")]
    kept = SpoolReader(tmp_path).keep_damaged(read.damage[0])
    assert kept.read_bytes() == data[first:second]
    assert SpoolReader(tmp_path).read(-1).records == read.records


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_costs_at_most_its_own_record(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / str(len(os.listdir(tmp_path)))
    write(folder, *[[record(number)] for number in range(4)])
    path = segments.path_of(folder, 1)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(HEADER, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    write(folder, [record(9)])
    read = SpoolReader(folder).read(-1)
    found = [entry.prediction_id for _, entry in read.records]
    assert len(found) == 4
    assert set(found) < {"p0", "p1", "p2", "p3", "p9"}
    assert found[-1] == "p9"
    assert len(read.damage) == 1


@given(st.integers(0, 2_000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_anywhere_gives_a_prefix_of_what_was_written(tmp_path: Path, cut: int) -> None:
    folder = tmp_path / str(len(os.listdir(tmp_path)))
    write(folder, *[[record(number)] for number in range(4)])
    path = segments.path_of(folder, 1)
    path.write_bytes(path.read_bytes()[:cut])
    found = ids(folder)
    assert found == [f"p{number}" for number in range(len(found))]


def test_deleting_keeps_the_live_segment_and_whatever_is_not_drained(tmp_path: Path) -> None:
    write(tmp_path, *[[record(number)] for number in range(6)], segment_bytes=400)
    reader = SpoolReader(tmp_path)
    places = [place for place, _ in reader.read(-1).records]
    assert reader.delete_through(-1) == 0
    reader.delete_through(places[2])
    assert ids(tmp_path)[-3:] == ["p3", "p4", "p5"]
    reader.delete_through(places[-1])
    assert len(segments.numbers(tmp_path)) == 1
    write(tmp_path, [record(6)])
    assert ids(tmp_path, places[-1]) == ["p6"]


def test_a_refusing_disk_is_unavailable_and_the_next_append_recovers(tmp_path: Path) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path)
        await spool.append([record(1)])
        with files_limited_to(600), pytest.raises(Unavailable) as caught:
            await spool.append([record(2), record(3)])
        assert "Make room" in caught.value.mend
        with files_limited_to(4), pytest.raises(Unavailable):  # not even a new segment's header fits
            await spool.append([record(4)])
        await spool.append([record(5)])
        await spool.close()

    asyncio.run(run())
    read = SpoolReader(tmp_path).read(-1)
    assert [entry.prediction_id for _, entry in read.records] == ["p1", "p5"]
    assert read.damage == []


def test_a_folder_that_vanished_is_made_again(tmp_path: Path) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path / "s", segment_bytes=10)
        await spool.append([record(1)])
        for name in os.listdir(tmp_path / "s"):
            (tmp_path / "s" / name).unlink()
        (tmp_path / "s").rmdir()
        await spool.append([record(2)])
        await spool.close()

    asyncio.run(run())
    assert ids(tmp_path / "s") == ["p2"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path)
        with pytest.raises(Conflict):
            FileSpool(tmp_path)
        await spool.close()
        await FileSpool(tmp_path).close()

    asyncio.run(run())


def test_a_client_that_leaves_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def run() -> None:
        spool = FileSpool(tmp_path)
        left = asyncio.ensure_future(spool.append([record(1)]))
        stays = spool.append([record(2)])
        left.cancel()
        await stays
        await spool.close()

    asyncio.run(run())
    assert "p2" in ids(tmp_path)


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import asyncio, sys
        sys.path[:0] = {sys.path!r}
        from pathlib import Path
        from tests.contract.test_spool import record
        from homeostat.adapters.files.spool import FileSpool
        async def run():
            spool = FileSpool(Path(sys.argv[1]))
            number = 0
            while True:
                await spool.append([record(number)])
                print(number, flush=True)
                number += 1
        asyncio.run(run())
        """
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(50)]
    process.kill()
    acknowledged += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    write(tmp_path, [record(-1)])
    assert set(ids(tmp_path)) >= {f"p{number}" for number in acknowledged}


def test_a_spool_whose_folder_was_removed_goes_on_in_a_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "spool"

    async def go() -> None:
        spool = FileSpool(folder)
        await spool.append([record(1)])
        folder.rename(tmp_path / "away")
        await spool.look()
        await spool.append([record(2)])
        await spool.close()

    asyncio.run(go())
    assert [found.prediction_id for _, found in SpoolReader(folder).read(-1).records] == ["p2"]
