"""A running loop with a network and state beside it: its quantised variant is made through a kill -9, gated, rolled out
and promoted, and state that was kept before the release comes back with the version before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.killing import PhaseKiller
from tests.harness.running import Running, started
from tests.harness.world import LOOP, LOOP_FILE, World, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
FIRST = 6
NETWORK = {
    'LogisticRegression(C=config["c"])': "MLPClassifier((64, 64), tol=1e-2, n_iter_no_change=3, random_state=7)",
    "from sklearn.linear_model import LogisticRegression": "from sklearn.neural_network import MLPClassifier",
    'at_latest="20d"': 'at_latest="60d"',
    "rollout=hs.Canary(holds": "rollout=hs.Canary(steps=(0.3, 1.0), holds",
    'holds=("3d", "1d", "1d", "1d")': 'holds=("3d", "1d")',
    "hs.Emergency() | hs.Realised(tolerance=0.1, trail=3) | ": "",
    'config={"c": 1.0},': 'config={"c": 1.0},\n    state=hs.StateFolder("beside"),',
}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """The first version, a network, serves."""
    text = LOOP_FILE
    for old, new in NETWORK.items():
        assert old in text, old
        text = text.replace(old, new)
    with started(tmp_path / "home", write_loop(tmp_path, text=text)) as found:
        found.history(World(), 0, FIRST)
        found.barrier(day(FIRST))
        assert found.overview()["route"]["champion"] == "v1"
        yield found


def test_a_variant_is_made_through_a_kill_gated_and_rolled_out_as_a_trained_version_is(running: Running) -> None:
    beside = running.home.parent / "beside" / "index"
    beside.parent.mkdir()
    beside.write_text("of v1")
    asked: Any = running.command("quantise", "--precision", "int8")
    assert (asked["version"], asked["variant"]) == ("v2", {"of": "v1", "precision": "int8"})
    killer = PhaseKiller(running, 1, {"v2/train"})
    killer.start()
    try:
        running.barrier(day(FIRST))
    finally:
        killed = killer.end()
    assert killed == ["v2/train"]
    kinds = [one["kind"] for one in running.decisions()]
    assert kinds == ["bootstrap", "gate", "promote", "rotate_key", "quantise", "checkpoint", "gate", "canary"]
    *_, checkpoint, gate, _ = running.decisions()
    assert checkpoint["title"] == "Checkpoint c1 of the state of v1"
    assert "instead of" in gate["reasons"][-1]
    assert "log-loss of v2 minus v1 at most" in " ".join(gate["reasons"])
    made, of = gate["evidence"]["burdens"]
    assert (made["version"], of["version"]) == ("v2", "v1")
    assert made["bytes"] < of["bytes"]
    manifest = json.loads((running.home / "versions" / LOOP / "v2" / "manifest.json").read_bytes())
    assert manifest["variant"] == {"of": "v1", "precision": "int8"}
    for number in range(FIRST, FIRST + 10):
        running.live(World(), number, number + 1)
        if running.decisions()[-1]["kind"] in ("promote", "rollback"):
            break
    assert [one["kind"] for one in running.decisions()[8:]] == ["advance", "promote"]
    assert running.overview()["route"]["champion"] == "v2"
    assert running.failed == 0
    told = running.command("latency")["batching"]
    assert {(one["version"], one["why"]) for one in told} == {("v1", "off"), ("v2", "off")}, "it is a replay"
    assert running.command("ledger", "verify")["intact"]
    shown = running.command("versions")
    assert [(one["version"], one["state"], one["variant"]) for one in shown] == [
        ("v2", "champion", {"of": "v1", "precision": "int8"}),
        ("v1", "standby", None),
    ]
    beside.write_text("of v2")
    done = running.command("rollback", "--yes")
    assert (done["route"]["champion"], done["state"]["decision"]["kind"]) == ("v1", "restore")
    assert beside.read_text() == "of v1"
