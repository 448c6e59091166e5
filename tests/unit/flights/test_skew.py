"""Skew planted in the flights loop by really serving it wrongly: each is found, and named by feature and cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from examples.flights.driver import midnight
from examples.flights.loop import loop
from examples.flights.source import QUARTER, Flights
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.control.gates import Evidence, judge_gate
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.views import Window
from homeostat.kernel.verdicts import ACCEPT, REJECT, Verdict
from homeostat.monitoring.skew import SkewDay
from homeostat.stats.intervals import Interval
from homeostat.training.comparison import ServedComparison
from homeostat.training.served import compare_served
from homeostat.training.training_set import Sources
from tests.unit.flights.served import OWN, Home, replay

YEAR = midnight(date(2013, 1, 1))
BEGINS, SERVES, ENDS = (midnight(date(2013, 1, day)) for day in (8, 10, 12))
NOON = SERVES + 36 * 4 * QUARTER
Begin = Callable[..., Home]
OTHER = "b" * 64


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory, flights: Flights) -> Begin:
    """Makes a home that has taken in two days of history and serves in the given way."""

    def make(**wrongly: Any) -> Home:
        found = Home(tmp_path_factory.mktemp("flights") / "home", **wrongly)
        found.take_in("planes", next(flights.quarters(YEAR, YEAR + QUARTER)).planes, BEGINS)
        replay(found, flights, BEGINS, SERVES, asking=False)
        return found

    return make


@pytest.fixture(scope="module")
def honest(begin: Begin, flights: Flights) -> Home:
    home = begin()
    replay(home, flights, SERVES, ENDS)
    return home


@pytest.fixture(scope="module")
def halved(begin: Begin, flights: Flights) -> Home:
    """Serves one window of carriers over half its range."""
    home = begin(serving=mutated("carrier", over=["3h", "12h"]))
    replay(home, flights, SERVES, ENDS)
    return home


def mutated(entity: str, **changes: Any) -> FeatureSet:
    """The loop's features with something else in the windows of one entity."""
    return feature_set(
        loop.question,
        [
            dataclasses.replace(one, **changes) if isinstance(one, Window) and one.entity == (entity,) else one
            for one in loop.features
        ],
    )


def found(home: Home, share: float = 0.2) -> SkewDay:
    return SkewCheck(loop.feature_set, home.tables(), OWN).day(home.log(), share, upto=home.sequence)


def wrong(day: SkewDay) -> dict[str, str]:
    assert day.causes.keys() == {name for name, rows in day.differing.items() if rows}
    return {name: cause.name for name, cause in day.causes.items()}


def test_what_is_served_rightly_shows_no_skew_in_any_of_its_rows(honest: Home) -> None:
    day = found(honest, 1.0)
    assert day.rows == len(honest.records) > 1_500
    assert (set(day.differing.values()), day.causes) == ({0}, {})


def test_another_window_at_serving_is_named_with_the_window_that_it_is(halved: Home) -> None:
    day = found(halved)
    assert wrong(day) == dict.fromkeys(["carrier_delay_24h", "carrier_landed_24h"], "different_statistics")
    assert "equal offline over 12h instead of 24h" in day.causes["carrier_landed_24h"].evidence
    assert day.differing["carrier_landed_24h"] > 0.9 * day.rows


def test_a_default_of_0_instead_of_missing_is_named(begin: Begin, flights: Flights) -> None:
    home = begin(serving=mutated("dest", default={"delay": 0.0}))
    replay(home, flights, SERVES, ENDS)
    day = found(home)
    assert wrong(day) == dict.fromkeys(["dest_delay_3h", "dest_delay_24h"], "missing_handling")
    assert "served 0 where it is missing" in day.causes["dest_delay_3h"].evidence


def test_a_replica_on_a_stale_copy_of_the_store_is_named(begin: Begin, flights: Flights) -> None:
    home = begin()
    replay(home, flights, SERVES, NOON)
    home.freeze()
    replay(home, flights, NOON, ENDS)
    day = found(home)
    assert set(wrong(day).values()) == {"time_cutoff"}
    assert {"origin_delay_3h", "carrier_landed_24h", "tailnum_arr_delay", "origin_temp"} <= day.causes.keys()
    assert "lay behind what had been accepted" in day.causes["origin_delay_3h"].evidence


def test_a_store_that_stopped_taking_in_a_table_is_named_though_it_claims_to_be_up_to_date(
    begin: Begin, flights: Flights
) -> None:
    home = begin()
    replay(home, flights, SERVES, NOON)
    home.deaf_to = "arrivals"
    replay(home, flights, NOON, ENDS)
    day = found(home)
    assert set(wrong(day).values()) == {"time_cutoff"}
    assert {"origin_delay_3h", "carrier_landed_24h", "tailnum_arr_delay"} <= day.causes.keys()
    assert not {"origin_temp", "tailnum_year"} & day.causes.keys()
    assert "as known at 2013-01-11T" in day.causes["origin_landed_24h"].evidence


