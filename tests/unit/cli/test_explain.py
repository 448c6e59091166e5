"""The command that tells how a prediction was made, and lists those served last."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from homeostat.app.home import Home
from homeostat.cli.output import bold, known_facts
from homeostat.cli.tabled import print_table
from tests.harness.grown import grown_home
from tests.harness.served import loop_of, record, serve
from tests.unit.cli.conftest import Command


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Prediction 0 is what its rows give; prediction 1 is not."""
    home = grown_home(tmp_path_factory.mktemp("served"))
    loop = loop_of(home)
    serve(home, record(0, loop), record(1, loop, spent=21.0))
    return home


def name(home: Home, number: int) -> str:
    return record(number, loop_of(home)).prediction_id


def test_predictions_are_listed_with_their_whole_ids(command: Command, served: Home) -> None:
    done = command("explain", "--home", served.root)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["prediction", "asked", "at", "probability", "answer", "key", "version"]
    assert [line.split()[0] for line in lines[1:]] == [name(served, 1), name(served, 0)]
    assert command("explain", "--home", served.root, "--key", "v7").stderr == "No prediction is logged that fits.\n"


def test_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["key", "remark"], [['["[/x]", "[red]"]', bold("differs", "red")]])
    assert '["[/x]", "[red]"]  differs' in capsys.readouterr().out


def test_a_prediction_of_the_questions_own_columns_says_that_it_read_no_facts() -> None:
    assert known_facts({"read_sequence": -1}) == "reading no facts"
    assert known_facts({"read_sequence": 0}) == "knowing facts up to sequence 0"


def test_a_prediction_is_told_feature_by_feature(command: Command, served: Home) -> None:
    done = command("explain", name(served, 0), "--home", served.root)
    assert done.exit_code == 0, done.stderr
    assert "every served value is what the rows known then give" in done.stdout
    assert "3 of purchases, shop north (3 did not count)" in done.stdout
    assert "column of visits" in done.stdout


def test_the_trace_of_the_request_and_what_was_drawn_are_told_where_there_are_any(
    command: Command, tmp_path: Path
) -> None:
    home = grown_home(tmp_path)
    loop, trace = loop_of(home), "0af7651916cd43dd8448eb211c80319c"
    drawn = {"acts": False, "explored": True, "propensity": 0.02}
    serve(home, msgspec.structs.replace(record(0, loop), trace_id=trace, **drawn), record(1, loop))
    assert f"trace {trace}\n" in command("explain", name(home, 0), "--home", home.root).stdout
    told = json.loads(command("explain", name(home, 0), "--home", home.root, "--json").stdout)
    assert told["prediction"]["trace_id"] == trace
    assert drawn.items() <= told["prediction"].items()
    assert "left alone by chance" in command("explain", name(home, 0), "--home", home.root).stdout
    assert "trace" not in command("explain", name(home, 1), "--home", home.root).stdout


def test_one_feature_is_told_with_the_rows_behind_it(command: Command, served: Home) -> None:
    done = command("explain", name(served, 0), "--feature", "shop_spent_6h", "--rows", 5, "--home", served.root)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["standing", "happened", "known", "sequence", "visit", "spent", "superseded"] in lines
    assert "corrected before  2024-01-02 02:00  2024-01-02 03:00         3  corrected" in done.stdout
    assert "in reach: what happened after 2024-01-02 00:00 up to 2024-01-02 06:00" in done.stdout
    assert "1 older row is not listed; add --rows 6." in done.stderr


def test_a_served_value_that_differs_is_marked_and_gives_exit_code_3(command: Command, served: Home) -> None:
    done = command("explain", name(served, 1), "--home", served.root)
    assert done.exit_code == 3
    assert "served values that the rows known then do not give: shop_spent_6h" in done.stdout
    (marked,) = (line.split() for line in done.stdout.splitlines() if line.lstrip().startswith("!"))
    assert marked[:6] == ["!", "shop_spent_6h", "21", "20", "3", "of"]


def test_with_json_it_is_what_the_api_says(command: Command, served: Home) -> None:
    made = json.loads(command("explain", name(served, 0), "--home", served.root, "--json").stdout)
    assert set(made) == {"prediction", "agrees", "differing", "same_definitions", "features"}
    assert made["features"][2]["rows"][0]["why"] == "not known yet"


def test_an_unknown_prediction_is_an_error_with_its_mend(command: Command, served: Home, tmp_path: Path) -> None:
    done = command("explain", "nobody", "--home", served.root)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "mend:  Take an id from a reply" in done.stderr
