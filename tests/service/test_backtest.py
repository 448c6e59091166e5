"""A loop's own history under other policies: really trained, on what was known then, once."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from homeostat.app.backtest.cells import Cell, Cells, keys_of, write_cell
from homeostat.app.backtest.reports import read_report
from homeostat.app.backtest.weeks import grid_of
from homeostat.app.by_hand.operations import Operations
from homeostat.app.settings import Settings
from homeostat.cli.main import app
from homeostat.control.backtest.matrix import Trial
from homeostat.kernel.errors import NotFound
from tests.harness.past import Past
from tests.harness.world import LOOP, World, day

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
FIRST, LAST, WEEKS = 6, 28, 3
"""The day on which the first version came, the last one, and the whole weeks with mature labels between them."""
DIES = (
    'print("talk of a training function"); import os, pathlib; dies = pathlib.Path(__file__).with_name("die").exists();'
    " dies and len(label) < 1300 and os._exit(3)"
)
POLICIES = '[policies.weekly]\ncool_down = "1d"\n[policies.weekly.when]\nkind = "schedule"\nat_latest = "7d"\n'
WORLD = World(changes=13, per_hour=6)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """A loop that served for 22 days; what x means changed in the middle."""
    found = Past(tmp_path_factory.mktemp("backtest"), WORLD, LAST, hook=DIES)
    found.serves(FIRST)
    return found


def told(past: Past, *words: str, code: int = 0) -> Any:
    """What the command says as JSON; where it fails, its error."""
    done = CliRunner().invoke(app, ["backtest", "--home", str(past.home.root), "--json", *words])
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    return found["error"] if code else found


def versions(past: Past) -> Path:
    return past.home.reports / LOOP / "backtest" / "versions"


def test_versions_are_trained_once_whatever_dies_meanwhile(past: Past) -> None:
    dies = past.loop_file.with_name("die")
    dies.touch()
    died = told(past, code=1)
    dies.unlink()
    kept = len(list(versions(past).glob("*.npz")))
    assert (died["code"], 0 < kept < WEEKS) == ("unavailable", True)
    assert told(past)["trained"] == WEEKS - kept
    assert told(past)["trained"] == 0
    assert "talk of a training function" in (past.home.process_logs / "backtest.log").read_text()


def test_every_policy_has_its_costs_and_its_regret(past: Past) -> None:
    found = told(past)
    policies = {one["name"]: one for one in found["policies"]}
    assert {"never", "oracle", "own", "every-week", "monthly", "drift", "realised", "volume"} <= {*policies}
    asked = {"name", "retrains", "metric", "staleness_cost", "retraining_cost", "total_cost", "regret"}
    assert asked <= {*policies["own"]}
    assert policies["oracle"]["total_cost"] == min(one["total_cost"] for one in policies.values())
    assert (found["unit"], "lacks skill_value" in found["note"]) == ("nats", True)
    skills = [week["skill"] for week in policies["never"]["weeks"]]
    assert skills[0] > 0 > skills[1]


def test_the_report_is_a_sheet_and_a_picture_and_is_shown_as_it_was_told(past: Past) -> None:
    found = told(past)
    lines = list(csv.DictReader(Path(found["files"]["csv"]).read_text().splitlines()))
    assert len(lines) == WEEKS * len(found["policies"])
    assert {line["policy"] for line in lines} == {one["name"] for one in found["policies"]}
    picture = ElementTree.parse(found["files"]["svg"]).getroot()
    assert sum(one.tag.endswith("polyline") for one in picture.iter()) >= len(found["policies"])
    shown = read_report(past.home.reports / LOOP / "backtest", LOOP)
    assert shown.pop("chart") == Path(found["files"]["svg"]).read_text()
    assert shown == found


def test_policies_come_from_a_file_and_bad_ones_say_what_is_wrong(past: Past, tmp_path: Path) -> None:
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES)
    found = told(past, "--policies", str(file), "--price", "3")
    policies = {one["name"]: one for one in found["policies"]}
    assert {*policies} == {"never", "own", "weekly", "oracle"}
    assert policies["weekly"]["retraining_cost"] == 3.0 * policies["weekly"]["retrains"] > 0
    file.write_text('{"policies": {"odd": {"kind": "shedule"}}}')
    assert "'shedule'" in told(past, "--policies", str(file), code=1)["problem"]
    file.write_text('{"policies": {"odd": {"kind": "drift", "span": 5}}}')
    assert "Policy 'odd': " in told(past, "--policies", str(file), code=1)["problem"]
    assert "cannot be read" in told(past, "--policies", str(tmp_path / "no"), code=1)["problem"]
    assert "no price" in told(past, "--price", "inf", code=1)["problem"]


def test_labels_count_as_they_were_known_then(past: Past) -> None:
    before = told(past)
    bought = [one for _, _, purchases in WORLD.hours(FIRST + 4, LAST - 4) for one in purchases]
    past.send("purchases", [{**one, "spent": 25.0 - one["spent"]} for one in bought], day(LAST))
    shutil.rmtree(versions(past))
    after = told(past)
    assert after["trained"] == WEEKS
    assert without_times(after) == without_times(before)


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    trained = [{name: value for name, value in one.items() if name != "seconds"} for one in found["versions"]]
    return {**found, "versions": trained, "trained": None}


def test_a_history_that_is_too_short_says_how_long_it_must_be(tmp_path: Path) -> None:
    past = Past(tmp_path, World(per_hour=1), 8)
    assert "has no version yet" in told(past, code=1)["problem"]
    past.serves(FIRST)
    short = told(past, code=1)
    assert (short["code"], "A back-test needs 14" in short["mend"]) == ("not_enough_data", True)
    with pytest.raises(NotFound, match="has not been back-tested yet"):
        read_report(past.home.reports / LOOP / "backtest", LOOP)


def test_a_loop_without_labels_has_nothing_to_test_policies_on(tmp_path: Path) -> None:
    past = Past(tmp_path, World(per_hour=1), LAST, labels=False)
    past.serves(FIRST)
    found = told(past, code=1)
    assert (found["code"], "has no labels" in found["problem"]) == ("not_enough_data", True)


def test_a_first_version_that_cannot_be_trained_again_is_said(tmp_path: Path) -> None:
    past = Past(tmp_path, World(per_hour=1), LAST)
    past.serves(FIRST)
    settings = Settings.load(past.home.root)
    grid, cells = grid_of(Operations.open(past.home), past.loop, past.home.tables), Cells(versions(past))
    cells.folder.mkdir(parents=True)
    for ask, key in zip(grid.asks, keys_of(past.loop, settings.loop_file, grid).values(), strict=True):
        trial = Trial(ask.version, ask.asked_at, ask.cutoff, problem="24 labelled rows are too few to train on.")
        write_cell(cells.path(key), Cell(trial, np.zeros((len(grid.days), 3), dtype=np.int64)))
    found = told(past, code=1)
    assert (found["code"], "too few to train on" in found["problem"]) == ("not_enough_data", True)
