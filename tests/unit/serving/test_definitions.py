"""A replica serves a version only with what it was trained on; it says which defaults stood in, and why none serves."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.files.routes import read_waiting, write_waiting
from homeostat.features.definitions import FeatureSet, Window, count, feature_set, mean
from homeostat.registry.manifest import read_manifest, write_manifest
from homeostat.serving.live import LiveRoutes, Unhonoured
from homeostat.serving.plans import ServingPlan
from homeostat.serving.routing import Route
from homeostat.serving.waiting import Waiting
from tests.harness.signed import sign
from tests.unit.serving.late import ARRIVALS, DEPARTURES, FEATURES, NOW, PLAN, question
from tests.unit.serving.parts import beside, loading, model, save_version
from tests.unit.serving.rig import Rig, arrival

WithRig = Callable[[Callable[[Rig], Awaitable[None]]], object]
EARLIER = "804dbfbf35214f403c30f43d4e5b035c743c52fee3951b6a8b71355d5ec3145c"


def features(over: str = "3h", **parts: Any) -> FeatureSet:
    """Like the loop's own, with another window."""
    window = Window(ARRIVALS, by="origin", over=[over], values={"delay": mean("arr_delay"), "landed": count()}, **parts)
    return feature_set(DEPARTURES, [DEPARTURES["carrier", "hour", "distance"], window, *FEATURES.views[1:]])


def live(versions: Path, plan: ServingPlan = PLAN) -> LiveRoutes:
    load = loading(versions)
    return LiveRoutes([plan], load, beside(load))


def test_a_version_trained_on_another_window_is_refused_naming_the_view_and_both_ranges(tmp_path: Path) -> None:
    save_version(tmp_path, "v1", model(-1.0), features=features("6h"))
    with pytest.raises(Unhonoured) as error:
        live(tmp_path).prepare(Route("late", 1, "v1"))
    assert error.value.code == "definitions_differ"
    assert "view arrivals_window_by_origin: over 6h became 3h" in error.value.problem
    assert error.value.facts["definitions"] == ["view arrivals_window_by_origin: over 6h became 3h"]


def test_the_route_before_goes_on_when_a_newer_one_names_a_version_that_cannot_be_fed(tmp_path: Path) -> None:
    save_version(tmp_path, "v1", model(-1.0))
    save_version(tmp_path, "v2", model(1.0), features=features("6h"))
    routes = live(tmp_path)
    routes.take(routes.prepare(Route("late", 1, "v1")))
    for route in (Route("late", 2, "v2"), Route("late", 2, "v1", canary="v2", share=0.5)):
        with pytest.raises(Unhonoured):
            routes.prepare(route)
    kept = routes.prepare(Route("late", 2, "v1", standby="v2"))
    assert set(kept.runtimes) == {"v1"}
    assert "over 6h became 3h" in str(kept.problem)


def test_a_version_goes_on_being_served_beside_a_range_more(tmp_path: Path) -> None:
    save_version(tmp_path, "v1", model(-1.0))
    window = Window(ARRIVALS, by="origin", over=["3h", "24h"], values={"delay": mean("arr_delay"), "landed": count()})
    more = feature_set(DEPARTURES, [DEPARTURES["carrier", "hour", "distance"], window, *FEATURES.views[1:]])
    assert live(tmp_path, ServingPlan("late", DEPARTURES, more)).prepare(Route("late", 1, "v1")).problem is None


@pytest.mark.parametrize(("pinned", "served"), [(EARLIER, True), (FEATURES.hash, True), ("0" * 64, False)])
def test_a_manifest_older_than_the_keeping_of_definitions_is_served_by_its_hash(
    tmp_path: Path, pinned: str, served: bool
) -> None:
    folder = save_version(tmp_path, "v1", model(-1.0))
    told = read_manifest(folder).to_json()
    del told["definitions"]
    told["pin"]["feature_hash"] = pinned  # type: ignore[index]
    (folder / "manifest.json").write_text(json.dumps(told))
    sign(folder)
    before = read_manifest(folder)
    assert before.to_json() == told
    if served:
        assert live(tmp_path).prepare(Route("late", 1, "v1")).problem is None
    else:
        with pytest.raises(Unhonoured, match="000000000000 became"):
            live(tmp_path).prepare(Route("late", 1, "v1"))
    write_manifest(before, folder)
    assert read_manifest(folder) == before


WITH_DEFAULTS = features(default={"delay": 5.0}, freshness="2h")


def test_defaults_stand_in_while_a_source_is_silent_and_vanish_by_themselves(
    tmp_path: Path, with_rig_of: Callable[[ServingPlan], WithRig]
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        rig.landed(arrival("a", minutes_before=30, delay=60.0))
        fresh = await rig.predict(question(0))
        stalled = await rig.predict(question(1, asked_at="2013-02-01T15:00:00Z"), headers=_at(15))
        rig.landed(arrival("b", minutes_before=-180, delay=60.0))
        back = await rig.predict(question(2, asked_at="2013-02-01T16:00:00Z"), headers=_at(16))
        assert [_defaulted(one) for one in (fresh, stalled, back)] == [[], ["origin_delay_3h"], []]
        assert rig.metric("homeostat_features_defaulted_total", loop="late", feature="origin_delay_3h") == 1
        place = WITH_DEFAULTS.names.index("origin_delay_3h")
        told = [(record.features[place], record.defaulted) for record in rig.records()]
        assert told == [(60.0, ()), (5.0, ("origin_delay_3h",)), (60.0, ())]
        assert {record.definitions for record in rig.records()} == {WITH_DEFAULTS.hash}

    with_rig_of(ServingPlan("late", DEPARTURES, WITH_DEFAULTS))(scenario)


def _at(hour: int) -> dict[str, str]:
    return {"homeostat-now": f"2013-02-01T{hour}:00:00Z"}


def _defaulted(answer: Any) -> Any:
    return answer.json["predictions"][0]["defaulted"]


def test_a_client_can_tell_training_from_a_version_that_was_turned_away(tmp_path: Path, with_rig: WithRig) -> None:
    async def scenario(rig: Rig) -> None:
        said = {
            "training": Waiting("training", "v1 is being trained", "v1"),
            "rejected": Waiting("rejected", "v1 did not pass the gate (skill may be -0.1 <= 0)", "v1", NOW),
        }
        for reason, waiting in said.items():
            write_waiting(rig.home / "routes", "late", waiting)
            await rig.watcher.look()
            error = (await rig.predict(question())).error
            assert waiting.text in error["problem"]
            assert error["facts"]["reason"] == reason
        assert error["facts"]["next_try"] == "2013-02-01T13:00:00Z"
        assert "tried again from 2013-02-01T13:00:00Z on" in error["mend"]
        assert rig.metric("homeostat_answering", loop="late") == 0
        await rig.route(generation=1, champion="v1")
        assert (await rig.predict(question())).status == 200
        assert rig.metric("homeostat_answering", loop="late") == 1

    with_rig(scenario)


def test_an_emptied_route_says_why_until_the_next_version(tmp_path: Path, with_rig: WithRig) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        write_waiting(rig.home / "routes", "late", Waiting("collecting", "v1 cannot be fed any more (view sky)"))
        await rig.route(generation=2, champion=None)
        await rig.watcher.look()
        error = (await rig.predict(question())).error
        assert "v1 cannot be fed any more (view sky)" in error["problem"]
        write_waiting(rig.home / "routes", "late", None)
        assert read_waiting(rig.home / "routes", "late") is None

    with_rig(scenario)
