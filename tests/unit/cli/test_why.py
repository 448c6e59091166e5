"""The command that tells why a prediction was made."""

from __future__ import annotations

import json

import pytest

from homeostat.app.home import Home
from tests.harness.served import loop_of, record
from tests.harness.traced import by_draw, traced_home
from tests.unit.cli.conftest import Command


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return traced_home(tmp_path_factory.mktemp("traced"))


def name(home: Home, number: int) -> str:
    return record(number, loop_of(home)).prediction_id


def test_the_whole_story_is_told_in_words(command: Command, traced: Home) -> None:
    done = command("why", name(traced, 0), "--home", traced.root)
    assert done.exit_code == 0, done.stderr
    for said in (
        'v0"]  of visits',
        "answered no, with probability 0.2500, by v2",
        "champion: v2 is the champion",
        "Version v2, now champion",
        "fingerprint  code 111111111111  data 222222222222",
        "trained on   7 rows asked 2024-01-01 00:00 to 2024-01-01 01:00, of purchases@2, visits@1",
        "promoted     v2 is champion; v1 stands by",
        "log-loss minus the champion's at most 0.004 < 0.05",
        "shares in probability from",
        "3 of purchases",
        "every served value is what the rows known then give",
    ):
        assert said in done.stdout


def test_as_json_it_has_everything_and_what_cannot_be_told_has_its_mend(command: Command, traced: Home) -> None:
    canary = name(traced, by_draw(loop_of(traced), taken=True)[0])
    told = json.loads(command("why", canary, "--home", traced.root, "--json").stdout)
    assert set(told) >= {"prediction", "arm", "version", "decisions", "features", "attributions", "label"}
    assert told["attributions"]["mend"]
    words = command("why", canary, "--home", traced.root).stdout
    assert "its folder is not here" in words
    assert "What each did cannot be told" in words


def test_an_id_that_there_is_not_is_an_error_with_its_mend(command: Command, traced: Home) -> None:
    done = command("why", "nobody", "--home", traced.root, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "not_found"
