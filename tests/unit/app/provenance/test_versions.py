"""Two trainings that differ in one leg are told apart by that leg, through the command and its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from homeostat.app.home import Home
from homeostat.app.provenance.versions import compared, loop_named, origin, shown
from homeostat.app.training.candidate import make_candidate
from homeostat.cli.main import app
from homeostat.control.loop import Loop
from homeostat.kernel.errors import IntegrityError, NotFound
from homeostat.registry.manifest import MANIFEST, SIGNATURE
from homeostat.training.jobs import JobFolder
from tests.harness.signed import sign
from tests.unit.training import toy
from tests.unit.training.test_candidate import JOB, TABLES
from tests.unit.training.toy import make_loop, sources


def other_train(rows: Any, config: Mapping[str, Any]) -> Any:
    """The same, said in another line."""
    return toy.train(rows, config)


def one_row_less() -> dict[str, pa.Table]:
    """Without the outcome of one question that was trained on."""
    return {**TABLES, "done": TABLES["done"].filter(pc.not_equal(TABLES["done"]["id"], "q40"))}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """v1, and versions that each differ from it in one leg."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.control_db.touch()
    made: dict[str, tuple[Loop, Mapping[str, pa.Table]]] = {
        "v1": (toy.loop, TABLES),
        "v2": (make_loop(other_train), TABLES),
        "v3": (toy.loop, one_row_less()),
        "v4": (make_loop(trees=21), TABLES),
    }
    for name, (loop, tables) in made.items():
        place = home.jobs / name
        place.mkdir(parents=True)
        job = replace(JOB, version=name)
        make_candidate(job, loop, JobFolder(place), read=sources(tables).read, say=lambda text: None)
        (home.versions / "toy").mkdir(parents=True, exist_ok=True)
        (place / "version").rename(home.versions / "toy" / name)
    return home


def legs(home: Home, one: str, other: str) -> dict[str, Any]:
    found: dict[str, Any] = compared(origin(home, "toy", one), origin(home, "toy", other))["legs"]
    return found


@pytest.mark.parametrize(
    ("version", "leg", "said"),
    [
        ("v2", "code", "training function"),
        ("v3", "data", "0 added, 1 removed, on 1970-01-01"),
        ("v4", "config", "parameter trees 20 became 21"),
    ],
)
def test_one_change_is_found_in_its_leg_and_in_no_other(home: Home, version: str, leg: str, said: str) -> None:
    found = legs(home, "v1", version)
    assert [name for name, one in found.items() if not one["equal"]] == [leg]
    assert said in " ".join(change["text"] for change in found[leg]["changes"])


def test_what_a_version_was_made_of_is_shown_whole(home: Home) -> None:
    told = shown(origin(home, loop_named(home, None), "v1"))
    assert told["fingerprint"].keys() == told["legs"].keys() == {"code", "data", "config", "environment"}
    assert told["legs"]["data"]["trained_on"]["rows"] == told["rows"]
    assert "numpy" in told["legs"]["environment"]["packages"]
    assert any(one["path"].endswith("training/toy.py") for one in told["legs"]["code"]["files"])


def test_the_commands_say_the_same_as_text_and_as_json(home: Home) -> None:
    where = ["--home", str(home.root)]
    said = CliRunner().invoke(app, ["versions", "diff", "v1", "v4", *where])
    assert said.exit_code == 0
    assert "config       changed\n    parameter trees 20 became 21\n" in said.stdout
    told = json.loads(CliRunner().invoke(app, ["versions", "diff", "v1", "v4", *where, "--json"]).stdout)
    assert told["legs"] == json.loads(json.dumps(legs(home, "v1", "v4")))
    said = CliRunner().invoke(app, ["versions", "show", "v1", *where])
    assert "trees = 20" in said.stdout
    assert "tables asked at version 0, done at version 0" in said.stdout


def test_a_manifest_that_was_edited_is_told_by_the_signature_that_no_longer_holds(home: Home) -> None:
    folder = home.versions / "toy" / "v4"
    assert "nobody has signed it" in shown(origin(home, "toy", "v4"))["signature"]["problem"]
    sign(folder)
    assert shown(origin(home, "toy", "v4"))["signature"]["proven"]
    kept = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(kept.replace(b'"rows":', b'"rows": '))
    found = shown(origin(home, "toy", "v4"))["signature"]
    assert (found["proven"], "manifest.json is not what was registered" in found["problem"]) == (False, True)
    where = ["v4", "--home", str(home.root)]
    assert "signature      not proven: " in CliRunner().invoke(app, ["versions", "show", *where]).stdout
    assert "v4 is not proven: " in CliRunner().invoke(app, ["versions", "diff", "v1", *where]).stderr
    (folder / MANIFEST).write_bytes(kept)
    (folder / SIGNATURE).unlink()


def test_a_version_that_is_not_there_or_was_changed_is_told(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no version 'v9'"):
        origin(home, "toy", "v9")
    with pytest.raises(NotFound, match="'toi' has no version"):
        loop_named(home, "toi")
    with pytest.raises(NotFound, match="No version is registered"):
        loop_named(Home(tmp_path), None)
    record = home.versions / "toy" / "v2" / "data.json"
    kept = record.read_bytes()
    record.write_bytes(kept.replace(b'"rows":', b'"rows" :'))
    with pytest.raises(IntegrityError, match=r"data\.json is not what was registered"):
        origin(home, "toy", "v2")
    record.write_bytes(kept)
