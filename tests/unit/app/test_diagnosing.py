"""A diagnosis from a real home: logged rows, labels, a model and days as measured; whatever is missing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from homeostat.adapters.delta.rows import facts_schema, log_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.diagnosis.diagnosing import Diagnoser, Judged, _alike, diagnosis, judged_at
from homeostat.app.home import Home
from homeostat.app.loops.known import remember_features
from homeostat.app.loops.loader import load_loop
from homeostat.app.prediction_log import sampled_rows
from homeostat.app.settings import Settings
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.loop import Loop
from homeostat.data.contracts import Value
from homeostat.data.profiles import ReferenceProfile
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.features.logged import Logged
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.history import Rows
from homeostat.monitoring.windows import day_name
from homeostat.registry.models import Kind
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.tasks import BINARY, Multiclass, Regression
from tests.harness.ageing import aged_home
from tests.harness.world import LOOP as AGED
from tests.unit.app.test_hidden_columns import PURCHASES, VISITS, loop_of
from tests.unit.app.test_kept_share import BEGINS
from tests.unit.serving.parts import model, save_version

DAY, DAYS, ROWS, CHANGE = duration("1d"), 24, 120, 14
LOOP: Loop = loop_of([VISITS["shop"]])
NOW = BEGINS + DAYS * DAY
INPUTS: tuple[tuple[str, Kind], ...] = (("shop", "text"),)


def _asked(drawn: np.random.Generator, row: int, missing: bool) -> PredictionRecord:
    at = BEGINS + row * DAY // ROWS
    shop = None if missing and row >= CHANGE * ROWS else str(drawn.choice(["north", "south"]))
    asked: dict[str, Value] = {"visit": f"v{row}", "at": at, "due": at, "buyer": "b", "born": 1980, "shop": "north"}
    return PredictionRecord(
        f"{row:08x}-0000-7000-8000-{row:012x}", "visits", f'["v{row}"]', at, at, 10, "v1", "champion", 1, 0.4,
        False, 90, False, {**asked, "note": ""}, [shop], LOOP.feature_set.hash, weight=1, one_in=1,
    )  # fmt: skip


def _home(folder: Path, *, rate: float = 0.4, missing: bool = False) -> tuple[Home, list[Day]]:
    """Days of logged rows with their labels, true four in ten times at first and ``rate`` from day 14 on."""
    drawn, home = np.random.default_rng(3), Home(folder)
    asked = [_asked(drawn, row, missing) for row in range(DAYS * ROWS)]
    truth = drawn.random(DAYS * ROWS) < np.where(np.arange(DAYS * ROWS) < CHANGE * ROWS, 0.4, rate)
    told = [
        {"visit": f"v{row}", "at": BEGINS, "buyer": "b", "shop": "north", "spent": 20.0 if one else 1.0}
        | {SEQUENCE: row, KNOWN_AT: BEGINS}
        for row, one in enumerate(truth)
    ]
    DeltaTables(home.log).append(
        "visits", log_of(Logged.of(LOOP.feature_set), list(enumerate(asked))), writer="test", upto=1
    )
    DeltaTables(home.tables).append(
        "purchases", pa.Table.from_pylist(told, schema=facts_schema(PURCHASES)), writer="test", upto=1
    )
    remember_features(home, {"visits": LOOP.feature_set})
    shops = np.array(["north", "south"] * 50, dtype=object)
    profile = ReferenceProfile.of(LOOP.feature_set.kinds, {"shop": shops}, np.full(100, 0.4))
    save_version(
        home.versions,
        "v1",
        model(-0.4, inputs=INPUTS),
        inputs=INPUTS,
        features=LOOP.feature_set,
        loop="visits",
        beside={"profile.json": canonical_json(profile.to_json())},
    )
    return home, [_day(number, truth[number * ROWS : (number + 1) * ROWS]) for number in range(DAYS)]


def _day(number: int, truth: np.ndarray) -> Day:
    start, name = BEGINS + number * DAY, day_name(BEGINS // DAY + number)
    inputs = Inputs(ROWS, {"v1": ROWS}, {}, 0, "v1", {}, {}, None, {}, {})
    sums = ScoreSums.of(truth, np.full(ROWS, 0.4))
    day = Day(name, start, start + DAY, start + DAY + duration("1h"), inputs)
    return day.with_outcomes(Outcomes(ROWS, 0, 0, sums, {}))


def test_a_sound_home_has_nothing_wrong_and_every_row_has_its_truth_and_score(tmp_path: Path) -> None:
    home, days = _home(tmp_path)
    diagnoser = Diagnoser.of(home, LOOP)
    found = diagnoser.diagnose(Judged("v1", None, NOW), days, ())
    assert found.cause == "nothing", found
    assert [step.answer for step in found.steps][:3] == ["no", "unknown", "no"]


def test_other_truth_for_the_same_inputs_is_a_changed_relationship(tmp_path: Path) -> None:
    home, days = _home(tmp_path, rate=0.9)
    found = Diagnoser.of(home, LOOP).diagnose(Judged("v1", None, NOW), days, ())
    assert (found.cause, found.intervention) == ("sudden_change", "retrain"), found
    assert day_name(BEGINS // DAY + CHANGE) in found.because


def test_values_that_stopped_coming_are_broken_data_though_days_kept_no_counts(tmp_path: Path) -> None:
    home, days = _home(tmp_path, missing=True)
    found = Diagnoser.of(home, LOOP).diagnose(Judged("v1", None, NOW), days, ())
    assert (found.cause, found.intervention) == ("broken_data", "fix_data"), found
    assert "shop has no value in 100 %" in found.because


def test_days_of_labels_that_are_alike_by_no_chance_are_broken_data_and_only_once_they_are_due(tmp_path: Path) -> None:
    home, days = _home(tmp_path)
    odd = [_day(number, np.ones(ROWS, dtype=np.bool_)) for number in range(DAYS - 4, DAYS)]
    found = Diagnoser.of(home, LOOP).diagnose(Judged("v1", None, NOW), [*days[:-4], *odd], ())
    assert (found.cause, found.intervention) == ("broken_data", "fix_data"), found
    assert f"which is no chance, on 3 of 9 days since {odd[0].day}" in found.because
    early = Diagnoser.of(home, LOOP).diagnose(Judged("v1", None, odd[1].end), [*days[:-4], *odd], ())
    assert early.cause != "broken_data", early


def test_labels_that_were_not_due_by_then_are_not_known(tmp_path: Path) -> None:
    home, days = _home(tmp_path, rate=0.9)
    early = Diagnoser.of(home, LOOP).diagnose(Judged("v1", None, BEGINS + CHANGE * DAY), days, ())
    assert early.cause == "nothing", early


def test_the_same_evidence_is_not_looked_at_twice(tmp_path: Path) -> None:
    home, days = _home(tmp_path)
    diagnoser = Diagnoser.of(home, LOOP)
    first = diagnoser.diagnose(Judged("v1", None, NOW), days, ())
    (home.versions / "visits" / "v1" / "profile.json").unlink()
    assert diagnoser.diagnose(Judged("v1", None, NOW), days, ()) is first


def test_what_fails_is_unknown_with_its_reason_and_never_an_error(tmp_path: Path) -> None:
    home, days = _home(tmp_path)
    (home.versions / "visits" / "v1" / "model.onnx").write_bytes(b"torn")
    found = Diagnoser.of(home, LOOP).diagnose(Judged("v1", None, NOW), days, ())
    assert found.cause == "unknown"
    assert "is not what was registered" in found.because


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with two versions and no prediction log."""
    return aged_home(tmp_path_factory.mktemp("aged"))


