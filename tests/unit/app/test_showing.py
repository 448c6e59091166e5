"""What the pages show: predictions with the rows behind them, features over time, tables by day."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import homeostat as hs
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.features.feature_views import feature_of, features_of
from homeostat.app.home import Home
from homeostat.app.loops.known import remember_features
from homeostat.app.prediction_log.predictions import key_text
from homeostat.app.shown.showing import Showing
from homeostat.control.days import Counted, Day
from homeostat.data.profiles import ReferenceProfile
from homeostat.kernel.errors import InvalidInput, NotFound, Unavailable
from homeostat.monitoring.skew import Cause, SkewDay
from tests.harness.grown import grown_home
from tests.harness.served import FACTS, loop_of, purchase, record, renamed, serve, stored
from tests.harness.world import LOOP


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three predictions were served; the facts under them were corrected before, after, and came late."""
    found = grown_home(tmp_path_factory.mktemp("served"))
    loop = loop_of(found)
    remember_features(found, {LOOP: loop.feature_set})
    serve(found, *(record(number, loop) for number in range(3)))
    return found


@pytest.fixture
def showing(home: Home) -> Showing:
    """What can be shown of it."""
    return Showing(Operations.open(home), {LOOP: loop_of(home)})


def test_a_prediction_is_explained_by_the_rows_as_known_then(showing: Showing, home: Home) -> None:
    made = showing.prediction(LOOP, record(0, loop_of(home)).prediction_id, rows=20)
    assert (made["agrees"], made["differing"], made["same_definitions"]) == (True, [], True)
    assert made["prediction"]["question"]["shop"] == "north"
    spent = next(one for one in made["features"] if one["feature"] == "shop_spent_6h")
    assert (spent["served"], spent["recomputed"], spent["counted"], spent["total"]) == (20.0, 20.0, 3, 6)
    assert [(row["values"]["visit"], row["why"], row["superseded_by"]) for row in spent["rows"]] == [
        ("late", "not known yet", None),
        ("corrected since", "not known yet", None),
        ("corrected since", "counted", 12),
        ("corrected", "counted", None),
        ("corrected", "corrected before", 5),
        ("plain", "counted", None),
    ]
    assert spent["since"] == "2024-01-02T00:00:00Z"


