"""What control observes, trains on and looks back at where callers report later what they did, as known then."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.adapters.delta.rows import facts_schema
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.backtest.grid import Ask
from homeostat.app.backtest.history import read_history
from homeostat.app.backtest.shaping import read_shaping
from homeostat.app.prediction_log.reported import Reported, report_of
from homeostat.app.prediction_log.shaped import shaped_questions
from homeostat.control.backtest.matrix import PastDay
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.kernel.clock import duration
from homeostat.monitoring.windows import Window
from tests.unit.app import test_feedback_day as drawn
from tests.unit.app import test_kept_share as kept

BEGINS, ROWS = kept.BEGINS, kept.ROWS
DECISIONS = hs.Table("decisions", key="visit", event_time="at", contract={
    "visit": hs.text(), "at": hs.instant(), "blocked": hs.boolean(), "chance": hs.number(nullable=True)
})  # fmt: skip
BY_KEY = hs.Feedback(acts="blocked", chance="chance", reported=DECISIONS)
LOOP = dataclasses.replace(drawn.LOOP, feedback=BY_KEY)
Report = tuple[str, bool, float | None]
ASKED = pa.table({"visit": [f"v{row}" for row in range(ROWS)]})


def reports() -> list[Report]:
    """As the draws of `test_feedback_day`, had the application made them."""
    return [(f"v{row}", bool(one.acts), one.propensity) for row, one in enumerate(drawn.DRAWN)]


def report(home: Path, told: list[Report], first: int = 1_000, table: hs.Table = DECISIONS) -> None:
    """Keep reports, accepted in this order from a sequence on, each in the minute after it was asked."""
    key = table.keys[0]
    rows = [
        {key: name, "at": BEGINS + duration("1h"), "blocked": blocked, "chance": chance,
         SEQUENCE: first + place, KNOWN_AT: BEGINS + first * duration("1m")}
        for place, (name, blocked, chance) in enumerate(told)
    ]  # fmt: skip
    stored = pa.Table.from_pylist(rows, schema=facts_schema(table))
    DeltaTables(home / "tables").append(table.name, stored, writer="test", upto=first)


def to_be_reported(_row: int, one: PredictionRecord) -> PredictionRecord:
    return msgspec.structs.replace(one, acts=None, propensity=0.0)


def observed(home: Path, loop: Loop = LOOP) -> Day:
    return kept.observed(home, loop, 0, to_be_reported)


def test_reports_give_the_very_day_that_draws_of_the_log_give(tmp_path: Path) -> None:
    own = kept.observed(tmp_path / "own", drawn.LOOP, 0, drawn.mark)
    report(tmp_path / "told", reports())
    told = observed(tmp_path / "told")
    assert told.outcomes == own.outcomes
    assert (told.inputs.reported, own.inputs.reported) == (ROWS, None)
    assert "decisions" in told.inputs.age


def test_reports_may_name_the_prediction(tmp_path: Path) -> None:
    table = dataclasses.replace(DECISIONS, name="by_id", key="prediction_id", contract={
        "prediction_id": hs.text(), **{name: DECISIONS.contract[name] for name in ("at", "blocked", "chance")}
    })  # fmt: skip
    loop = dataclasses.replace(LOOP, feedback=hs.Feedback(acts="blocked", chance="chance", reported=table))
    names = [kept.record(0, row, loop).prediction_id for row in range(ROWS)]
    told = [(name, *one[1:]) for name, one in zip(names, reports(), strict=True)]
    report(tmp_path / "a", told, table=table)
    report(tmp_path / "b", reports())
    assert observed(tmp_path / "a", loop).outcomes == observed(tmp_path / "b").outcomes


def test_a_day_is_unknown_where_the_loop_does_not_declare_its_reports_any_more(tmp_path: Path) -> None:
    report(tmp_path, reports())
    outcomes = observed(tmp_path, drawn.LOOP).outcomes
    assert outcomes is not None
    assert outcomes.feedback is not None
    assert outcomes.feedback.unknown == "too_few_reported"
    assert outcomes.live.rows == 0


def test_what_is_odd_about_reports_is_counted_and_the_day_goes_on(tmp_path: Path) -> None:
    told = reports()
    acted = [place for place, one in enumerate(told) if one[1]]
    told[acted[0]] = (told[acted[0]][0], True, 1.0)
    told[acted[1]] = (told[acted[1]][0], True, None)
    report(tmp_path, told[:-10])
    report(
        tmp_path, [*told[:3], ("never-asked", True, 0.5), ("never-asked", False, 0.5), ("nor-this", True, 0.5)], 5_000
    )
    report(tmp_path, told[-10:], 2_000_000)
    day = observed(tmp_path)
    assert day.outcomes is not None
    found = day.outcomes.feedback
    assert found is not None
    assert found.untold == {"unreported": 10, "no_chance": 1, "acted_on_all_the_same": 1}
    assert (found.corrected, found.strangers) == (3, 2)
    assert found.unknown is None
    assert day.inputs.reported == ROWS - 12


def test_of_one_prediction_it_is_told_what_was_reported(tmp_path: Path) -> None:
    report(tmp_path, [("v0", True, 0.5), ("v1", False, 0.5), ("v2", False, 0.0)])
    tables = DeltaTables(tmp_path / "tables")

    def told(row: int, loop: Loop = LOOP) -> dict[str, Any]:
        record = msgspec.structs.asdict(to_be_reported(row, kept.record(0, row, loop)))
        return report_of(tables, loop, record, record["question"])

    where = {"reported_in": "decisions", "wrong_with_report": None}
    assert told(0) == {"acts": True, "explored": False, "propensity": 0.5, **where}
    assert told(1) == {"acts": False, "explored": True, "propensity": 0.5, **where}
    nothing = {"acts": None, "explored": None, "propensity": None, "reported_in": "decisions"}
    assert told(2) == {**nothing, "wrong_with_report": "left_alone_without_a_chance"}
    assert told(3) == {**nothing, "wrong_with_report": "unreported"}
    assert told(0, drawn.LOOP) == {}


def test_before_the_first_report_everything_is_unknown(tmp_path: Path) -> None:
    day = observed(tmp_path)
    assert day.outcomes is not None
    assert day.outcomes.feedback is not None
    assert day.outcomes.feedback.unknown == "too_few_reported"
    assert day.outcomes.feedback.untold == {"unreported": ROWS}
    assert (day.outcomes.live.rows, day.outcomes.labelled, day.outcomes.unlabelled) == (0, 0, 0)
    assert day.inputs.reported == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first hundred are reported twice: first all as blocked, and later as they were."""
    folder = tmp_path_factory.mktemp("home")
    report(folder, [(name, True, 0.5) for name, _, _ in reports()[:100]])
    report(folder, reports(), 5_000)
    observed(folder)
    kept.observed(folder / "own", drawn.LOOP, 0, drawn.mark)
    return folder


