"""Commands about features, on a home that is not running."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.drain import Drain
from homeostat.app.recorder.opening import open_stores
from homeostat.app.settings import Settings
from homeostat.features.ingest import Ingest
from homeostat.kernel.clock import format_instant
from tests.harness.world import BEGINS, HOUR
from tests.unit.cli.conftest import Command

AT = format_instant(BEGINS + 6 * HOUR)


@pytest.fixture
def fed(home: Home) -> Home:
    """A home that took in a few purchases and stopped."""
    loops = load_loops(Settings.load(home.root).loop_file).values()
    tables = list({table.name: table for loop in loops for table in loop.tables}.values())
    stores = open_stores(home.root, tables)
    online = SqliteOnlineStore(home.root / "online.sqlite")
    online.prepare([loop.feature_set for loop in loops])
    rows = [
        {"visit": f"v{n}", "at": format_instant(BEGINS + n * HOUR), "shop": "north", "spent": 10.0 + n}
        for n in range(8)
    ]
    Ingest(stores.journal, online, tables).accept("purchases", rows, BEGINS + 8 * HOUR)
    drain = Drain(stores, tables, [])
    asyncio.run(drain.flush())
    drain.close()
    online.close()
    stores.journal.close()
    return home


def spoil(home: Path) -> None:
    with sqlite3.connect(home / "online.sqlite") as db:
        db.execute("UPDATE facts_purchases SET spent = 999 WHERE visit = 'v5'")
    db.close()


def test_views_are_listed_with_what_identifies_and_uses_them(command: Command, fed: Home) -> None:
    (view,) = json.loads(command("features", "--home", fed.root, "--json").stdout)
    assert view["view"] == "purchases_window_by_shop"
    assert view["entity"] == ["shop"]
    assert len(view["hash"]) == 64
    assert view["missing"] is None
    assert [one["feature"] for one in view["features"]] == ["shop_spent_6h", "shop_bought_6h"]
    lines = command("features", "--home", fed.root).stdout.splitlines()
    assert lines[0].split() == ["view", "hash", "freshness", "used", "by", "missing,", "7d"]
    assert lines[1].split() == ["purchases_window_by_shop", view["hash"][:8], "-", "-", "-"]


def test_an_entity_is_shown_online_and_offline_side_by_side(command: Command, fed: Home) -> None:
    words = ["features", "get", "purchases_window_by_shop", "-e", "shop=north", "--at", AT, "--home", fed.root]
    shown = command(*words)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0].startswith("purchases_window_by_shop of shop=north as of 2024-01-01 06:00 UTC")
    assert shown.stdout.splitlines()[2].split() == ["shop_spent_6h", "13.5", "13.5"]
    found = json.loads(command(*words, "--json").stdout)
    assert [one["online"] for one in found["features"]] == [13.5, 6.0]
    assert all(one["same"] and not one["defaulted"] for one in found["features"])


def test_a_store_that_went_wrong_is_told_and_a_rebuild_mends_it(command: Command, fed: Home) -> None:
    spoil(fed.root)
    words = ["features", "get", "purchases_window_by_shop", "-e", "shop=north", "--at", AT, "--home", fed.root]
    wrong = command(*words)
    assert wrong.exit_code == 3
    assert wrong.stdout.splitlines()[2].split() == ["shop_spent_6h", "177.5", "13.5", "differs"]
    rebuilt = json.loads(command("features", "rebuild", "--home", fed.root, "--json").stdout)
    assert (rebuilt["facts"], rebuilt["sequence"], rebuilt["running"]) == ({"purchases": 8}, 7, False)
    assert command(*words).exit_code == 0


def test_an_entity_nobody_has_heard_of_is_missing_not_an_error(command: Command, fed: Home) -> None:
    words = ["features", "get", "purchases_window_by_shop", "-e", "shop=moon", "--home", fed.root]
    found = json.loads(command(*words, "--json").stdout)
    assert [one["online"] for one in found["features"]] == [None, 0.0]
    assert not found["heard_of"]
    assert "No fact of shop=moon was ever taken in." in command(*words).stderr


def test_a_time_that_the_online_store_keeps_no_longer_is_answered_offline(command: Command, fed: Home) -> None:
    with sqlite3.connect(fed.root / "online.sqlite") as db:
        db.execute("UPDATE state SET horizon = ?", (BEGINS + 10 * HOUR,))
    db.close()
    words = ["features", "get", "purchases_window_by_shop", "-e", "shop=north", "--at", AT, "--home", fed.root]
    shown = command(*words)
    assert shown.exit_code == 0
    assert "no longer in the online store. These are the offline values." in shown.stderr
    assert shown.stdout.splitlines()[2].split() == ["shop_spent_6h", "-", "13.5"]
    found = json.loads(command(*words, "--json").stdout)
    assert [(one["online"], one["same"]) for one in found["features"]] == [(None, None)] * 2


def test_an_option_before_a_command_of_the_group_is_refused_not_ignored(command: Command, fed: Home) -> None:
    done = command("features", "--home", fed.root, "rebuild")
    assert done.exit_code == 2
    assert "Give options after 'rebuild'" in done.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["purchases_window", "-e", "shop=north"], "has no view 'purchases_window'"),
        (["purchases_window_by_shop", "-e", "x=1"], "'x' is no key of view"),
        (["purchases_window_by_shop", "-e", "shop=north", "--at", "2024-01-01T06:00:00"], "has no offset"),
        (["purchases_window_by_shop", "-e", "shop=north", "--at", "0001-01-01T00:00:00+14:00"], "outside the years"),
        (["purchases_window_by_shop", "-e", "shop"], "'shop' gives no value"),
        (["purchases_window_by_shop", "-e", "shop=north", "-e", "shop=moon"], "'shop' is given twice"),
    ],
)
def test_what_cannot_be_looked_up_says_why(command: Command, fed: Home, words: list[str], problem: str) -> None:
    done = command("features", "get", *words, "--home", fed.root)
    assert done.exit_code == 1
    assert problem in done.stderr
    assert "mend" in done.stderr
