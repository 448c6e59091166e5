"""Rows in, recorded predictions out: with the features of that moment, whole requests or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.kernel.errors import ContractBroken, InvalidInput, NotFound, TooLarge, Unavailable
from tests.contract.test_spool import files_limited_to
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import FEATURES, NOW, question
from tests.unit.serving.parts import expected, model, save_version
from tests.unit.serving.rig import Rig, arrival


def test_a_prediction_is_what_the_model_says_of_the_features_then_and_is_recorded_so(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=4, champion="v1")
        rig.landed(
            arrival("a", minutes_before=60, delay=30.0),
            arrival("b", minutes_before=20, delay=10.0),
            arrival("c", minutes_before=200, delay=500.0),
        )
        (reply,) = await rig.gateway.predict("late", [question(1, distance=None)], NOW)
        assert reply.probability == pytest.approx(expected(-1.0, 8, "UA", 20.0), abs=1e-6)
        assert (reply.prediction, reply.version, reply.arm) == (True, "v1", "champion")
        (record,) = rig.records()
        assert record.prediction_id == reply.prediction_id
        assert record.probability == reply.probability
        assert (record.loop, record.key, record.generation) == ("late", '["f1"]', 4)
        assert (record.asked_at, record.served_at, record.read_sequence) == (NOW, NOW, 2)
        assert record.question["distance"] is None
        assert record.question["hour"] == 8
        assert dict(zip(FEATURES.names, record.features, strict=True)) == {
            "carrier": "UA",
            "hour": 8,
            "distance": None,
            "origin_delay_3h": 20.0,
            "origin_landed_3h": 2,
            "carrier_arr_delay": 10.0,
        }
        assert not record.fell_back
        assert record.latency_us > 0

    with_rig(scenario)


def test_replies_are_in_the_order_of_the_rows_across_arms(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        save_version(rig.home / "versions", "v2", model(1.0))
        await rig.route(generation=1, champion="v1", canary="v2", share=0.5, salt="s")
        rows = [question(index, hour=index % 24) for index in range(60)]
        replies = await rig.gateway.predict("late", rows, NOW)
        assert {reply.arm for reply in replies} == {"champion", "canary"}
        for row, reply in zip(rows, replies, strict=True):
            bias = {"v1": -1.0, "v2": 1.0}[reply.version]
            assert reply.probability == pytest.approx(expected(bias, row["hour"]), abs=1e-6)  # type: ignore[arg-type]
            assert reply.arm == ("canary" if reply.version == "v2" else "champion")
            assert reply.prediction == (reply.probability >= 0.5)
        assert [record.prediction_id for record in rig.records()] == [reply.prediction_id for reply in replies]
        assert rig.metric("homeostat_predictions_total", loop="late", version="v2", arm="canary") > 0

    with_rig(scenario)


def test_prediction_ids_are_unique_and_grow_with_time(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        first = await rig.gateway.predict("late", [question(index) for index in range(500)], NOW)
        later = await rig.gateway.predict("late", [question(999)], NOW + 5)
        ids = [reply.prediction_id for reply in first]
        assert len(set(ids)) == 500
        assert max(ids) < later[0].prediction_id

    with_rig(scenario)


def test_one_broken_row_refuses_the_request_and_only_it_is_kept_apart(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        rows = [question(0), question(1, hour=99), question(2, carrier=None), question(3)]
        with pytest.raises(ContractBroken) as caught:
            await rig.gateway.predict("late", rows, NOW)
        breaks = caught.value.facts["breaks"]
        assert [(b["row"], b["column"], b["reason"]) for b in breaks] == [  # type: ignore[attr-defined]
            (1, "hour", "above_maximum"),
            (2, "carrier", "null_not_allowed"),
        ]
        assert rig.records() == []
        assert rig.metric("homeostat_contract_breaks_total", loop="late", reason="above_maximum") == 1

    with_rig(scenario)


def test_the_future_starts_five_minutes_ahead(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        await rig.gateway.predict("late", [question(0)], NOW - 300_000_000)
        with pytest.raises(ContractBroken, match="after the present"):
            await rig.gateway.predict("late", [question(0)], NOW - 300_000_001)

    with_rig(scenario)


def test_what_cannot_be_answered_says_why(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        with pytest.raises(Unavailable, match="nothing was said of a first version"):
            await rig.gateway.predict("late", [question()], NOW)
        await rig.route(generation=1, champion="v1")
        with pytest.raises(NotFound, match="Did you mean 'late'"):
            await rig.gateway.predict("lat", [question()], NOW)
        with pytest.raises(InvalidInput, match="no rows"):
            await rig.gateway.predict("late", [], NOW)
        with pytest.raises(TooLarge, match="10000"):
            await rig.gateway.predict("late", [{}] * 10_001, NOW)

    with_rig(scenario)


def test_nothing_is_acknowledged_that_could_not_be_recorded(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        with files_limited_to(100), pytest.raises(Unavailable, match="could not be recorded"):
            await rig.gateway.predict("late", [question()], NOW)
        assert rig.metric("homeostat_predictions_total", loop="late", version="v1", arm="champion") == 0
        await rig.gateway.predict("late", [question(7)], NOW)
        assert [record.key for record in rig.records()] == ['["f7"]']

    with_rig(scenario)


def test_a_canary_that_is_damaged_after_start_costs_no_request(with_rig: WithRig[object], tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        folder = save_version(rig.home / "versions", "v2", model(1.0))
        (folder / "model.onnx").write_bytes(b"rotten")
        await rig.route(generation=1, champion="v1", canary="v2", share=1.0)
        (reply,) = await rig.gateway.predict("late", [question()], NOW)
        assert (reply.version, reply.arm) == ("v1", "champion")
        (record,) = rig.records()
        assert record.fell_back
        assert rig.metric("homeostat_fallbacks_total", loop="late") == 1
        assert rig.metric("homeostat_arm_failures_total", loop="late", version="v2", arm="canary") == 1

    with_rig(scenario)


def test_a_request_may_name_a_loaded_version_and_nobody_stands_in_for_it(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        save_version(rig.home / "versions", "v2", model(1.0))
        await rig.route(generation=1, champion="v1", standby="v2")
        (reply,) = await rig.gateway.predict("late", [question(1)], NOW, version="v2")
        assert (reply.version, reply.arm) == ("v2", "pinned")
        assert reply.probability == pytest.approx(expected(1.0, 8), abs=1e-6)
        with pytest.raises(NotFound, match="not loaded") as caught:
            await rig.gateway.predict("late", [question(1)], NOW, version="v3")
        assert "v1, v2" in caught.value.mend
        assert [record.arm for record in rig.records()] == ["pinned"]

    with_rig(scenario)
