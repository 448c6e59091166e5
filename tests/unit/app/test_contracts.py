"""A contract comes into force at a start, or the start is refused; never half of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.tables.contracts import judge_contracts, read_history
from homeostat.control.loop import Loop
from homeostat.kernel.errors import IntegrityError, Refused
from homeostat.registry.manifest import write_manifest
from homeostat.registry.models import Fingerprint, TrainingPin, Version
from tests.harness.grown import grown_home
from tests.harness.world import LOOP, LOOP_FILE, write_loop

SPENT = '"spent": hs.number(0, 1000)}'
WINDOW = 'hs.Window(purchases, by="shop", over=["6h"], values={"spent": hs.mean("spent"), "bought": hs.count()}),'
Loops = dict[str, Loop]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """v2 serves, v3 is on trial, v1 stands by; v2 is given the window over purchases."""
    found = grown_home(tmp_path)
    pin = TrainingPin({"visits": 1, "purchases": 1}, 1, None, 1, 1, 1, 0, 0, "hash")
    inputs = (("x", "number"), ("shop", "text"), ("shop_spent_6h", "number"), ("shop_bought_6h", "number"))
    version = Version(LOOP, "v2", 0, inputs, Fingerprint("c", "d", "f", "e"), pin, {}, {}, {})  # type: ignore[arg-type]
    folder = found.versions / LOOP / "v2"
    folder.mkdir(parents=True)
    write_manifest(version, folder)
    return found


def accept_contracts(home: Home, loops: Loops, now: int) -> list[str]:
    return judge_contracts(home, loops).record(now)


def changed(folder: Path, *changes: tuple[str, str]) -> Loops:
    text = LOOP_FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_loops(write_loop(folder, text=text))


def test_the_first_start_records_what_is_promised_and_who_reads_it(home: Home, tmp_path: Path) -> None:
    loops = changed(tmp_path)
    assert accept_contracts(home, loops, 7) == []
    history = read_history(home, "purchases")
    assert [(one.number, one.since) for one in history.versions] == [(1, 7)]
    assert set(history.readers[LOOP]) == {"shop_spent_6h", "shop_bought_6h"}
    assert accept_contracts(home, loops, 8) == []
    assert len(read_history(home, "purchases").versions) == 1


def test_a_compatible_change_is_a_new_version_and_is_told(home: Home, tmp_path: Path) -> None:
    accept_contracts(home, changed(tmp_path), 7)
    [told] = accept_contracts(
        home, changed(tmp_path, (SPENT, '"spent": hs.number(0, 2000), "till": hs.text(nullable=True)}')), 8
    )
    assert told.startswith("Contract 2 of 'purchases' is in force: ")
    newest = read_history(home, "purchases").versions[-1]
    assert (newest.number, newest.since, len(newest.changes)) == (2, 8, 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([(SPENT, '"spent": hs.number(5, 1000)}')], "has 5 as its least value; it was 0"),
        ([(SPENT, '"spent": hs.integer(0, 1000)}')], "becomes a integer"),
        ([(WINDOW, ""), (SPENT, '"till": hs.number()}'), ('"spent > 10"', '"till > 10"')], "column 'spent' is dropped"),
    ],
)
def test_a_change_that_breaks_a_live_version_is_refused_naming_it(
    home: Home, tmp_path: Path, changes: list[tuple[str, str]], said: str
) -> None:
    accept_contracts(home, changed(tmp_path), 7)
    before = {path.name: path.read_bytes() for path in home.contracts.iterdir()}
    wider = ('"x": hs.number(-50, 50)', '"x": hs.number(-60, 60)')
    with pytest.raises(Refused, match=said) as refused:
        accept_contracts(home, changed(tmp_path, *changes, wider), 8)
    assert f"{LOOP}/v2 (champion): Window(purchases, by='shop')" in refused.value.problem
    assert "until no live version is given these features" in refused.value.mend
    assert {path.name: path.read_bytes() for path in home.contracts.iterdir()} == before


def test_what_no_live_version_is_given_may_be_narrowed(home: Home, tmp_path: Path) -> None:
    accept_contracts(home, changed(tmp_path), 7)
    (home.versions / LOOP / "v2" / "manifest.json").unlink()
    [told] = accept_contracts(home, changed(tmp_path, (SPENT, '"spent": hs.number(5, 1000)}')), 8)
    assert "least value" in told


def test_a_feature_that_left_the_file_still_counts_while_a_live_version_is_given_it(home: Home, tmp_path: Path) -> None:
    accept_contracts(home, changed(tmp_path), 7)
    accept_contracts(home, changed(tmp_path, (WINDOW, "")), 8)
    with pytest.raises(Refused, match="depends on it"):
        accept_contracts(home, changed(tmp_path, (WINDOW, ""), (SPENT, '"spent": hs.number(5, 1000)}')), 9)


def test_a_record_that_cannot_be_read_stops_the_start(home: Home, tmp_path: Path) -> None:
    loops = changed(tmp_path)
    accept_contracts(home, loops, 7)
    path = home.contracts / "visits.json"
    for broken in (b"{", json.dumps({"table": "visits"}).encode()):
        path.write_bytes(broken)
        with pytest.raises(IntegrityError, match="which contracts"):
            accept_contracts(home, loops, 8)
