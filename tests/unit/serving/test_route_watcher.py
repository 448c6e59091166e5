"""Routes are followed beside the traffic; whatever the file holds, serving goes on."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from homeostat.adapters.files.routes import read_route, route_path, signature, write_route
from homeostat.app.gateway.route_watcher import RouteWatcher
from homeostat.kernel.errors import IntegrityError
from homeostat.serving.live import LiveRoutes
from homeostat.serving.routing import Experiment, ExperimentArm, Route, Shadow
from homeostat.serving.runtimes import Runtime
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import PLAN, question
from tests.unit.serving.parts import Constant, beside, model, save_version
from tests.unit.serving.rig import Rig

ROUTE = Route("late", 3, "v2", canary="v3", share=0.25, standby="v1", salt="r3")


def test_a_route_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_route(tmp_path, "late") is None
    assert signature(tmp_path, "late") is None
    write_route(tmp_path, ROUTE)
    before = signature(tmp_path, "late")
    assert read_route(tmp_path, "late") == ROUTE
    write_route(tmp_path, ROUTE)
    assert signature(tmp_path, "late") != before
    assert [path.name for path in tmp_path.iterdir()] == ["late.json"]


BAD = [
    b"",
    b"\xff",
    b"{}",
    b"[" * 100_000,
    b'{"loop": "late", "generation": "three", "champion": "v1"}',
    b'{"loop": "late", "generation": -3, "champion": "v1"}',
    b'{"loop": "other", "generation": 3, "champion": "v1"}',
    b'{"loop": "late", "generation": 3, "champion": "v1", "of_a_later_release": true}',
    b'{"loop": "late", "generation": 3, "champion": "v1", "shadows": [{"version": "v2", "share": 1, "until": 7}]}',
]


@pytest.mark.parametrize("content", BAD)
def test_a_file_that_is_no_route_of_the_loop_is_refused(tmp_path: Path, content: bytes) -> None:
    route_path(tmp_path, "late").write_bytes(content)
    with pytest.raises(IntegrityError, match="cannot be read as a route"):
        read_route(tmp_path, "late")


@pytest.mark.parametrize("content", BAD)
def test_a_bad_file_keeps_the_old_route_until_a_good_one_comes(with_rig: WithRig[object], content: bytes) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        route_path(rig.home / "routes", "late").write_bytes(content)
        await rig.watcher.look()
        assert "cannot be read" in str(rig.live.problem("late"))
        assert (await rig.predict(question())).status == 200
        await rig.route(generation=2, champion="v1")
        assert rig.live.problem("late") is None

    with_rig(scenario)


def test_the_old_route_written_back_after_a_refusal_settles_it(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        await rig.route(generation=2, champion="v9")
        assert rig.live.problem("late")
        await rig.route(generation=1, champion="v1")
        assert rig.live.problem("late") is None

    with_rig(scenario)


def test_a_version_whose_files_come_late_is_taken_up_when_they_are_there(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        await rig.route(generation=2, champion="v2", standby="v1")
        assert "v2" in str(rig.live.problem("late"))
        save_version(rig.home / "versions", "v2", model(1.0))
        await rig.watcher.look()
        now = rig.live.current("late")
        assert now is not None
        assert (now.route.generation, rig.live.problem("late")) == (2, None)

    with_rig(scenario)


def test_requests_are_answered_by_the_old_version_while_the_new_one_loads(tmp_path: Path) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def load(loop: str, version: str) -> Runtime:
        if version == "v2":
            loading.set()
            assert go_on.wait(60)
        return Constant(version, 0.5)

    async def scenario() -> None:
        live = LiveRoutes([PLAN], load, beside(load))
        watcher = RouteWatcher(tmp_path, live, every=0.001)
        write_route(tmp_path, Route("late", 1, "v1"))
        watching = asyncio.create_task(watcher.run())
        await _until(lambda: live.current("late") is not None)
        write_route(tmp_path, Route("late", 2, "v2"))
        await _until(loading.is_set)
        before = live.current("late")
        assert before is not None
        assert before.route.champion == "v1"
        go_on.set()
        await _until(lambda: live.current("late") is not before)
        watching.cancel()

    asyncio.run(scenario())


def test_a_rollback_does_not_wait_for_a_candidate_that_is_still_loading(tmp_path: Path) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def load(loop: str, version: str) -> Runtime:
        if version == "v3":
            loading.set()
            assert go_on.wait(60)
        return Constant(version, 0.5)

    async def scenario() -> None:
        live = LiveRoutes([PLAN], load, beside(load))
        watcher = RouteWatcher(tmp_path, live, every=0.001)
        write_route(tmp_path, Route("late", 1, "v2", standby="v1"))
        watching = asyncio.create_task(watcher.run())
        await _until(lambda: live.current("late") is not None)
        write_route(tmp_path, Route("late", 2, "v2", canary="v3", share=0.5, standby="v1"))
        await _until(loading.is_set)
        write_route(tmp_path, Route("late", 3, "v1"))
        await _until(lambda: live.current("late").route.generation == 3)  # type: ignore[union-attr]
        go_on.set()
        await _until(lambda: not watcher._following)
        assert live.current("late").route == Route("late", 3, "v1")  # type: ignore[union-attr]
        assert live.problem("late") is None
        watching.cancel()

    asyncio.run(scenario())


def test_a_route_says_no_more_than_it_must(tmp_path: Path) -> None:
    write_route(tmp_path, Route("late", 1, "v1"))
    assert set(json.loads(route_path(tmp_path, "late").read_text())) == {"loop", "generation", "champion"}
    arms = (ExperimentArm("a", "v2", 0.5), ExperimentArm("b", "v3", 0.5))
    whole = Route("late", 2, "v1", shadows=(Shadow("v4", 0.1),), experiments=(Experiment("e", arms, 0.2, "x"),))
    write_route(tmp_path, whole)
    assert read_route(tmp_path, "late") == whole


def test_a_loader_that_breaks_in_any_way_does_not_stop_the_watching(tmp_path: Path) -> None:
    def load(loop: str, version: str) -> Runtime:
        if version == "v2":
            raise MemoryError
        return Constant(version, 0.5)

    async def scenario() -> None:
        live = LiveRoutes([PLAN], load, beside(load))
        watcher = RouteWatcher(tmp_path, live)
        write_route(tmp_path, Route("late", 1, "v2"))
        await watcher.look()
        assert "MemoryError" in str(live.problem("late"))
        write_route(tmp_path, Route("late", 2, "v1"))
        await watcher.look()
        assert live.problem("late") is None

    asyncio.run(scenario())


def test_the_file_is_plain_json_for_people_too(tmp_path: Path) -> None:
    write_route(tmp_path, ROUTE)
    assert json.loads(route_path(tmp_path, "late").read_text())["champion"] == "v2"


async def _until(condition: object) -> None:
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.001)
