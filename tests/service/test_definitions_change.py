"""The loop file changes under an old home: what can be served goes on, the rest is said, and replaced on record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.delta.tables import DeltaTables
from tests.harness.running import Running, started, until
from tests.harness.world import HOUR, LOOP, LOOP_FILE, World, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

FIRST = 6
WINDOW = 'hs.Window(purchases, by="shop", over=["6h"], values='
WITH_DEFAULTS = 'hs.Window(purchases, by="shop", over=["6h"], default={"spent": 0.5}, freshness="3h", values='
assert WINDOW in LOOP_FILE
LOOP_TEXT = LOOP_FILE.replace(WINDOW, WITH_DEFAULTS)
WIDER = LOOP_TEXT.replace('["6h"]', '["1h", "6h"]').replace("hs.number(-50, 50)", "hs.number(-60, 60)")
WORLD = World()
HOUR_OF = FIRST * 24
LATER = HOUR_OF + 13
"""Past all that was asked of the home before it was stopped."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """v1 serves, a few hours into its first day."""
    folder = tmp_path_factory.mktemp("grown")
    with started(folder / "home", write_loop(folder, text=LOOP_TEXT)) as found:
        found.history(WORLD, 0, FIRST)
        found.barrier(day(FIRST))
        assert found.overview()["route"]["champion"] == "v1"
        found.hours(WORLD, HOUR_OF, HOUR_OF + 2)
        yield found


@pytest.fixture(scope="module")
def grown(running: Running) -> Path:
    """The folder of that home, stopped."""
    running.stop()
    return running.home.parent


@contextmanager
def again(grown: Path, folder: Path, text: str) -> Iterator[Running]:
    """A copy of the home, started with another loop file."""
    shutil.copytree(grown / "home", folder / "home")
    with started(folder / "home", write_loop(folder, text=text)) as running:
        yield running


def asked(running: Running, hour: int) -> Any:
    now, visits, _ = next(WORLD.span(hour, hour + 1))
    return running.ask([{**visit, "visit": f"again-{hour}-{n}"} for n, visit in enumerate(visits)], now)


def metric(running: Running, line: str) -> float:
    found = [each for each in running.doors.get("/metrics").text.splitlines() if each.startswith(line)]
    return float(found[0].rpartition(" ")[2])


def test_defaults_stand_in_for_a_silent_source_and_vanish_when_it_recovers(running: Running) -> None:
    at = HOUR_OF + 2
    _, _, purchases = next(WORLD.span(at, at + 1))
    running.send("purchases", purchases, day(0) + (at + 1) * HOUR).raise_for_status()
    fresh, stalled = asked(running, at), asked(running, at + 6)
    for reply in (fresh, stalled):
        reply.raise_for_status()
    defaulted = [{tuple(one["defaulted"]) for one in reply.json()["predictions"]} for reply in (fresh, stalled)]
    assert defaulted == [{()}, {("shop_spent_6h",)}]
    counted = 'homeostat_features_defaulted_total{replica="r1",feature="shop_spent_6h",loop="visits"}'
    assert metric(running, counted) == 12
    missed = running.overview()["objectives"]
    assert [(one["kind"], one["name"]) for one in missed] == [("view", "purchases_window_by_shop")]
    for hour in range(at + 1, at + 8):
        now, _, purchases = next(WORLD.span(hour, hour + 1))
        running.send("purchases", purchases, max(now, day(0) + (at + 7) * HOUR)).raise_for_status()
    back = asked(running, at + 7)
    assert {tuple(one["defaulted"]) for one in back.json()["predictions"]} == {()}
    assert metric(running, counted) == 12
    running.barrier(day(FIRST) + 12 * HOUR)
    running.stop()
    log = DeltaTables(running.home / "log").read(LOOP, columns=["x_shop_spent_6h", "defaulted", "environment"])
    served = [(row["x_shop_spent_6h"], row["environment"]) for row in log.to_pylist() if row["defaulted"]]
    assert len(served) == 12
    assert {value for value, _ in served} == {0.5}
    kept = json.loads((running.home / "environments" / f"{served[0][1]}.json").read_bytes())
    assert {"numpy", "pyarrow", "python", "homeostat"} <= kept.keys()


def test_a_changed_window_is_refused_said_everywhere_and_followed_by_a_first_version(
    grown: Path, tmp_path: Path
) -> None:
    said = "view purchases_window_by_shop: over 6h became 3h"
    with again(grown, tmp_path, LOOP_TEXT.replace('"6h"', '"3h"')) as running:
        refused = until(lambda: (reply := asked(running, LATER)).status_code == 503 and reply)
        until(lambda: said in asked(running, LATER).json()["error"]["problem"])
        assert refused.json()["error"]["code"] == "unavailable"
        assert metric(running, 'homeostat_answering{replica="r1",loop="visits"}') == 0
        overview = running.overview()
        assert overview["route"]["champion"] is None
        assert said in overview["waiting"]["text"]
        assert said in running.command("status")["waiting"]["text"]
        assert said in (running.home / "process-logs" / "control.log").read_text()
        running.barrier(day(FIRST + 1))
        assert running.overview()["route"]["champion"] == "v2"
        assert asked(running, (FIRST + 1) * 24).status_code == 200
        running.hours(WORLD, (FIRST + 1) * 24, (FIRST + 2) * 24)
        running.barrier(day(FIRST + 2))
        kinds = [(one["kind"], one["version"]) for one in running.decisions()]
        assert kinds[4:6] == [("stand_down", "v1"), ("bootstrap", "v2")]
        assert running.decisions()[4]["reasons"] == [said]
        assert running.command("ledger", "verify")["intact"]
        windows = running.control.get(f"/api/loops/{LOOP}/windows").json()["windows"]
        running.stop()
    log = DeltaTables(tmp_path / "home" / "log").read(LOOP).to_pylist()
    old = [row for row in log if row["version"] == "v1"]
    assert {window["day"]: window["rows"] for window in windows} == {"2024-01-07": len(old), "2024-01-08": 300}
    assert len(old) >= 24
    assert {row["x_shop_bought_3h"] for row in old} == {None}
    assert len({row["definitions"] for row in log}) == 2


@pytest.fixture(scope="module")
def wider(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The home under a loop file that has a range more and a wider contract."""
    with again(grown, tmp_path_factory.mktemp("wider"), WIDER) as running:
        yield running


def test_a_range_more_and_a_wider_contract_orphan_nobody(wider: Running) -> None:
    assert asked(wider, LATER).status_code == 200
    assert wider.overview()["problems"] == []
    wider.barrier(day(FIRST + 1))
    assert wider.overview()["route"] == {
        "generation": 1, "champion": "v1", "canary": None, "share": 0.0, "standby": None,
        "shadows": [], "experiments": [], "halted": [],
    }  # fmt: skip


def test_a_file_edited_while_it_runs_changes_nothing_until_the_next_start(wider: Running) -> None:
    folder = wider.home.parent
    write_loop(folder, text=WIDER.replace('"6h"', '"3h"'))
    assert wider.kill("control")
    log = wider.home / "process-logs" / "control.log"
    until(lambda: "was edited" in log.read_text())
    assert asked(wider, HOUR_OF + 26).status_code == 200
    assert "became 1h, 3h" in wider.command("status")["problems"][0]
    write_loop(folder, text=WIDER)
    wider.barrier(day(FIRST + 1) + 12 * HOUR)
    assert wider.overview()["route"]["champion"] == "v1"
