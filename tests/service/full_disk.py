"""What happens on a disk that is really full: run with a small file system mounted at the folder that is named.

``python -m tests.service.full_disk FOLDER``: prints what each scenario came to as JSON, "" where all held.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import FileIO
from pathlib import Path

import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.training.runner import TrainingRunner
from homeostat.control.state import initial_state
from homeostat.governance.audit import audit
from homeostat.kernel.errors import HomeostatError, Unavailable
from homeostat.training.jobs import JobFolder, TrainingFailed
from tests.contract.test_control_store import draft
from tests.harness.registered import home_with, made_in_mlflow, make_version
from tests.unit.app.test_recorder_drain import World, prediction

PAGE = 4096


def _endlessly(file: FileIO, data: bytes) -> None:
    while True:
        file.write(data)


@contextmanager
def full(place: Path, pages: int = 0) -> Iterator[None]:
    """Nothing fits any more, or so many pages."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, PAGE):
            with pytest.raises(OSError, match="No space left"):
                _endlessly(file, bytes(size))
        file.truncate(os.fstat(file.fileno()).st_size - pages * PAGE)
    try:
        yield
    finally:
        filler.unlink()


def ledger(place: Path) -> None:
    """A decision is written whole, or not at all and said so; the next one follows, and the chain holds."""
    heads = HeadsFile(place / "ledger")
    store = SqlControlStore(Database(place / "control.sqlite"), heads)
    state, refused = store.commit(initial_state("demo"), initial_state("demo"), [draft("first")], []), list[str]()
    for pages in range(8):
        big = replace(draft(f"d{pages}"), reasons=("because " * 800,))
        with full(place, pages):
            try:
                store.commit(state, replace(state, next_version=pages + 2), [big], [])
            except Unavailable as error:
                refused.append(error.problem)
            now = store.state("demo")
        written = store.entry(big.id) is not None
        assert written == (now.next_version == pages + 2), "the decision and what it decides are one"
        found = audit(store.entries(), heads.read(), heads.signer)
        assert found.intact, found.problems
        state = now if written else store.commit(now, replace(now, next_version=pages + 2), [big], [])
    assert refused
    assert all("disk is full" in problem or "No space left" in problem for problem in refused), refused
    assert [entry.draft.id for entry in store.entries()] == ["first", *(f"d{pages}" for pages in range(8))]
    found = audit(store.entries(), heads.read(), heads.signer)
    assert found.intact, found.problems


def log(place: Path) -> None:
    """What was acknowledged is in the log once; what was not is refused clearly; both go on with room."""
    (place / "world").mkdir()
    world = World(place / "world")
    world.log = DeltaTables(place / "log")
    world.open()
    world.predict(*(f"a{number}" for number in range(50)))
    acknowledged = [f"a{number}" for number in range(50)]

    async def spooled() -> None:
        spool = FileSpool(place / "world" / "spool")
        with full(place):
            with pytest.raises(Unavailable):
                await spool.append([prediction("lost", "loop", [1])])
            with pytest.raises(HomeostatError):
                await world.drain.flush()
        await spool.append([prediction("b", "loop", [1])])
        await spool.close()

    asyncio.run(spooled())
    world.flush()
    kept = DeltaTables(place / "log").read("loop", columns=["prediction_id"])["prediction_id"].to_pylist()
    assert sorted(kept) == sorted([*acknowledged, "b"])
    world.drain.close()
    world.journal.close()


def registration(place: Path) -> None:
    """A version is registered whole or not at all, and the next try makes it once."""
    home = home_with(place / "home")
    version = make_version(place / "staged", model=bytes(64 * PAGE))
    home.open().add(make_version(place / "other", loop="other"), place / "other")
    for pages in (0, 40, 66):  # not even entries fit; no files; none but the registry's own
        with full(place, pages), pytest.raises(Unavailable, match=r"No space left|is full"):
            home.open().add(version, place / "staged")
        assert not list(home.versions.glob("late/*"))
    home.open().add(version, place / "staged")
    assert home.open().folder("late", "v1").is_dir()
    assert made_in_mlflow(home) == (1, 1)


def training(place: Path) -> None:
    """It ends clearly, wherever the room ran out; with room the very job goes on."""
    from tests.unit.training import toy
    from tests.unit.training.test_candidate import JOB, TABLES

    store, runner, job = DeltaTables(place / "tables"), TrainingRunner(100.0), JobFolder(place / "jobs" / "v1")
    versions = {name: store.append(name, rows, writer="t", upto=0) for name, rows in TABLES.items()}
    asked = replace(JOB, loop_file=toy.__file__, tables=str(place / "tables"), table_versions=versions)
    for pages in (0, 24):
        with full(place, pages), pytest.raises(TrainingFailed, match="cannot use its files: No space left"):
            runner.run(asked, job.root)
        assert job.finished(asked) is None
    result = runner.run(asked, job.root)
    assert result.version.loop == "toy"


SCENARIOS: dict[str, Callable[[Path], None]] = {
    "ledger": ledger,
    "log": log,
    "registration": registration,
    "training": training,
}


def main(place: Path) -> None:
    """All of them, each in a folder of its own, on the one file system."""
    told = {}
    for name, scenario in SCENARIOS.items():
        (place / name).mkdir()
        try:
            scenario(place / name)
            told[name] = ""
        except BaseException:
            told[name] = traceback.format_exc()
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
