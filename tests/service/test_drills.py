"""A rollback is rehearsed on live traffic: two replicas, a copy of the champion, and everyone back in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import homeostat as hs
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.drilling import RollbackDrill
from homeostat.app.by_hand.operations import Operations
from homeostat.app.gateway.fleet import Fleet
from homeostat.app.home import Home
from homeostat.app.recorder.predictions import LoggedLoop, Predictions
from homeostat.control import drills
from homeostat.control.loop import Loop
from homeostat.features.logged import Logged
from homeostat.kernel.errors import Refused
from homeostat.serving.routing import Route
from tests.harness.ports import free_ports
from tests.harness.running import PATIENCE, until
from tests.service.test_gateway import Gateway, gateway
from tests.service.test_replicas import Load
from tests.unit.serving.late import ARRIVALS, DEPARTURES, FEATURES
from tests.unit.serving.parts import two_versions

pytestmark = pytest.mark.service

LOOP = Loop(
    name="late",
    question=DEPARTURES,
    features=[
        DEPARTURES["carrier", "hour", "distance"],
        hs.Window(ARRIVALS, by="origin", over=["3h"], values={"delay": hs.mean("arr_delay"), "landed": hs.count()}),
        hs.Latest(ARRIVALS, by="carrier", columns=["arr_delay"], max_age="3h"),
    ],
    label=hs.Label(ARRIVALS, "arr_delay > 15", matures="24h after asked_at"),
    train=lambda rows, config: None,
)


@pytest.fixture
def operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operations:
    """A home whose loop serves v1, with v2 standing by. Who has to share the machine may take longer to go back."""
    monkeypatch.setattr(drills, "LONGEST_SECONDS", PATIENCE)
    found = Operations.open(Home(two_versions(tmp_path)))
    state = found.store.state("late")
    served = dataclasses.replace(state, route=Route("late", 1, "v1", standby="v2"))
    served = served.standing("v1", "champion", 0).standing("v2", "standby", 0)
    found.store.commit(state, served, (), ())
    found.publish("late")
    return found


@pytest.fixture
def pair(operations: Operations) -> Iterator[list[Gateway]]:
    """Two replicas on the machine's clock."""
    home = operations.home.root
    with ExitStack() as stack:
        port = free_ports()
        told = {"clock": "system", "shared": True}
        running = [stack.enter_context(gateway(home, port, replica=name, **told)) for name in ("r1", "r2")]
        until(lambda: len(Fleet(operations.home).replicas()) == 2 and not Fleet(operations.home).lagging("late", 1))
        yield running


def drill(operations: Operations, seconds: float) -> RollbackDrill:
    log = DeltaTables(operations.home.log)
    spools = operations.home.spool / "predictions"
    drain = Predictions(spools, log, [LoggedLoop("late", Logged.of(FEATURES))]).drain
    return RollbackDrill(operations, LOOP, drain, "me", seconds)


def test_everyone_goes_back_in_time_and_answers_agree(operations: Operations, pair: list[Gateway]) -> None:
    with Load(pair[0].port, headers={}) as load:
        until(lambda: len(load.seen) > 50)
        done = drill(operations, 1.0).run()
        asked = len(load.seen)
        until(lambda: len(load.seen) > asked + 20)
    assert (done["decision"]["verdict"], done["decision"]["kind"]) == ("ACCEPT", "drill")
    seen = done["decision"]["evidence"]["seen"]
    assert seen["replicas"] == 2
    assert seen["rows"] > 0
    assert seen["worst"] <= 1e-6
    assert {status for _, status, _ in load.seen} == {200}
    assert {version for _, _, version in load.seen} == {"v1", "v1-drill"}
    state = operations.state("late")
    assert (state.route.champion, state.route.standby, state.drill) == ("v1", "v2", None)
    assert not (operations.home.versions / "late" / "v1-drill").exists()
    assert operations.overview(LOOP, None)["drills"]["last"]["title"] == "Rollback drill of v1: passed"


def test_without_traffic_a_drill_proves_nothing_and_says_so(operations: Operations, pair: list[Gateway]) -> None:
    done = drill(operations, 0.0).run()
    assert done["decision"]["verdict"] == "INCONCLUSIVE"
    assert "nobody asked" in done["decision"]["reasons"][0]
    assert operations.state("late").route.champion == "v1"


def test_with_nobody_serving_there_is_nothing_to_rehearse(operations: Operations) -> None:
    with pytest.raises(Refused, match="No replica"):
        drill(operations, 0.0).run()
