"""The copy of the route for serving is always the newest, in whichever order its writers come."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from homeostat.adapters.files.routes import read_route
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.publisher import Publisher
from homeostat.app.gateway.fleet import Fleet
from homeostat.app.home import Home
from homeostat.control.state import LoopState, initial_state
from homeostat.kernel.errors import Unavailable
from homeostat.serving.routing import Route


class _Registry:
    def __init__(self) -> None:
        self.shown: dict[str, str | None] = {}
        self.away = False

    def mirror(self, loop: str, aliases: dict[str, str | None]) -> None:
        if self.away:
            raise Unavailable("The registry is away.", mend="Wait.")
        self.shown = aliases


@pytest.fixture
def operations(tmp_path: Path) -> Operations:
    return Operations.open(Home(tmp_path))


def _move(operations: Operations, state: LoopState, champion: str) -> LoopState:
    route = Route("demo", state.route.generation + 1, champion)
    return operations.store.commit(state, dataclasses.replace(state, route=route), [], [])


def test_one_who_was_overtaken_does_not_put_the_old_route_back(operations: Operations) -> None:
    old = _move(operations, initial_state("demo"), "v1")
    new = _move(operations, old, "v2")
    registry = _Registry()
    publisher = Publisher(operations, registry, Fleet(operations.home))  # type: ignore[arg-type]
    publisher.publish(new)
    publisher.publish(old)
    assert read_route(operations.home.routes, "demo") == new.route
    assert registry.shown["champion"] == "v2"


def test_a_registry_that_is_away_holds_up_no_route_and_shows_it_when_it_is_back(
    operations: Operations, caplog: pytest.LogCaptureFixture
) -> None:
    registry = _Registry()
    publisher = Publisher(operations, registry, Fleet(operations.home))  # type: ignore[arg-type]
    registry.away = True
    state = _move(operations, initial_state("demo"), "v1")
    publisher.publish(state)
    assert read_route(operations.home.routes, "demo") == state.route
    publisher.catch_up()
    assert [record.message for record in caplog.records].count(caplog.records[-1].message) == 1
    _move(operations, state, "v2")
    registry.away = False
    publisher.catch_up()
    assert (registry.shown["champion"], publisher.behind) == ("v2", {})


def test_many_writers_at_once_leave_the_newest(operations: Operations) -> None:
    state = initial_state("demo")
    threads = []
    for number in range(12):
        state = _move(operations, state, f"v{number}")
        threads.append(threading.Thread(target=Operations.open(operations.home).publish, args=("demo",)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert read_route(operations.home.routes, "demo") == state.route


def test_before_the_first_champion_there_is_nothing_to_publish(operations: Operations) -> None:
    assert operations.publish("demo") == initial_state("demo")
    assert read_route(operations.home.routes, "demo") is None