def test_a_served_value_that_the_rows_do_not_give_is_named(tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    loop = loop_of(home)
    serve(home, renamed(record(0, loop, spent=21.0), definitions="older"))
    made = Showing(Operations.open(home), {LOOP: loop}).prediction(LOOP, record(0, loop).prediction_id, rows=2)
    assert (made["agrees"], made["differing"]) == (False, ["shop_spent_6h"])
    assert made["same_definitions"] is False
    assert [one["agrees"] for one in made["features"]] == [True, True, False, True]
    assert [len(one["rows"]) for one in made["features"]] == [0, 0, 2, 2]


def test_a_feature_that_is_no_longer_defined_keeps_what_was_served(home: Home) -> None:
    loop = loop_of(home)
    fewer = dataclasses.replace(loop, features=[loop.question["x", "shop"]])
    made = Showing(Operations.open(home), {LOOP: fewer}).prediction(LOOP, record(0, loop).prediction_id, rows=20)
    gone = {one["feature"]: one["served"] for one in made["features"] if one["how"] == "gone"}
    assert gone == {"shop_spent_6h": 20.0, "shop_bought_6h": 3.0}
    assert made["agrees"] is True


def test_a_feature_that_is_defined_only_since_is_not_held_against_what_was_served(home: Home) -> None:
    loop = loop_of(home)
    more = dataclasses.replace(
        loop, features=[*loop.features, hs.Latest(loop.label.table, by="shop", columns=["spent"])]
    )
    made = Showing(Operations.open(home), {LOOP: more}).prediction(LOOP, record(0, loop).prediction_id, rows=20)
    told = next(one for one in made["features"] if one["feature"] == "shop_spent")
    assert (told["agrees"], told["served"], told["recomputed"]) == (None, None, 30.0)
    assert (made["agrees"], made["same_definitions"]) == (True, False)


def test_one_feature_can_be_asked_for_and_a_wrong_name_is_answered_with_the_right_one(
    showing: Showing, home: Home
) -> None:
    name = record(1, loop_of(home)).prediction_id
    assert [one["feature"] for one in showing.prediction(LOOP, name, 20, "x")["features"]] == ["x"]
    with pytest.raises(NotFound, match="shop_spent_6h"):
        showing.prediction(LOOP, name, 20, "shop_spend_6h")


def test_the_recorder_is_asked_to_store_first_and_may_be_away(home: Home) -> None:
    asked = []

    def away() -> None:
        asked.append("flush")
        raise Unavailable("The recorder is not running.", mend="Wait.")

    showing = Showing(Operations.open(home), {LOOP: loop_of(home)}, away)
    assert showing.prediction(LOOP, record(0, loop_of(home)).prediction_id, 20)["agrees"]
    assert asked == ["flush"]


def test_an_unknown_prediction_says_where_ids_come_from(showing: Showing) -> None:
    with pytest.raises(NotFound, match="Take an id from a reply"):
        showing.prediction(LOOP, "nobody", 20)


def test_predictions_are_listed_newest_first_by_key_and_up_to_a_limit(showing: Showing) -> None:
    assert [one["key"] for one in showing.predictions(LOOP, 2)] == ['["v2"]', '["v1"]']
    assert [one["key"] for one in showing.predictions(LOOP, 9, "v1")] == ['["v1"]']
    assert showing.predictions(LOOP, 9, '["v9"]') == []


def test_before_the_first_prediction_the_list_is_empty(tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    assert Showing(Operations.open(home), {LOOP: loop_of(home)}).predictions(LOOP, 9) == []


@pytest.mark.parametrize("given", ["[1, 2]", "[", "{}[", '["a", "b"]'])
def test_a_key_that_is_none_is_refused_with_its_form(home: Home, given: str) -> None:
    if given == "{}[":
        assert key_text(loop_of(home).question, given) == '["{}["]'
    else:
        with pytest.raises(InvalidInput, match="JSON list"):
            key_text(loop_of(home).question, given)


def test_the_volume_of_a_table_counts_each_fact_once_by_its_event_day(tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    serve(home, record(0, loop_of(home)))
    showing = Showing(Operations.open(home), {LOOP: loop_of(home)})
    told = showing.table("purchases")
    before = [{"day": "2024-01-01", "rows": 1}, {"day": "2024-01-02", "rows": 6}]
    assert told["volume"] == before
    assert (told["disk"]["files"], told["disk"]["versions"]) == (1, 2)
    assert told["uses"] == [{"loop": LOOP, "as": "label"}, {"loop": LOOP, "as": "Window(purchases, by='shop')"}]
    assert [(one["column"], one["role"]) for one in told["columns"]][:2] == [("visit", "key"), ("at", "event time")]
    more = stored(loop_of(home), [purchase("new", 1, 5.0, 50)])
    DeltaTables(home.tables).append("purchases", more, writer="test", upto=2)
    assert showing.table("purchases")["volume"] == [before[0], {"day": "2024-01-02", "rows": 7}]
    assert len(FACTS) == 7


def test_a_table_without_rows_has_no_volume_and_one_that_is_not_declared_is_not_found(showing: Showing) -> None:
    assert showing.table("visits")["volume"] == []
    with pytest.raises(NotFound, match="purchases"):
        showing.table("purchase")


def test_days_measured_before_counts_were_kept_show_drift_alone(showing: Showing) -> None:
    told = showing.feature(LOOP, "x")
    assert len(told["days"]) == 8
    assert {day["psi"] for day in told["days"]} == {0.1}
    assert {day["counts"] for day in told["days"]} == {None}
    assert (told["missing"], told["reference"], told["skew"]["rate"]) == (None, None, None)


def test_a_feature_is_shown_by_day_against_its_reference(showing: Showing, home: Home) -> None:
    loop = loop_of(home)
    numbers = {name: [float(n) for n in range(100)] for name in ("x", "shop_spent_6h", "shop_bought_6h")}
    kinds = loop.feature_set.kinds
    reference = ReferenceProfile.of(kinds, {**numbers, "shop": ["north", "south"] * 50}, [0.5] * 100, bins=4)
    days = [_measured(day) for day in showing.operations.days(LOOP)]
    told = feature_of(loop, "x", days, {"v1": reference})
    assert told["references"]["v1"]["quantiles"][2] == pytest.approx(49.5)
    assert told["days"][0]["counts"] == [0, 0, 0, 8]
    assert told["days"][0]["quantiles"][2] == pytest.approx(74.5)
    assert told["days"][0]["missing"] == 0.2
    assert (told["missing"], told["reference_missing"], told["rows"]) == (0.2, 0.0, 70)
    assert (told["skew"]["rate"], told["skew"]["cause"]) == (0.5, "time_cutoff")
    assert [one["feature"] for one in features_of(loop, days, {"v1": reference})] == list(loop.feature_set.names)


def _measured(day: Day) -> Day:
    """The day with counts of x in the last bin, two in ten missing, and half of its rows skewed."""
    inputs = dataclasses.replace(day.inputs, counted={"x": Counted((0, 0, 0, 8), 2)})
    skew = SkewDay(1.0, 10, {"x": 5}, {"x": Cause("time_cutoff", "known before")})
    return dataclasses.replace(day, inputs=inputs, skew=skew)
