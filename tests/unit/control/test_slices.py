"""Slices are declared with the loop, kept with its days, told worst first, and alerted on when the whole looks well."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
import pytest

import homeostat as hs
from homeostat.control.alerting.late import late_readings
from homeostat.control.days import Day, read_day
from homeostat.control.loop import Loop
from homeostat.control.performance.slices import slices_of
from homeostat.control.policies.retrain import Retrain
from homeostat.control.state import initial_state
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading
from homeostat.serving.routing import Route
from homeostat.stats.intervals import Interval
from tests.harness.segmented import SLICES, segmented_days
from tests.unit.control.rig import loop_of

ASKED = hs.Table(
    "asked",
    key="id",
    event_time="at",
    contract={
        "id": hs.text(),
        "at": hs.instant(),
        "x": hs.number(),
        "site": hs.text(),
        "paid": hs.boolean(),
        "size": hs.integer(0, 9),
    },
)


def declared(slices: Any, **parts: Any) -> Loop:
    return dataclasses.replace(loop_of(), question=ASKED, features=[ASKED["x"]], slices=slices, **parts)


def told(days: list[Day], slices: Any = SLICES, trail: int = 14) -> Any:
    return json.loads(json.dumps(slices_of("demo", days, slices, trail, days[-1].end if days else None)))


def read(days: list[Day], promise: float = 0.1) -> dict[str, Reading]:
    state = dataclasses.replace(initial_state("demo"), route=Route("demo", 1, "v1"), first_version="v1")
    bounds = Interval(promise, promise, promise, 9, 9, 0.95)
    found = late_readings(days, state, Alerts(), Retrain(when=hs.Emergency() | hs.Realised()), lambda _: bounds)
    return {one.rule: one for one in found}


def test_features_columns_of_the_question_and_pairs_may_be_slices() -> None:
    assert declared(["site", "x", ("site", "paid"), ["x", "paid"]]).sliced_by == (
        ("site",),
        ("x",),
        ("site", "paid"),
        ("x", "paid"),
    )
    assert declared([]).sliced_by == ()


@pytest.mark.parametrize(
    ("slices", "problem", "mend"),
    [
        (["sites"], "named 'sites'", "Did you mean 'site'?"),
        ([("site", "y")], "named 'y'", "Known: "),
        (["size"], "of kind integer and no feature", "Make it a feature"),
        (["at"], "of kind instant", "Make it a feature"),
        ([("site", "paid", "x")], "no slice", "a pair of two"),
        ([("site", "site")], "no slice", "a pair of two"),
        ([5], "no slice", "a pair of two"),
        ([()], "no slice", "a pair of two"),
        ([("site", "x"), ("x", "site")], "declared twice", "once"),
        ("site", "no list", "slices=["),
        (["site", "site"], "declared twice", "once"),
    ],
)
def test_a_slice_that_cannot_be_is_refused_when_the_loop_is_made(slices: Any, problem: str, mend: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        declared(slices)
    assert problem in refused.value.problem
    assert mend in refused.value.mend


def test_a_slice_that_the_log_leaves_out_is_refused_and_a_hashed_one_is_not() -> None:
    with pytest.raises(InvalidInput, match="left out of its log"):
        declared(["site"], log=hs.Log(left_out=["site"]))
    assert declared(["site"], log=hs.Log(hashed=["site"])).sliced_by == (("site",),)


def test_a_day_keeps_its_slices_in_little_room_and_older_days_are_read() -> None:
    day = segmented_days(1, 0, 0.0)[0]
    assert read_day(msgspec.json.encode(day)) == day
    assert len(msgspec.json.encode(day.outcomes.slices)) < 4_000  # type: ignore[union-attr]
    old = json.loads(msgspec.json.encode(day))
    for one in old["outcomes"]["slices"]:
        del one["own"]
    assert [one.own for one in read_day(json.dumps(old)).outcomes.slices] == [{}] * len(old["outcomes"]["slices"])  # type: ignore[union-attr]
    del old["outcomes"]["slices"]
    assert read_day(json.dumps(old)).outcomes.slices == ()  # type: ignore[union-attr]


def test_the_slice_that_grew_worse_is_told_first_beside_all_rows_and_the_rest() -> None:
    found = told(segmented_days(42, 14, 0.45))
    first = found["slices"][0]
    assert first["name"] == "site = small"
    assert first["worse"]["after"]["low"] > first["worse"]["rest"]["high"]
    assert first["figures"]["log_loss"]["low"] > found["whole"]["figures"]["log_loss"]["high"]
    assert found["compared"]["looked_at"] > 20
    assert (found["trail"]["found"], found["past"]["found"], found["not_measured"]) == (14, 42, [])


def test_without_days_declarations_or_a_past_what_is_unknown_says_so() -> None:
    nothing = told([], [])
    assert (nothing["whole"], nothing["slices"], nothing["compared"]["unknown"]) == (None, [], "too_few_days")
    young = told(segmented_days(10, 0, 0.0))
    assert young["compared"]["unknown"] == "too_few_days"
    assert young["whole"]["figures"]["accuracy"]["value"] > 0.5
    other = told(segmented_days(20, 0, 0.0), [("site",), ("gone",)])
    assert other["not_measured"] == [["gone"]]


def test_an_alert_names_the_small_segment_while_the_whole_is_within_its_limits() -> None:
    found = read(segmented_days(42, 14, 0.45))
    assert (found["skill"].said, found["calibration"].said) == ("within", "within")
    assert (found["slice"].said, found["slice"].severity) == ("over", "P2")
    assert found["slice"].text.startswith("site = small (5% of rows): loss 0.")
    assert read(segmented_days(42, 14, 0.0))["slice"].said == "within"
    assert read(segmented_days(8, 0, 0.0))["slice"].said == "unknown"


def test_while_the_whole_is_over_its_limit_a_slice_says_nothing_of_its_own() -> None:
    found = read(segmented_days(42, 14, 0.45), promise=0.9)
    assert (found["skill"].said, found["slice"].said) == ("over", "unknown")


def test_days_that_keep_no_slices_are_not_read_for_them() -> None:
    days = segmented_days(20, 0, 0.0)
    bare = [day.with_outcomes(dataclasses.replace(day.outcomes, slices=())) for day in days]  # type: ignore[type-var]
    assert "slice" not in read(bare)