def test_training_reads_reports_at_the_pinned_version_and_sequence(home: Path) -> None:
    tables, log = DeltaTables(home / "tables"), DeltaTables(home / "log")
    early = tables.version("decisions") - 1

    def times(reported: Reported, loop: Loop = LOOP) -> list[int]:
        found = shaped_questions(log, loop, reported, as_of=BEGINS + duration("2d"))
        assert found is not None
        return found.stands_for(ASKED).tolist()

    newest = times(Reported(tables))
    of_draws = shaped_questions(DeltaTables(home / "own" / "log"), drawn.LOOP, Reported(tables))
    assert of_draws is not None
    assert newest == of_draws.stands_for(ASKED).tolist()
    assert times(Reported(tables, versions={"decisions": early})) == [0] * ROWS
    assert times(Reported(tables, sequence=4_999)) == [0] * ROWS
    assert times(Reported(tables, known_by=BEGINS + 4_999 * duration("1m"))) == [0] * ROWS
    found = shaped_questions(log, LOOP, Reported(tables, versions={}), as_of=BEGINS + duration("2d"))
    assert found is not None
    assert (found.untold, found.due, found.acted) == (ROWS, ROWS, 0)
    waiting = shaped_questions(log, LOOP, Reported(tables, versions={}), as_of=BEGINS)
    assert waiting is not None
    assert waiting.due < ROWS
    assert waiting.untold == waiting.due


def test_a_back_test_knows_of_reports_what_was_known_then(home: Path) -> None:
    shuffled = ASKED.take(pa.array(np.random.default_rng(1).permutation(ROWS)))
    tables, log = DeltaTables(home / "tables"), DeltaTables(home / "log")
    shaping: Any = read_shaping(LOOP, shuffled, tables, log)
    for sequence in (999, 4_999, 5_100, 10**6):
        found = shaped_questions(log, LOOP, Reported(tables, sequence=sequence))
        assert found is not None
        assert shaping.at(slice(0, ROWS), sequence).tolist() == found.stands_for(shuffled).tolist()
        assert shaping.at(slice(40, 90), sequence).tolist() == found.stands_for(shuffled.slice(40, 50)).tolist()
    other = read_shaping(drawn.LOOP, shuffled, tables, DeltaTables(home / "own" / "log"))
    assert other.at(slice(0, ROWS), -1).tolist() == shaping.at(slice(0, ROWS), 10**6).tolist()


def test_a_version_of_a_back_test_is_trained_and_judged_on_reports_known_then(home: Path) -> None:
    tables = DeltaTables(home / "tables")
    asked = [{**kept.record(0, row, LOOP).question, SEQUENCE: row, KNOWN_AT: BEGINS} for row in range(ROWS)]
    visits = pa.Table.from_pylist(asked, schema=facts_schema(LOOP.question))
    tables.append("visits", visits, writer="test", upto=1)
    history = read_history(LOOP, home / "tables", home / "log", BEGINS + duration("2d"))
    each = history.shaping.at(slice(0, ROWS), 10**6)
    end = BEGINS + duration("1d")
    for sequence, rows in ((4_999, 0), (10**6, int((each > 0).sum()))):
        places, taken, (first, labelled) = history.training(Ask(1, end * 2, None, end, sequence))
        assert (places.size, first, labelled) == (rows, 0, rows)
        assert taken.weight.sum() == each.sum() * (rows > 0)
        day = history.of_day(PastDay(Window(BEGINS, end, "2024-01-01"), end * 2), sequence)
        assert np.count_nonzero(~np.isnan(day.truth)) == rows
        assert day.each.sum() == taken.weight.sum()
    some = 5_000 + ROWS * 9 // 10
    assert history.training(Ask(1, end * 2, None, end, some))[0].size
    day = history.of_day(PastDay(Window(BEGINS, end, "2024-01-01"), end * 2), some)
    assert np.isnan(day.truth).all(), "of a tenth nobody has reported anything"


def test_answers_whose_reports_nobody_reads_any_more_are_not_taken_for_rows_on_which_nobody_acted(home: Path) -> None:
    tables, log = DeltaTables(home / "tables"), DeltaTables(home / "log")
    found = shaped_questions(log, drawn.LOOP, Reported(tables), as_of=BEGINS + duration("2d"))
    assert found is not None
    assert found.stands_for(ASKED).tolist() == [0] * ROWS
    assert (found.untold, found.due) == (ROWS, ROWS)
