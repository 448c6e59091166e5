"""A version is made again from its record alone; a change planted in one leg is found and named by that leg."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.app.provenance import replaying
from homeostat.app.provenance.replaying import Asked, Replayer
from homeostat.app.provenance.versions import origin
from homeostat.app.settings import Settings
from homeostat.app.training.candidate import make_candidate
from homeostat.data.tables import SEQUENCE
from homeostat.kernel.errors import NotFound, Refused, Untrusted
from homeostat.registry.archive import archived
from homeostat.registry.differences import LegDifference
from homeostat.registry.manifest import MANIFEST, hash_files, read_manifest, write_manifest
from homeostat.registry.models import PinnedFeedback
from homeostat.registry.replays import Answers, judge_replay
from homeostat.registry.sealed import open_sealed
from homeostat.training.jobs import JobFolder, TrainingJob
from tests.unit.training.test_candidate import JOB, TABLES

LOOP = """
import os
from tests.unit.training import toy

def train(rows, config):
    return toy.train(rows, seen(config))

def seen(config):
    return {**config, "trees": int(os.environ.get("NOT_RECORDED", config["trees"]))}

loop = toy.make_loop(train, seed=int(os.environ.get("SEED_OF_REPLAY", "7")), trees=int(os.environ.get("TREES", "20")))
"""
SEQUENCES = max(pc.max(rows[SEQUENCE]).as_py() for rows in TABLES.values())


def in_this_process(job: TrainingJob, place: Path, python: str, path: str, folder: Path | None) -> None:
    """Train without a process of its own."""
    place.mkdir(parents=True)
    tables = DeltaTables(Path(job.tables))
    loop = load_loop(Path(job.loop_file), job.loop)
    make_candidate(
        job,
        loop,
        JobFolder(place),
        read=lambda table, version, columns: tables.read(table, version=version, columns=columns),
        say=lambda text: None,
    )


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """v1 of a loop in a folder of its own; then corrections came, tables were compacted, and the loop file is gone."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.control_db.touch()
    file = tmp_path_factory.mktemp("project") / "loop.py"
    file.write_text(LOOP)
    store = DeltaTables(home.tables)
    halves = {name: (rows.slice(0, 500), rows.slice(500)) for name, rows in TABLES.items()}
    for place in range(2):
        versions = {name: store.append(name, half[place], writer="t", upto=place) for name, half in halves.items()}
    job = replace(JOB, loop_file=str(file), tables=str(home.tables), table_versions=versions, sequence=SEQUENCES)
    in_this_process(job, home.jobs / "v1", "", "", None)
    (home.versions / "toy").mkdir(parents=True)
    (home.jobs / "v1" / "version").rename(home.versions / "toy" / "v1")
    for name in TABLES:
        store.append(name, corrected(TABLES[name]), writer="t", upto=9)
        store.compact(name)
        store.vacuum(name, [versions[name]], hours=0, dry_run=False)
    shutil.rmtree(file.parent)
    return home


def corrected(rows: pa.Table) -> pa.Table:
    """The same keys once more, later, with everything else another."""
    later = rows.set_column(rows.schema.get_field_index(SEQUENCE), SEQUENCE, pc.add(rows[SEQUENCE], SEQUENCES + 1))
    column = "delay" if "delay" in rows.column_names else "size"
    return later.set_column(later.schema.get_field_index(column), column, pc.add(later[column], 50.0))


@pytest.fixture(autouse=True)
def unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """These versions are signed by nobody."""
    monkeypatch.setenv("HOMEOSTAT_SIGNATURES", "warn")


@pytest.fixture
def home(origins: Home, tmp_path: Path) -> Iterator[Home]:
    """A copy to plant changes in."""
    shutil.copytree(origins.root, tmp_path / "home")
    yield Home(tmp_path / "home")
    assert list((tmp_path / "home" / "replays").glob("*")) == [], "nothing is left behind"


def replayed(home: Home, asked: Asked | None = None) -> dict[str, Any]:
    return Replayer(home, in_this_process).replay("toy", "v1", asked or Asked())


def texts(leg: Mapping[str, Any]) -> str:
    return "; ".join(change["text"] for change in leg["changes"])


