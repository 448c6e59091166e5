"""What was found of skew when days ended is told wherever one looks at a loop."""

from __future__ import annotations

import dataclasses
import json

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.app.settings import Settings
from homeostat.monitoring.skew import Cause, SkewDay
from tests.harness.world import LOOP
from tests.unit.cli.conftest import Command

WINDOW = Cause("different_statistics", "9 of 9 differing rows equal offline over 3h instead of 6h")


def find_skew(home: Home, differing: int) -> None:
    """As if the newest day had been looked at."""
    operations = Operations.open(home)
    names = load_loop(Settings.load(home.root).loop_file).feature_set.names
    state, (_, day) = operations.store.state(LOOP), operations.store.days(LOOP)[-1]
    counts = {**dict.fromkeys(names, 0), "shop_bought_6h": differing}
    seen = SkewDay(0.01, 10, counts, {"shop_bought_6h": WINDOW} if differing else {})
    operations.store.commit(state, state, (), [dataclasses.replace(day, skew=seen)])


def test_before_any_row_was_recomputed_skew_is_unknown(command: Command, home: Home) -> None:
    assert "skew           unknown: no served row was recomputed yet" in command("status", "--home", home.root).stdout
    shown = json.loads(command("status", "--home", home.root, "--json").stdout)["skew"]
    assert shown["rows"] == 0
    assert {one["rate"] for one in shown["features"]} == {None}


def test_no_difference_is_told_with_the_rows_it_stands_on(command: Command, home: Home) -> None:
    find_skew(home, 0)
    assert "skew           none in 10 recomputed rows of 1 day" in command("status", "--home", home.root).stdout


def test_a_feature_that_differs_is_named_with_its_rate_and_cause(command: Command, home: Home) -> None:
    find_skew(home, 9)
    shown = command("status", "--home", home.root).stdout
    assert "shop_bought_6h 90% (different statistics), in 10 recomputed rows of 1 day" in shown
    loop = load_loop(Settings.load(home.root).loop_file)
    day = Operations.open(home).windows(loop, 0)["windows"][-1]["skew"]
    assert [(one["feature"], one["rate"], one["cause"]) for one in day["features"]] == [
        ("shop_bought_6h", 0.9, "different_statistics")
    ]
    assert day["features"][0]["evidence"] == WINDOW.evidence


@pytest.mark.parametrize("share", ["-0.1", "1.5"])
def test_a_share_that_is_none_does_not_start_anything(command: Command, home: Home, share: str) -> None:
    loop_file = Settings.load(home.root).loop_file
    done = command("up", loop_file, "--home", home.root, "--skew-share", share)
    assert done.exit_code == 1
    assert f"--skew-share {share} is no share of rows." in done.stderr
