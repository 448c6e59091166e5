"""A loop's own history under other policies: really trained, on what was known then, once."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.harness.running import Running, started
from tests.harness.world import LOOP, World, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
FIRST, CHANGES, LAST = 6, 17, 30
WEEKS = 3
"""Whole weeks with mature labels from the first version to the last day."""
DIES = 'import os, pathlib; pathlib.Path(__file__).with_name("die").exists() and len(label) < 2500 and os._exit(3)'
POLICIES = '[policies.weekly]\ncool_down = "1d"\n[policies.weekly.when]\nkind = "schedule"\nat_latest = "7d"\n'
WORLD = World(changes=CHANGES)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A loop that has run for 24 days; what x means changed in the middle."""
    folder = tmp_path_factory.mktemp("backtest")
    with started(folder / "home", write_loop(folder, DIES)) as running:
        running.history(WORLD, 0, FIRST)
        early = running.command("backtest", code=1)["error"]
        assert (early["code"], "no version yet" in early["problem"]) == ("not_enough_data", True)
        running.barrier(day(FIRST))
        running.live(WORLD, FIRST, FIRST + 1)
        short = running.command("backtest", code=1)["error"]
        assert (short["code"], "A back-test needs 14" in short["mend"]) == ("not_enough_data", True)
        running.history(WORLD, FIRST + 1, LAST)
        running.barrier(day(LAST))
        yield running


def versions(running: Running) -> list[Path]:
    return sorted((running.home / "reports" / LOOP / "backtest" / "versions").glob("*.npz"))


def test_versions_are_trained_once_whatever_dies_meanwhile_and_the_report_is_shown(home: Running) -> None:
    assert home.control.get(f"/api/loops/{LOOP}/backtest").status_code == 404
    dies = home.home.parent / "die"
    dies.touch()
    died = home.command("backtest", code=1)["error"]
    dies.unlink()
    kept = len(versions(home))
    assert (died["code"], 0 < kept < WEEKS) == ("unavailable", True)
    told = home.command("backtest")
    assert told["trained"] == WEEKS - kept
    assert len(told["weeks"]) == len(versions(home)) == WEEKS
    assert home.command("backtest")["trained"] == 0
    policies = {one["name"]: one for one in told["policies"]}
    assert {"never", "oracle", "own", "every-week", "monthly", "drift", "realised", "volume"} <= {*policies}
    assert {"name", "retrains", "metric", "staleness_cost", "retraining_cost", "total_cost", "regret"} <= {
        *policies["own"]
    }
    assert policies["oracle"]["total_cost"] == min(one["total_cost"] for one in policies.values())
    assert told["unit"] == "nats"
    assert "lacks" in told["note"]
    shown = home.control.get(f"/api/loops/{LOOP}/backtest").json()
    assert shown.pop("chart") == Path(told["files"]["svg"]).read_text()
    assert shown["policies"] == told["policies"]


def test_the_report_is_a_table_a_sheet_and_a_picture(home: Running) -> None:
    told = home.command("backtest")
    lines = list(csv.DictReader(Path(told["files"]["csv"]).open()))
    assert len(lines) == WEEKS * len(told["policies"])
    assert {line["policy"] for line in lines} == {one["name"] for one in told["policies"]}
    picture = ElementTree.parse(told["files"]["svg"]).getroot()
    assert sum(one.tag.endswith("polyline") for one in picture.iter()) >= len(told["policies"])
    assert json.loads(Path(told["files"]["json"]).read_bytes())["policies"] == told["policies"]


def test_policies_come_from_a_file_and_bad_ones_say_what_is_wrong(home: Running, tmp_path: Path) -> None:
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES)
    told = home.command("backtest", "--policies", str(file), "--price", "3")
    assert (told["trained"], {one["name"] for one in told["policies"]}) == (0, {"never", "own", "weekly", "oracle"})
    spent = {one["name"]: (one["retrains"], one["retraining_cost"]) for one in told["policies"]}
    assert spent["weekly"] == (spent["weekly"][0], 3.0 * spent["weekly"][0])
    assert spent["weekly"][0] > 0
    file.write_text('{"policies": {"odd": {"kind": "shedule"}}}')
    assert "'shedule'" in home.command("backtest", "--policies", str(file), code=1)["error"]["problem"]
    assert "cannot be read" in home.command("backtest", "--policies", str(tmp_path / "no"), code=1)["error"]["problem"]


def test_labels_count_as_they_were_known_then(home: Running) -> None:
    before = home.command("backtest")
    for _, _, purchases in WORLD.hours(FIRST + 4, LAST - 4):
        turned = [{**one, "spent": 25.0 - one["spent"]} for one in purchases]
        home.send("purchases", turned, day(LAST)).raise_for_status()
    shutil.rmtree(versions(home)[0].parent)
    after = home.command("backtest")
    assert after["trained"] == WEEKS
    assert without_times(after) == without_times(before)


def without_times(told: dict[str, Any]) -> dict[str, Any]:
    versions = [{name: value for name, value in one.items() if name != "seconds"} for one in told["versions"]]
    return {**told, "versions": versions, "trained": None}