def test_a_version_is_made_again_after_corrections_compaction_and_other_code(home: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    found = replayed(home)
    assert (found["equal"], found["how"], found["explained_by"]) == (True, "bytes", [])
    assert found["model"] == {"model.onnx": True, "model.txt": True, "columns.json": True}
    assert {name for name, same in found["files"].items() if not same} <= {"code.json", "steps.json"}
    assert [leg["equal"] for leg in found["legs"].values()] == [True] * 4
    assert found["answers"]["worst"] == 0.0
    assert {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()} == before


def test_one_row_that_was_changed_in_a_table_is_found_and_named(home: Home) -> None:
    shutil.rmtree(home.tables)
    store = DeltaTables(home.tables)
    planted = TABLES["done"]["delay"].to_numpy().copy()
    planted[200] = 99.0 if planted[200] <= 15 else 0.0
    done = TABLES["done"].set_column(TABLES["done"].schema.get_field_index("delay"), "delay", pa.array(planted))
    for name, rows in {**TABLES, "done": done}.items():
        store.append(name, rows.slice(0, 500), writer="t", upto=0)
        store.append(name, rows.slice(500), writer="t", upto=1)
    found = replayed(home)
    assert (found["equal"], found["how"], found["explained_by"]) == (False, "different", ["data"])
    assert "as many as before, but not the same" in texts(found["legs"]["data"])
    assert "column label changed" in texts(found["legs"]["data"])


def test_one_seed_is_found_and_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED_OF_REPLAY", "8")
    monkeypatch.setenv("TREES", "21")
    found = replayed(home)
    assert (found["equal"], found["explained_by"]) == (False, ["config"])
    assert "seed config.seed 7 became 8" in texts(found["legs"]["config"])
    assert "parameter trees 20 became 21" in texts(found["legs"]["config"])


def test_one_line_of_code_is_found_and_shown(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "loop.py"
    other.write_text(LOOP.replace("seen(config))", "{**config, 'trees': 22})"))
    found = replayed(home, Asked(loop_file=other))
    assert (found["equal"], found["explained_by"]) == (False, ["code"])
    (file, function) = found["legs"]["code"]["changes"]
    assert file["text"] == "project/loop.py changed: 1 line added, 1 removed"
    assert "+    return toy.train(rows, {**config, 'trees': 22})" in file["lines"]
    assert function["what"] == "function"


def test_what_no_leg_explains_is_said_to_be_the_trainings_own(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOT_RECORDED", "23")
    found = replayed(home)
    assert (found["equal"], found["how"], found["explained_by"]) == (False, "different", [])
    assert "a source that is not recorded" in found["text"]
    assert found["answers"]["worst"] > found["answers"]["tolerance"]


def test_the_log_that_said_which_labels_predictions_shaped_is_read_as_it_was(home: Home) -> None:
    folder, jobs = home.versions / "toy" / "v1", []
    version = read_manifest(folder)
    shaped = replace(version.pin, feedback=PinnedFeedback(5, "above 0.5", 50, True, 3, 100))
    write_manifest(replace(version, pin=shaped), folder)

    def noted(job: TrainingJob, place: Path, python: str, path: str, cwd: Path | None) -> None:
        jobs.append(job)
        shutil.copytree(folder, place / "version")

    Replayer(home, noted).replay("toy", "v1", Asked())
    assert [(Path(job.log), job.log_version, job.champion) for job in jobs] == [(home.log.resolve(), 5, None)]


def recorded_elsewhere(home: Home) -> None:
    """As if it had been made with another NumPy."""
    folder = home.versions / "toy" / "v1"
    told = json.loads((folder / "environment.json").read_bytes())
    told["packages"]["numpy"]["version"] = "2.0.0"
    (folder / "environment.json").write_text(json.dumps(told))
    version = read_manifest(folder)
    (folder / MANIFEST).unlink()
    write_manifest(replace(version, files=hash_files(folder)), folder)


def test_one_library_version_stops_a_replay_and_is_named_until_it_is_told_to_go_on(home: Home) -> None:
    recorded_elsewhere(home)
    stopped = Replayer(home, never).replay("toy", "v1", Asked())
    assert (stopped["equal"], stopped["how"], stopped["explained_by"]) == (False, "not_run", ["environment"])
    assert "package numpy 2.0.0 became" in texts(stopped["legs"]["environment"])
    found = replayed(home, Asked(here=True))
    assert (found["equal"], found["how"], found["explained_by"]) == (True, "bytes", ["environment"])
    assert "though environment differs" in found["text"]


def never(job: TrainingJob, place: Path, python: str, path: str, folder: Path | None) -> None:
    raise AssertionError


def test_a_version_of_an_older_release_needs_its_code_named(home: Home) -> None:
    folder = home.versions / "toy" / "v1"
    for name in ("code.json", "code.tar", "data.json", "loop.json"):
        (folder / name).unlink()
    write_manifest(replace(read_manifest(folder), files=hash_files(folder)), folder)
    with pytest.raises(Refused, match="not kept by the release") as refused:
        replayed(home)
    assert "--loop-file" in refused.value.mend
    with pytest.raises(NotFound):
        Replayer(home, never).replay("toy", "v2", Asked())


def test_code_that_nobody_trusted_has_signed_is_not_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEOSTAT_SIGNATURES", "require")
    with pytest.raises(Untrusted, match="nobody has signed it"):
        Replayer(home, never).replay("toy", "v1", Asked(here=True))


def test_code_that_is_swapped_once_it_was_proven_is_not_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def proven_then_swapped(folder: Path, *arguments: Any) -> Any:
        sealed = open_sealed(folder, *arguments)
        others = LOOP.replace("import os", "import os; raise SystemExit('it runs')").encode()
        told = json.loads((folder / "code.json").read_bytes())
        for one in told["files"]:
            one.update({"sha256": hashlib.sha256(others).hexdigest()} if one["why"] == "loop" else {})
        (folder / "code.json").write_text(json.dumps(told))
        (folder / "code.tar").write_bytes(archived({hashlib.sha256(others).hexdigest(): others}))
        return sealed

    monkeypatch.setattr(replaying, "open_sealed", proven_then_swapped)
    with pytest.raises(Untrusted, match=r"code\.json was changed while it was loaded"):
        Replayer(home, never).replay("toy", "v1", Asked())


def test_what_was_too_large_to_keep_is_taken_from_the_project(home: Home, tmp_path: Path) -> None:
    folder, words = home.versions / "toy" / "v1", b"many words"
    told = json.loads((folder / "code.json").read_bytes())
    large = {"path": "project/words.txt", "sha256": hashlib.sha256(words).hexdigest(), "bytes": 10, "why": "declared"}
    told["files"].append({**large, "kept": False})
    (folder / "code.json").write_text(json.dumps(told))
    write_manifest(replace(read_manifest(folder), files=hash_files(folder)), folder)
    with pytest.raises(Refused, match=r"words\.txt was too large to keep"):
        replayed(home)
    (tmp_path / "words.txt").write_bytes(words)
    Settings(home=home.root, loop_file=tmp_path / "loop.py").save()
    assert replayed(home)["how"] == "bytes"


def test_what_was_made_can_be_kept(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "kept"

    def staged(job: TrainingJob, folder: Path, python: str, path: str, cwd: Path | None) -> None:
        shutil.copytree(home.versions / "toy" / "v1", folder / "version")

    told = Replayer(home, staged).replay("toy", "v1", Asked(keep=place))
    assert told["equal"]
    assert (place / "code" / origin(home, "toy", "v1").legs.code.loop_file).read_text() == LOOP  # type: ignore[union-attr]


SAME, OTHER, UNKNOWN = LegDifference(True), LegDifference(False), LegDifference(None)
NEAR, FAR = Answers(64, 1e-7, 1e-5), Answers(64, 0.2, 1e-5)


@pytest.mark.parametrize(
    ("same", "answers", "data", "equal", "how", "said"),
    [
        ({"m": True}, FAR, SAME, True, "bytes", "the same to the byte"),
        ({"m": True}, None, OTHER, True, "bytes", "though data differs"),
        ({"m": False}, NEAR, SAME, True, "predictions", "at most 1e-07 <= 1e-05 apart on 64 recorded rows"),
        ({"m": False}, FAR, OTHER, False, "different", "answers up to 0.2 apart: data differs"),
        ({"m": False}, FAR, SAME, False, "different", "does not give the same twice"),
        ({"m": False}, Answers(64, None, 1e-5), UNKNOWN, False, "different", "but data was not kept"),
        ({"m": False}, Answers(0, 0.0, 1e-5), SAME, False, "different", "does not give the same twice"),
        (None, None, OTHER, False, "not_run", "not made again: data differs"),
    ],
)
def test_the_verdict_says_how_equal_and_which_leg_explains_it(
    same: dict[str, bool] | None, answers: Answers | None, data: LegDifference, equal: bool, how: str, said: str
) -> None:
    found = judge_replay(same, answers, {"code": SAME, "data": data})
    assert (found.equal, found.how) == (equal, how)
    assert said in found.text
