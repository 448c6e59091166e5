"""``homeostat skew`` on a home that serves one window of carriers over half its range."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from examples.flights.driver import midnight
from examples.flights.loop import loop
from examples.flights.source import Flights
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.settings import Settings
from homeostat.cli.main import app
from homeostat.features.definitions import feature_set
from homeostat.features.views import Window
from tests.unit.flights.served import Home, replay

ROOT = Path(__file__).resolve().parents[3]
BEGINS, SERVES, ENDS = (midnight(date(2013, 1, day)) for day in (9, 10, 12))
WRONG = ["carrier_delay_24h", "carrier_landed_24h"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, flights: Flights) -> Path:
    folder = tmp_path_factory.mktemp("skew") / "home"
    halved = [
        dataclasses.replace(one, over=["3h", "12h"]) if isinstance(one, Window) and one.entity == ("carrier",) else one
        for one in loop.features
    ]
    made = Home(folder, serving=feature_set(loop.question, halved))
    replay(made, flights, BEGINS, SERVES, asking=False)
    replay(made, flights, SERVES, ENDS)
    made.tables()
    DeltaTables(folder / "log").append(loop.name, made.log(), writer="rig", upto=1)
    return an_installation(folder)


def an_installation(folder: Path) -> Path:
    settings = Settings(home=folder, loop_file=ROOT / "examples" / "flights" / "loop.py")
    settings.paths.prepare()
    settings.save()
    Operations.open(settings.paths)
    return folder


def run(home: Path, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["skew", "--home", str(home), *words])
    assert done.exit_code == code, done.output
    return done


def told(home: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(home, "--json", *words).stdout)
    return found


def test_every_feature_is_told_with_rate_bounds_rows_and_cause(home: Path) -> None:
    seen = told(home, "--share", "0.2")
    assert (seen["loop"], seen["since"], seen["until"], seen["days"]) == (loop.name, "2013-01-10", "2013-01-11", 2)
    assert 250 < seen["rows"] < 450 < seen["served"]
    by_name = {one["feature"]: one for one in seen["features"]}
    assert by_name.keys() == set(loop.feature_set.names)
    for name, one in by_name.items():
        assert one["rows"] == seen["rows"]
        assert 0 <= one["low"] <= one["rate"] <= one["high"] <= 1
        assert (one["rate"] > 0) == (name in WRONG) == (one["cause"] is not None) == (one["distance"]["value"] > 0)
    assert {by_name[name]["cause"] for name in WRONG} == {"different_statistics"}


def test_one_percent_is_looked_at_unless_said_otherwise_and_all_on_request(home: Path) -> None:
    few, all_of_them = told(home), told(home, "--all", "--since", "2013-01-11", "--until", "2013-01-11")
    assert 5 < few["rows"] < 40
    assert (all_of_them["days"], all_of_them["rows"]) == (1, all_of_them["served"])


def test_a_person_sees_what_differs_why_and_examples(home: Path) -> None:
    shown = run(home, "--share", "0.05", "--examples", "2").stdout
    assert "different statistics" in shown
    assert "equal offline over 12h instead of 24h" in shown
    assert "29 other features: no difference; rate at most" in shown
    assert sum(line.startswith("carrier_landed_24h  2013-01-1") for line in shown.splitlines()) == 2


def test_days_on_which_nothing_was_served_say_so(home: Path) -> None:
    done = run(home, "--since", "2013-02-01")
    assert (done.stdout, done.stderr) == (
        "",
        "No predictions yet in these days: ask late-arrival for some, then look again.\n",
    )


def test_a_home_that_served_nothing_says_so_and_knows_no_rate(tmp_path: Path) -> None:
    empty = an_installation(tmp_path / "home")
    assert "No predictions yet: ask late-arrival" in run(empty).stderr
    seen = told(empty)
    assert (seen["rows"], seen["days"]) == (0, 0)
    assert {(one["rate"], one["cause"]) for one in seen["features"]} == {(None, None)}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--share", "0"], "--share 0.0 is no share of rows."),
        (["--share", "2"], "--share 2.0 is no share of rows."),
        (["--all", "--share", "0.1"], "--all and --share exclude each other."),
        (["--since", "yesterday"], "--since yesterday is no day."),
        (["--since", "2013-02-02", "--until", "2013-02-01"], "--since 2013-02-02 is after --until 2013-02-01."),
    ],
)
def test_what_cannot_be_looked_at_is_refused_with_its_mend(home: Path, words: list[str], problem: str) -> None:
    done = run(home, *words, code=1)
    assert problem in done.stderr
    assert "mend" in done.stderr
