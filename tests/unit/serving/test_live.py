"""A route is served whole or not at all; what cannot be served leaves the old one in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.kernel.errors import Conflict, HomeostatError, IntegrityError, Unavailable, Untrusted
from homeostat.serving.live import LiveRoutes
from homeostat.serving.replicas import served_by
from homeostat.serving.routing import Experiment, ExperimentArm, Route
from homeostat.serving.runtimes import Candidate, Runtime
from tests.unit.serving.late import PLAN
from tests.unit.serving.parts import Beside, Constant, beside, loading, model, save_version


class Shelf:
    """Versions that can be loaded, and how often each was."""

    def __init__(self, *versions: str) -> None:
        self.versions: dict[str, Runtime] = {version: Constant(version, 0.5) for version in versions}
        self.loads: list[str] = []
        self.begun: list[Beside] = []

    def load(self, loop: str, version: str) -> Runtime:
        self.loads.append(version)
        if version not in self.versions:
            raise IntegrityError(f"{loop} {version} is broken.", mend="Restore it.")
        return self.versions[version]

    def start(self, loop: str, version: str) -> Candidate:
        self.begun.append(Beside(self.load(loop, version)))
        return self.begun[-1]


def live_with(shelf: Shelf, route: Route | None = None) -> LiveRoutes:
    live = LiveRoutes([PLAN], shelf.load, shelf.start)
    if route:
        live.take(live.prepare(route))
    return live


def test_preparing_changes_nothing_until_it_is_taken() -> None:
    live = live_with(Shelf("v1", "v2"), Route("late", 1, "v1"))
    ready = live.prepare(Route("late", 2, "v2", standby="v1"))
    now = live.current("late")
    assert now is not None
    assert now.route.champion == "v1"
    live.take(ready)
    now = live.current("late")
    assert now is not None
    assert (now.route.generation, set(now.runtimes)) == (2, {"v1", "v2"})


def test_going_back_to_the_standby_loads_nothing() -> None:
    shelf = Shelf("v1", "v2")
    live = live_with(shelf, Route("late", 1, "v1"))
    live.take(live.prepare(Route("late", 2, "v2", standby="v1")))
    live.take(live.prepare(Route("late", 3, "v1")))
    assert shelf.loads == ["v1", "v2"]
    now = live.current("late")
    assert now is not None
    assert set(now.runtimes) == {"v1"}


@pytest.mark.parametrize("route", [Route("late", 2, "v9"), Route("late", 2, "v1", canary="v9", share=0.1)])
def test_a_version_that_cannot_be_loaded_leaves_the_old_route_in_place(route: Route) -> None:
    live = live_with(Shelf("v1"), Route("late", 1, "v1"))
    with pytest.raises(IntegrityError):
        live.prepare(route)
    live.refuse("late", IntegrityError("v9 is broken.", mend="Look at it."))
    now = live.current("late")
    assert now is not None
    assert now.route.generation == 1
    assert live.problem("late") == "v9 is broken. Look at it."
    live.take(live.prepare(Route("late", 3, "v1")))
    assert live.problem("late") is None


def test_a_start_with_a_broken_canary_or_standby_serves_the_champion_and_says_so() -> None:
    live = live_with(Shelf("v1"), Route("late", 4, "v1", canary="v8", share=0.5, standby="v9"))
    now = live.current("late")
    assert now is not None
    assert set(now.runtimes) == {"v1"}
    assert "v8" in str(live.problem("late"))
    assert "v9" in str(live.problem("late"))


def test_a_standby_that_comes_back_is_taken_up_under_the_same_generation() -> None:
    shelf = Shelf("v1")
    route = Route("late", 4, "v1", standby="v9")
    live = live_with(shelf, route)
    shelf.versions["v9"] = Constant("v9", 0.5)
    live.take(live.prepare(route))
    assert live.problem("late") is None


@pytest.mark.parametrize("route", [Route("late", 1, "v2"), Route("late", 2, "v2"), Route("other", 9, "v1")])
def test_a_route_that_is_not_newer_or_of_no_loop_here_is_refused(route: Route) -> None:
    live = live_with(Shelf("v1", "v2"), Route("late", 2, "v1"))
    with pytest.raises(Conflict):
        live.prepare(route)


def test_a_version_that_needs_unknown_features_or_fails_when_warmed_is_refused() -> None:
    shelf = Shelf()
    shelf.versions = {
        "v1": Constant("v1", 0.5, (("moon_phase", "number"),)),
        "v2": Constant("v2", 0.5, (("carrier", "number"),)),
        "v3": Constant("v3", RuntimeError("broken")),
    }
    for version, said in (("v1", "moon_phase"), ("v2", "carrier"), ("v3", "first prediction")):
        with pytest.raises(HomeostatError, match=said):
            live_with(shelf, Route("late", 1, version))


def test_a_loop_before_its_first_version_may_have_a_route() -> None:
    live = live_with(Shelf(), Route("late", 0, None))
    assert live.problem("late") is None


def test_warming_does_not_judge_what_a_row_of_missing_values_gives() -> None:
    shelf = Shelf()
    shelf.versions = {"v1": Constant("v1", float("nan"))}
    assert live_with(shelf, Route("late", 1, "v1")).current("late") is not None
    shelf.versions = {"v2": Constant("v2", ValueError())}
    with pytest.raises(Unavailable):
        live_with(shelf, Route("late", 2, "v2"))


def test_a_candidate_keeps_its_process_from_step_to_step_and_loses_it_when_it_leaves() -> None:
    shelf = Shelf("v1", "v2")
    live = live_with(shelf, Route("late", 1, "v1", canary="v2", share=0.05))
    live.take(live.prepare(Route("late", 2, "v1", canary="v2", share=0.5)))
    (candidate,) = shelf.begun
    assert not candidate.closed
    live.take(live.prepare(Route("late", 3, "v2", standby="v1")))
    assert candidate.closed
    now = live.current("late")
    assert now is not None
    assert (set(now.runtimes), set(now.candidates)) == ({"v1", "v2"}, set())


def test_what_was_prepared_for_a_route_that_is_old_by_now_is_let_go() -> None:
    shelf = Shelf("v1", "v2")
    live = live_with(shelf, Route("late", 1, "v1"))
    late = live.prepare(Route("late", 2, "v1", canary="v2", share=0.5))
    live.take(live.prepare(Route("late", 3, "v1")))
    live.take(late)
    now = live.current("late")
    assert now is not None
    assert now.route.generation == 3
    assert [candidate.closed for candidate in shelf.begun] == [True]


def test_a_route_that_fails_halfway_leaves_no_candidate_behind() -> None:
    shelf = Shelf("v1", "v2")
    live = live_with(shelf, Route("late", 1, "v1"))
    arms = (ExperimentArm("a", "v2", 0.5), ExperimentArm("b", "v9", 0.5))
    with pytest.raises(IntegrityError):
        live.prepare(Route("late", 2, "v1", experiments=(Experiment("e", arms),)))
    assert [candidate.closed for candidate in shelf.begun] == [True]


def test_a_version_that_is_not_what_was_signed_is_refused_and_told_and_the_old_one_goes_on(tmp_path: Path) -> None:
    for name in ("v1", "v2", "v3"):
        save_version(tmp_path, name, model(-1.0))
    load = loading(tmp_path)
    live = LiveRoutes([PLAN], load, beside(load))
    live.take(live.prepare(Route("late", 1, "v1")))
    changed, genuine = tmp_path / "late" / "v2" / "model.onnx", model(-1.0)
    changed.write_bytes(model(1.0))
    with pytest.raises(Untrusted) as refused:
        live.prepare(Route("late", 2, "v2"))
    live.refuse("late", refused.value)
    told = served_by(live, lambda loop: [])["late"]
    assert (told.generation, told.champion) == (1, "v1")
    assert told.untrusted == "Version late/v2 is not loaded: model.onnx is not what was registered."
    with pytest.raises(Untrusted):
        live.prepare(Route("late", 2, "v1", canary="v2", share=0.1))
    live.take(live.prepare(Route("late", 3, "v1", standby="v2")))
    told = served_by(live, lambda loop: [])["late"]
    assert (told.generation, told.untrusted) == (3, refused.value.problem), "a standby is left out, and that is said"
    changed.write_bytes(genuine)
    live.take(live.prepare(Route("late", 4, "v2", standby="v1")))
    assert served_by(live, lambda loop: [])["late"].untrusted is None
