"""A log that keeps a share gets what the policy says, with weights; replies are the same for all."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

from homeostat.data.log_policy import Log
from homeostat.data.rules import rule
from homeostat.data.weights import chosen
from homeostat.features.definitions import Latest, feature_set
from homeostat.serving.arms import Answer
from homeostat.serving.recording import Shared
from tests.unit.serving.late import ARRIVALS, DEPARTURES, NOW, PLAN, question
from tests.unit.serving.rig import Rig

TENTH = dataclasses.replace(PLAN, log=Log(share=0.1))


def served(home: Path, plan: object, *rows: dict[str, object]) -> tuple[list[str], dict[str, int]]:
    """Ids in replies, and the weights of those that the spool holds."""

    async def run() -> tuple[list[str], dict[str, int]]:
        rig = Rig(home, plan=plan)  # type: ignore[arg-type]
        await rig.route(generation=1, champion="v1")
        told = [one for row in rows for one in (await rig.predict(row)).json["predictions"]]
        kept = {one.prediction_id: one.weight for one in rig.records()}
        assert all(one.one_in == 10 for one in rig.records())
        assert rig.metric("homeostat_predictions_total", loop="late", version="v1", arm="champion") == len(rows)
        await rig.close()
        return [one["prediction_id"] for one in told], kept

    return asyncio.run(run())


def test_of_ordinary_predictions_one_in_so_many_is_kept_and_stands_for_them(tmp_path: Path) -> None:
    told, kept = served(tmp_path, TENTH, *(question(n) for n in range(200)))
    assert len(told) == 200
    assert kept == {one: 10 for one in told if chosen(one, 10)}
    assert 5 < len(kept) < 40


def test_predictions_with_a_broken_promise_that_warns_are_all_kept(tmp_path: Path) -> None:
    asked = dataclasses.replace(DEPARTURES, rules=[rule("distance < 100", verdict="warn")])
    plan = dataclasses.replace(TENTH, question=asked)
    told, kept = served(tmp_path, plan, *(question(n, distance=500.0) for n in range(30)))
    assert kept == dict.fromkeys(told, 1)


def test_predictions_with_a_defaulted_feature_are_all_kept(tmp_path: Path) -> None:
    by = Latest(ARRIVALS, by="carrier", columns=["arr_delay"], max_age="3h", default={"arr_delay": 0.0}, freshness="3h")
    old = [one for one in PLAN.features.views if not isinstance(one, Latest)]
    features = feature_set(DEPARTURES, [DEPARTURES["carrier", "hour", "distance"], *old, by])
    told, kept = served(tmp_path, dataclasses.replace(TENTH, features=features), *(question(n) for n in range(30)))
    assert kept == dict.fromkeys(told, 1)


def test_rows_that_the_champion_answered_for_a_failed_arm_are_kept() -> None:
    shared = Shared(TENTH, NOW, 3, 1, 90, "", False)
    row = {"flight_id": "f"}
    names = [str(n) for n in range(40)]
    weights = [
        shared.record(one, one, NOW, Answer(0.5, "v1", "champion", fell), row, [], (), False, one).weight
        for fell in (True, False)
        for one in names
    ]
    assert weights[:40] == [1] * 40
    assert set(weights[40:]) == {0, 10}