def test_the_version_judged_is_the_one_that_served_then(aged: Home) -> None:
    entries = Operations.open(aged).store.entries(AGED)
    first, promoted = entries[0].draft.at, entries[-1].draft.at
    assert judged_at(entries, first) is None
    assert judged_at(entries, promoted) == Judged("v1", None, promoted)
    assert judged_at(entries, promoted + 1) == Judged("v2", "v1", promoted + 1)


def test_a_person_asks_for_now_or_for_a_day_and_a_wrong_day_is_refused(aged: Home) -> None:
    operations, loop = Operations.open(aged), load_loop(Settings.load(aged.root).loop_file)
    now, then = diagnosis(operations, loop), diagnosis(operations, loop, "2024-02-15")
    assert (now["version"], then["version"]) == ("v2", "v1")
    assert (now["cause"], now["retrainings"]) == ("unknown", [])
    assert diagnosis(operations, loop, "2020-01-01")["version"] is None
    with pytest.raises(InvalidInput, match="is no date"):
        diagnosis(operations, loop, "yesterday")
    with pytest.raises(InvalidInput, match="2034-01-01 has not come"):
        diagnosis(operations, loop, "2034-01-01")


def test_of_large_days_stretches_are_read_and_as_many_rows_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, days = _home(tmp_path)
    reader = Diagnoser.of(home, LOOP).rows
    monkeypatch.setattr(sampled_rows, "_WHOLE", 100)
    monkeypatch.setattr(sampled_rows, "_LEAST_A_DAY", 20)
    monkeypatch.setattr(sampled_rows, "MOST_ROWS", 20 * DAYS)
    rows = reader.read("v1", days, NOW, np.random.default_rng(1))
    assert isinstance(rows, Rows)
    counts = np.unique(rows.days, return_counts=True)[1]
    assert (counts.size, int(counts.max())) == (DAYS, 20)
    assert counts.min() >= 15
    assert rows.labelled.days.size >= 15 * (DAYS - 1)


def test_labels_of_a_day_that_do_not_differ_are_named() -> None:
    classes = Multiclass(("bread", "cake"))
    chances = [[0.7, 0.3]] * 4
    assert _alike(classes.sums([1, 1, 1, 1], chances), classes) == "cake"
    assert _alike(classes.sums([1, 0, 1, 1], chances), classes) is None
    assert _alike(Regression().sums([20.0] * 4, [1.0] * 4), Regression()) == 20.0
    assert _alike(Regression().sums([20.0, 21.0], [1.0] * 2), Regression()) is None
    assert _alike(BINARY.sums([1, 1], [0.5, 0.5]), BINARY) is None