def test_a_library_that_computes_otherwise_is_named_by_its_environment(begin: Begin, flights: Flights) -> None:
    home = begin(spoil=lambda value: float(np.float32(value)) if isinstance(value, float) else value, environment=OTHER)
    replay(home, flights, SERVES, ENDS)
    versions = {OWN: {"numpy": "2.4.6"}, OTHER: {"numpy": "2.4.5"}}
    check = SkewCheck(loop.feature_set, home.tables(), OWN, versions.get)
    day = check.day(home.log(), 0.2, upto=home.sequence)
    assert set(wrong(day).values()) == {"library_version"}
    assert "(numpy 2.4.5 then, 2.4.6 now)" in day.causes["origin_delay_24h"].evidence
    assert f"computed in environment {OTHER[:12]}, recomputed in {OWN[:12]}" in day.causes["origin_delay_24h"].evidence


def test_causes_of_other_kinds_are_told_apart(honest: Home) -> None:
    log, drawn = honest.log(), np.random.default_rng(1)
    served = {name: log[f"x_{name}"].to_pylist() for name in loop.feature_set.names}
    planted = {
        "origin_precip": [None if value == 0 else value for value in served["origin_precip"]],
        "tailnum_year": [None] * log.num_rows,
        "hour": [value + 1 for value in served["hour"]],
        "dest": [value.lower() for value in served["dest"]],
        "origin_temp": drawn.permutation(served["origin_temp"]).tolist(),
    }
    for name, values in planted.items():
        log = log.set_column(log.column_names.index(f"x_{name}"), f"x_{name}", pa.array(values))
    day = SkewCheck(loop.feature_set, honest.tables(), OWN).day(log, 0.1, upto=honest.sequence)
    assert wrong(day) == {
        "origin_precip": "missing_handling",
        "tailnum_year": "missing_handling",
        "hour": "different_statistics",
        "dest": "unexplained",
        "origin_temp": "unexplained",
    }
    assert "served missing where it is 0" in day.causes["origin_precip"].evidence
    assert "served missing where offline has a value" in day.causes["tailnum_year"].evidence
    assert "served is +1 at the median" in day.causes["hour"].evidence


def test_rows_of_other_definitions_and_of_facts_not_stored_yet_are_left_out_and_counted(honest: Home) -> None:
    log, check = honest.log(), SkewCheck(loop.feature_set, honest.tables(), OWN)
    marks = pa.array(["other", loop.feature_set.hash, "", None] * (log.num_rows // 4 + 1))[: log.num_rows]
    marked = log.set_column(log.column_names.index("definitions"), "definitions", marks)
    kept, left_out = check.choose(marked, 1.0, upto=honest.sequence)
    assert left_out == marks.to_pylist().count("other") == log.num_rows - kept.num_rows
    before_noon, later = check.choose(log, 1.0, upto=int(np.median(log["read_sequence"].to_numpy())))
    assert min(before_noon.num_rows, later) > log.num_rows / 3


def judged(home: Home) -> tuple[ServedComparison, Verdict]:
    """What the gate says of a candidate that is good in every other way."""
    tables = home.tables()
    sources = Sources(
        lambda table, version, columns: tables.read(table, version=version, columns=columns),
        {name: tables.version(name) for name in home.batches},
        home.sequence,
        ENDS,
    )
    seen = compare_served(loop.question, loop.feature_set, home.log(), sources)
    assert seen is not None
    good = Interval(0.2, 0.1, 0.3, 7, 5_000, 0.95), Interval(-0.02, -0.03, -0.01, 7, 5_000, 0.95)
    return seen, judge_gate(Evidence("v2", "v1", *good, seen), loop.gate)


def test_the_gate_passes_a_candidate_trained_on_what_is_served(honest: Home) -> None:
    seen, verdict = judged(honest)
    assert seen.rows == len(honest.records)
    assert {one.value for one in seen.distances} == {0.0}
    assert verdict.name == ACCEPT
    assert "features as served and as trained on are at most 0 <= 0.1 apart" in verdict.texts[-1]


def test_the_gate_stops_a_candidate_whose_features_are_not_those_served_and_names_them(halved: Home) -> None:
    seen, verdict = judged(halved)
    assert verdict.name == REJECT
    assert [reason.code for reason in verdict.reasons] == ["features_diverge"]
    assert "carrier_landed_24h (KS 0." in verdict.texts[0]
    assert "origin" not in verdict.texts[0]
    assert seen.distances[0].feature == "carrier_landed_24h"
