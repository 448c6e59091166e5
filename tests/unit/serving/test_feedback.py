"""Where a loop declares that callers act on predictions, replies say whether to, and the log says what was drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from homeostat.data.contracts import boolean, instant, text
from homeostat.data.feedback import Feedback
from homeostat.data.log_policy import Log
from homeostat.data.tables import Table
from homeostat.serving.plans import ServingPlan
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import PLAN, question
from tests.unit.serving.oip import INFER, inputs, outputs
from tests.unit.serving.rig import Rig

ACTED = dataclasses.replace(PLAN, feedback=Feedback(acts="probability >= 0.0 and hour > 6", explore=0.5))
OIP_ROWS = [question(n, hour=9) for n in range(20)]
RigOf = Callable[[ServingPlan], WithRig[object]]


def test_a_reply_says_whether_to_act_and_the_record_what_was_drawn(with_rig_of: RigOf) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        asked = [*(question(n, hour=9) for n in range(40)), *(question(n, hour=3) for n in range(40, 50))]
        told = (await rig.predict(*asked)).json["predictions"]
        assert all(one["act"] != one["explored"] for one in told[:40])
        assert 5 < sum(one["explored"] for one in told) < 35
        assert [(one["act"], one["explored"], one["propensity"]) for one in told[40:]] == [(False, False, 1.0)] * 10
        kept = {one.prediction_id: one for one in rig.records()}
        for one in told:
            record = kept[one["prediction_id"]]
            assert (record.acts, record.explored) == (one["act"], one["explored"])
            assert record.propensity == one["propensity"] == (0.5 if one["act"] or one["explored"] else 1.0)
        again = (await rig.predict(*asked)).json["predictions"]
        assert [one["explored"] for one in again] == [one["explored"] for one in told]

    with_rig_of(ACTED)(scenario)


def test_a_loop_without_feedback_replies_as_ever(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        (told,) = (await rig.predict(question())).json["predictions"]
        assert set(told) == {
            "prediction", "probability", "prediction_id", "version", "arm", "defaulted", "warnings"
        }  # fmt: skip
        (kept,) = rig.records()
        assert (kept.acts, kept.explored, kept.propensity) == (None, False, 1.0)
        assert not {"act", "explored"} & set(outputs(await rig.ask("POST", INFER, {"inputs": inputs(OIP_ROWS)})))

    with_rig(scenario)


def test_the_open_inference_protocol_says_it_too(with_rig_of: RigOf) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        found = outputs(await rig.ask("POST", INFER, {"inputs": inputs(OIP_ROWS)}))
        assert [bool(one) for one in found["act"]] == [not one for one in found["explored"]]
        assert set(found["propensity"]) == {0.5}
        model: Any = (await rig.ask("GET", "/v2/models/late")).json
        assert {"act", "explored", "propensity"} <= {one["name"] for one in model["outputs"]}

    with_rig_of(ACTED)(scenario)


def test_a_version_that_is_asked_for_by_name_draws_nobody(with_rig_of: RigOf) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        path = "/v2/models/late/versions/v1/infer"
        found = outputs(await rig.ask("POST", path, {"inputs": inputs(OIP_ROWS)}))
        assert set(found["arm"]) == {"pinned"}
        assert not any(found["act"] + found["explored"])
        assert all(one.acts is None for one in rig.records())

    with_rig_of(ACTED)(scenario)


@pytest.mark.parametrize("hour", [9, 3])
def test_a_log_that_keeps_a_share_keeps_all_that_may_be_acted_on(with_rig_of: RigOf, hour: int) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        await rig.predict(*(question(n, hour=hour) for n in range(60)))
        kept = [one.weight for one in rig.records()]
        assert kept == [1] * 60 if hour > 6 else (set(kept) <= {10} and len(kept) < 30)

    with_rig_of(dataclasses.replace(ACTED, log=Log(share=0.1)))(scenario)


def test_where_callers_report_what_they_did_replies_say_nothing_and_the_log_that_it_is_to_be_told(
    with_rig_of: RigOf,
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        told = (await rig.predict(*(question(n, hour=9) for n in range(30)))).json["predictions"]
        assert not any({"act", "explored", "propensity"} & set(one) for one in told)
        kept = rig.records()
        assert [(one.acts, one.explored, one.propensity, one.weight) for one in kept] == [(None, False, 0.0, 1)] * 30
        model: Any = (await rig.ask("GET", "/v2/models/late")).json
        assert not {"act", "explored", "propensity"} & {one["name"] for one in model["outputs"]}

    decisions = Table("decisions", "prediction_id", "at", {"prediction_id": text(), "at": instant(), "did": boolean()})
    with_rig_of(dataclasses.replace(PLAN, log=Log(share=0.1), feedback=Feedback(acts="did", reported=decisions)))(
        scenario
    )
