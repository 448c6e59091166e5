"""Several gateway processes on one port: they follow a route together, and one that dies takes nothing with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from homeostat.adapters.files.routes import write_route
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.app.clocks import SystemClock
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.gateway.fleet import Fleet
from homeostat.app.gateway.traffic import traffic
from homeostat.app.home import Home
from homeostat.data.records import PredictionRecord
from homeostat.serving.routing import Route
from tests.harness.ports import free_ports
from tests.harness.running import PATIENCE, until
from tests.service.test_gateway import Gateway, gateway
from tests.unit.serving.late import question
from tests.unit.serving.parts import two_versions
from tests.unit.serving.rig import NOW_HEADER, PREDICT

pytestmark = pytest.mark.service
Seen = tuple[float, int, str]
"""When a reply came, its status, and the version in it."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    two_versions(tmp_path)
    write_route(tmp_path / "routes", Route("late", 1, "v2", standby="v1"))
    return tmp_path


@pytest.fixture
def pair(home: Path) -> Iterator[list[Gateway]]:
    """Two replicas on one port, both serving."""
    with ExitStack() as stack:
        port = free_ports()
        running = [stack.enter_context(gateway(home, port, replica=name, shared=True)) for name in ("r1", "r2")]
        until(lambda: len(Fleet(Home(home)).replicas()) == 2 and not Fleet(Home(home)).lagging("late", 1))
        yield running


class Load:
    """Threads that ask again and again, each request on a connection of its own, so that both replicas are met."""

    def __init__(self, port: int, threads: int = 3, headers: Mapping[str, str] = NOW_HEADER) -> None:
        self.seen: list[Seen] = []
        self._headers = {**headers, "connection": "close"}
        self._port, self._stop = port, threading.Event()
        self.threads = threads
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def longest(self) -> float:
        """Seconds of the longest silence between two replies: what a machine that others use, too, adds to a wait."""
        times = [at for at, _, _ in self.seen]
        return max(after - before for before, after in pairwise(times))

    def _ask(self) -> None:
        with httpx.Client(headers=self._headers, trust_env=False, timeout=PATIENCE) as client:
            while not self._stop.is_set():
                url = f"http://127.0.0.1:{self._port}{PREDICT}"
                answer = client.post(url, json={"rows": [question(len(self.seen))]})
                version = answer.json()["predictions"][0]["version"] if answer.status_code == 200 else ""
                self.seen.append((time.monotonic(), answer.status_code, version))


def test_all_replicas_leave_a_bad_version_within_a_second_of_the_command(home: Path, pair: list[Gateway]) -> None:
    with Load(pair[0].port) as load:
        until(lambda: len(load.seen) > 100)
        began = time.monotonic()
        write_route(home / "routes", Route("late", 2, "v1"))
        followed = Fleet(Home(home)).follow("late", 2, PATIENCE)
        asked = len(load.seen)
        until(lambda: len(load.seen) > asked + 50)
    assert (followed.replicas, followed.lagging) == (2, ())
    assert max(at for at, _, version in load.seen if version == "v2") - began < 1.0 + 10 * load.longest
    assert {status for _, status, _ in load.seen} == {200}
    text = until(lambda: 'replica="r2"' in (told := pair[0].client.get("/metrics").text) and told)
    for name in ("r1", "r2"):
        assert f'homeostat_predictions_total{{replica="{name}",arm="champion",loop="late",version="v2"}}' in text
        assert f'homeostat_route_generation{{replica="{name}",loop="late"}} 2.0' in text
        assert list((home / "spool" / "predictions" / name).glob("*.spool"))


def test_no_request_fails_while_versions_change_two_hundred_times(home: Path, pair: list[Gateway]) -> None:
    """Every change serves another version; every second one finds it loaded, the others load it anew."""
    fleet = Fleet(Home(home))
    with Load(pair[0].port) as load:
        until(lambda: len(load.seen) > 20)
        for generation in range(2, 202):
            champion, other = ("v1", "v2") if generation % 2 == 0 else ("v2", "v1")
            write_route(
                home / "routes", Route("late", generation, champion, standby=other if generation % 4 < 2 else None)
            )
            assert fleet.follow("late", generation, PATIENCE).lagging == ()
        asked = len(load.seen)
        until(lambda: len(load.seen) > asked + 20)
    assert {status for _, status, _ in load.seen} == {200}
    assert {version for _, _, version in load.seen} == {"v1", "v2"}
    assert sum(version != "v2" for _, _, version in load.seen[asked:]) <= load.threads, "what was under way"
    ids = [record.prediction_id for name in ("r1", "r2") for record in spooled(home, name)]
    assert len(ids) == len(set(ids)) == len(load.seen)


def test_control_sees_what_both_replicas_count_and_knows_nothing_once_they_are_gone(pair: list[Gateway]) -> None:
    route = Route("late", 1, "v2", standby="v1")
    watch = DoorsWatch(f"http://127.0.0.1:{pair[0].port}", SystemClock(), time.monotonic)
    until(lambda: _looked(watch) == {"r1", "r2"})
    with Load(pair[0].port) as load:
        until(lambda: len(load.seen) > 60)
    watch.look()
    told = traffic(watch.seen(), route, 2.0)
    (arm,) = told["arms"]
    assert told["replicas"] == ["r1", "r2"]
    assert told["whole"]["requests"] == arm["rows"] == len(load.seen)
    assert told["whole"]["p99_ms"] > arm["p50_ms"] > 0
    assert told["budget"]["cost"]["per_thousand_as_deployed"] > 0
    for one in pair:
        one.process.kill()
        one.process.wait()
    watch.look()
    gone = traffic(watch.seen(), route, 2.0)
    assert (gone["known"], gone["now"]["requests_per_second"], gone["points"][-1]["requests"]) == (False, None, None)


def test_a_replica_that_cannot_load_a_version_keeps_the_route_it_had_and_is_named(
    home: Path, pair: list[Gateway]
) -> None:
    write_route(home / "routes", Route("late", 2, "v9"))
    followed = Fleet(Home(home)).follow("late", 2)
    assert followed.replicas == 2
    assert [text[:10] for text in followed.lagging] == ["replica r1", "replica r2"]
    assert "No version lies in" in followed.lagging[0]
    assert pair[0].predict(question()).json()["predictions"][0]["version"] == "v2"


def test_one_that_is_killed_takes_nothing_with_it_and_is_not_waited_for(home: Path, pair: list[Gateway]) -> None:
    first, second = pair
    first.process.kill()
    first.process.wait()
    for number in range(20):
        with httpx.Client(headers=NOW_HEADER, trust_env=False, timeout=PATIENCE) as client:
            url = f"http://127.0.0.1:{second.port}{PREDICT}"
            assert client.post(url, json={"rows": [question(number)]}).status_code == 200
    until(lambda: [one.id for one in Fleet(Home(home)).replicas() if not one.silent(time.time_ns() // 1000)] == ["r2"])
    write_route(home / "routes", Route("late", 2, "v1"))
    assert Fleet(Home(home)).follow("late", 2, PATIENCE).lagging == ()


def spooled(home: Path, replica: str) -> list[PredictionRecord]:
    """What a replica recorded."""
    reader = SpoolReader(home / "spool" / "predictions" / replica)
    return [record for _, record in reader.read(-1).records]


def _looked(watch: DoorsWatch) -> set[str]:
    """The replicas that a look finds; one that has just started may not show its counts yet."""
    watch.look()
    look = watch.seen().look
    return set(look.replicas) if look else set()
