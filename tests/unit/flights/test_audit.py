"""Leaks that joins cannot see are found among real flights, and honest features are left in peace."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import homeostat as hs
from examples.flights.loop import arrivals, loop, planes, weather
from examples.flights.source import Flights
from homeostat.app.features.audit import audit_features
from homeostat.app.reports.monthly import silent
from homeostat.control.loop import Loop
from homeostat.training.audit import AuditLimits
from tests.unit.flights.recorded import Frames, frames, sources, tables, with_column, with_features

DAYS = 24
HOUR = pl.duration(hours=1)


@pytest.fixture
def recorded(flights: Flights) -> Frames:
    return frames(flights, DAYS)


def audited(made: Loop, found: Frames, *imported: str) -> dict[str, Any]:
    told = audit_features(made, sources(tables(found, imported), DAYS), AuditLimits(), silent)
    return {one["feature"]: one for one in told["features"]}


def warned(told: dict[str, Any]) -> dict[str, str]:
    """Suspicious features with all that is said of them."""
    return {name: " / ".join(one["reasons"]) for name, one in told.items() if one["verdict"] == "SUSPICIOUS"}


def test_the_honest_features_of_flights_raise_no_warning(recorded: Frames) -> None:
    told = audited(loop, recorded)
    assert warned(told) == {}
    assert {one["verdict"] for one in told.values()} == {"CLEAR"}
    assert len(told) == 31


def test_they_raise_none_either_when_each_table_was_imported_as_a_whole(recorded: Frames) -> None:
    assert warned(audited(loop, recorded, "planes", "arrivals")) == {}


def test_copies_of_the_label_are_found(recorded: Frames) -> None:
    question = with_column(with_column(loop.question, "minutes_late"), "is_late")
    delay = recorded["arrivals"].select("flight_id", minutes_late="arr_delay", is_late=(pl.col("arr_delay") > 15) * 1.0)
    recorded["departures"] = recorded["departures"].join(delay, on="flight_id", how="left")
    found = warned(audited(with_features(question["minutes_late", "is_late"], question=question), recorded))
    assert "agrees with the label's own arr_delay in 100.0% of the rows > 95%" in found["minutes_late"]
    assert "agrees with the label's own truth in 100.0%" in found["is_late"]
    assert "univariate AUC 0.9998 (at least 0.9997) > 0.9" in found["minutes_late"]


def test_labels_whose_producer_states_them_before_the_question_are_found(recorded: Frames) -> None:
    early = pl.col("arrived_at") - 8 * HOUR
    recorded["arrivals"] = recorded["arrivals"].with_columns(arrived_at=early)
    found = warned(
        audited(with_features(hs.Latest(arrivals, by="tailnum", columns=["arr_delay"])), recorded, "arrivals")
    )
    assert "the row's own label is already visible to the join" in found["tailnum_arr_delay"]


GATES = hs.Table(
    "gates",
    key="flight_id",
    event_time="opened_at",
    contract={"flight_id": hs.text(), "opened_at": hs.instant(), "dest": hs.text(), "wait": hs.number()},
)


def gates(recorded: Frames, early: pl.Expr) -> pl.DataFrame:
    """Another table that knows of delays; ``early`` is what its producer states as its event time."""
    return recorded["arrivals"].select(
        "known", "flight_id", "dest", opened_at=early, wait=pl.col("arr_delay") + pl.col("arr_delay").shuffle(7) / 3
    )


def test_a_table_whose_producer_states_its_times_too_early_is_found_by_what_it_foretells(recorded: Frames) -> None:
    told = gates(recorded, pl.col("arrived_at") - 7 * HOUR)
    recorded["gates"] = told.with_columns(known=pl.col("opened_at").dt.epoch("us")).sort("known")
    crowd = hs.Window(GATES, by="dest", over=["3h"], values={"wait": hs.mean("wait")})
    own = hs.Latest(GATES, by="flight_id", columns=["wait"])
    found = warned(audited(with_features(crowd, own), recorded, "gates"))
    assert "univariate" not in found["dest_wait_3h"]
    assert "when the join is shifted back by the label's delay" in found["dest_wait_3h"]
    assert "> 0.9" in found["flight_id_wait"]


def test_facts_known_only_after_the_question_are_found_by_their_known_time(recorded: Frames) -> None:
    slow = pl.col("known") + 6 * 3_600_000_000
    recorded["weather"] = recorded["weather"].with_columns(known=slow)
    sky = hs.Latest(weather, by="origin", max_age="3h", columns=["visib"])
    told = audited(with_features(sky), recorded, "weather")
    assert "stands on facts known only after the question" in warned(told)["origin_visib"]
    assert told["hour"]["late"] is None
    assert warned(audited(with_features(sky), recorded)) == {}


@pytest.mark.parametrize("smoothed", [0, 5])
def test_a_column_that_was_averaged_from_the_labels_is_found(recorded: Frames, smoothed: int) -> None:
    """How late each plane was in the very weeks that are learnt from: its AUC alone is believable."""
    late = (pl.col("arr_delay") > 15).cast(pl.Float64)
    rate = (late.sum() + smoothed * 0.25) / (pl.len() + smoothed)
    register = with_column(planes, "late_rate")
    recorded["planes"] = recorded["planes"].join(
        recorded["arrivals"].group_by("tailnum").agg(late_rate=rate), on="tailnum", how="left"
    )
    told = audited(with_features(hs.Latest(register, by="tailnum", columns=["late_rate", "year"])), recorded)
    assert told["tailnum_late_rate"]["auc"]["value"] < 0.9
    assert "per tailnum it knows at least" in warned(told)["tailnum_late_rate"]
    assert "tailnum_year" not in warned(told)


def test_a_rate_of_other_rows_is_honest(recorded: Frames) -> None:
    """The same column made of every second day's labels, audited on the days between."""
    odd = pl.col("arrived_at").dt.ordinal_day() % 2 == 1
    register = with_column(planes, "late_rate")
    rate = (pl.col("arr_delay") > 15).mean().cast(pl.Float64)
    rates = recorded["arrivals"].filter(odd).group_by("tailnum").agg(late_rate=rate)
    recorded["planes"] = recorded["planes"].join(rates, on="tailnum", how="left")
    kept = pl.col("asked_at").dt.ordinal_day() % 4 == 0
    recorded["departures"] = recorded["departures"].filter(kept)
    made = with_features(hs.Latest(register, by="tailnum", columns=["late_rate"]))
    assert warned(audited(made, recorded)) == {}
