"""Training leaves out rows whose label a prediction has shaped, weights those left alone, and writes down both."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.app.training.candidate import make_candidate
from homeostat.control.loop import Loop
from homeostat.kernel.errors import Refused
from homeostat.registry.models import Version
from homeostat.training.jobs import JobFolder, TrainingJob, TrainingResult
from homeostat.training.rowhash import digest_rows
from homeostat.training.shaped import ShapedQuestions
from homeostat.training.training_set import Sources, labelled_rows
from tests.unit.training import toy
from tests.unit.training.test_candidate import JOB, SOURCES, TABLES
from tests.unit.training.toy import DAY

ASKED = TABLES["asked"]
ACTED = ASKED.filter(pa.compute.greater(ASKED["size"], 1.0))["id"].to_pylist()
EXPLORED = set(ACTED[::4])
FEEDBACK = hs.Feedback(acts="probability >= 0.8", explore=0.25)


def log(*answers: tuple[str, bool, bool, float]) -> pa.Table:
    ids, acts, explored, propensity = zip(*answers, strict=True)
    return pa.table({"q_id": ids, "acts": acts, "explored": explored, "propensity": propensity})


SHAPED = ShapedQuestions.of(log(*((one, one not in EXPLORED, one in EXPLORED, 0.25) for one in ACTED)), toy.asked)


def train(rows: Any, config: Mapping[str, Any]) -> Any:
    """As a user would write it."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    weight = None if config.get("ignores") else rows.weight
    model = make_pipeline(SimpleImputer(), LogisticRegression())
    numbers = ["size"]
    assert set(numbers) <= set(rows.features.columns)
    return model.fit(rows.features, rows.label, logisticregression__sample_weight=weight)


def loop_with(feedback: hs.Feedback | None, **config: Any) -> Loop:
    features = [toy.asked["size"], hs.Window(toy.done, by="shop", over=["6h"], values={"n": hs.count()})]
    return dataclasses.replace(toy.make_loop(train, **config), features=features, feedback=feedback)


def make(
    folder: Path,
    loop: Loop,
    shaped: ShapedQuestions | None = SHAPED,
    job: TrainingJob = JOB,
    sources: Sources = SOURCES,
) -> TrainingResult:
    folder.mkdir(exist_ok=True)
    job = dataclasses.replace(job, log_version=7)
    said: list[str] = []
    return make_candidate(job, loop, JobFolder(folder), read=sources.read, say=said.append, shaped=lambda: shaped)


def test_a_question_that_was_acted_on_by_any_answer_is_out_and_one_nobody_asked_about_stands_for_itself() -> None:
    shaped = ShapedQuestions.of(
        log(("a", True, False, 0.1), ("b", False, True, 0.1), ("b", True, False, 0.1), ("c", False, True, 0.02)),
        toy.asked,
    )
    assert shaped.stands_for(pa.table({"id": ["c", "b", "a", "new"]})).tolist() == [50, 0, 0, 1]


def test_a_key_of_several_columns_is_one_key() -> None:
    table = hs.Table("t", key=("a", "b"), event_time="at", contract={
        "a": hs.text(), "b": hs.integer(), "at": hs.instant()
    })  # fmt: skip
    told = pa.table({"q_a": ["x", "x"], "q_b": [1, 2], "acts": [True, False], "explored": [False, True],
                     "propensity": [0.5, 0.5]})  # fmt: skip
    asked = pa.table({"b": [2, 1, 3], "a": ["x", "x", "x"]})
    assert ShapedQuestions.of(told, table).stands_for(asked).tolist() == [2, 0, 1]


def test_training_rows_leave_out_what_was_acted_on_and_weigh_what_was_left_alone() -> None:
    plain = labelled_rows(toy.asked, toy.loop.feature_set, toy.loop.label, SOURCES)
    sources = dataclasses.replace(SOURCES, shaped=SHAPED)
    rows = labelled_rows(toy.asked, toy.loop.feature_set, toy.loop.label, sources)
    assert rows.label.size == plain.label.size - len(ACTED) + len(EXPLORED)
    assert sorted(set(rows.stands_for.tolist())) == [1, 4]
    weight = rows.rows(toy.loop.feature_set).weight
    assert weight.sum() == plain.label.size - len(ACTED) + 4 * len(EXPLORED)
    drawn = rows.drawn()
    assert drawn.label.size == weight.sum()
    assert set(drawn.stands_for.tolist()) == {1}
    mean = float(np.average(rows.columns["size"][~np.isnan(rows.columns["size"])],
                            weights=rows.stands_for[~np.isnan(rows.columns["size"])]))  # fmt: skip
    assert np.nanmean(drawn.columns["size"]) == pytest.approx(mean)


def test_a_version_tells_how_its_rows_were_taken(tmp_path: Path) -> None:
    result = make(tmp_path / "v", loop_with(FEEDBACK))
    pin = result.version.pin
    assert pin.feedback is not None
    assert (pin.feedback.log_version, pin.feedback.acts, pin.feedback.one_in) == (7, FEEDBACK.acts, 4)
    assert pin.feedback.weight == pin.rows + 3 * pin.feedback.explored
    assert Version.from_json(result.version.to_json()) == result.version
    later = labelled_rows(
        toy.asked, loop_with(FEEDBACK).feature_set, toy.loop.label, dataclasses.replace(SOURCES, shaped=SHAPED)
    ).asked(9 * DAY)
    assert result.evaluation.rows == later.stands_for.sum()


def test_the_hash_of_the_rows_stands_on_what_they_stand_for() -> None:
    sources = dataclasses.replace(SOURCES, shaped=SHAPED)
    rows = labelled_rows(toy.asked, toy.loop.feature_set, toy.loop.label, sources).rows(toy.loop.feature_set)
    assert rows.stands_for is not None
    other = dataclasses.replace(rows, stands_for=np.where(rows.stands_for > 1, 5, 1))
    hashes = {digest_rows(one).hash for one in (rows, other, rows.unweighted())}
    assert len(hashes) == 3
    ones = dataclasses.replace(rows, stands_for=np.ones_like(rows.stands_for))
    assert digest_rows(ones) == digest_rows(rows.unweighted())


def test_a_pin_without_feedback_says_nothing_of_it(tmp_path: Path) -> None:
    result = make(tmp_path / "v", loop_with(None), None)
    told: Any = result.version.to_json()["pin"]
    assert "feedback" not in told
    assert Version.from_json(result.version.to_json()) == result.version


def test_a_training_function_that_ignores_the_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"ignores rows\.weight"):
        make(tmp_path / "v", loop_with(FEEDBACK, ignores=True))


def test_unless_it_is_declared_to_count_rows_as_one(tmp_path: Path) -> None:
    unweighted = dataclasses.replace(FEEDBACK, weighted=False)
    pin = make(tmp_path / "v", loop_with(unweighted, ignores=True)).version.pin
    assert pin.feedback is not None
    assert not pin.feedback.weighted


def test_what_nobody_was_left_alone_of_cannot_be_trained_on(tmp_path: Path) -> None:
    shaped = ShapedQuestions.of(log(*((one, True, False, 0.0) for one in ACTED)), toy.asked)
    with pytest.raises(Refused, match="nothing was left alone"):
        make(tmp_path / "v", loop_with(hs.Feedback(acts="probability >= 0.8")), shaped)


DECISIONS = hs.Table("decisions", "id", "at", {"id": hs.text(), "at": hs.instant(), "blocked": hs.boolean()})
REPORTED = hs.Feedback(acts="blocked", reported=DECISIONS)


def test_a_version_says_which_reports_its_rows_stand_on_and_how_many_were_missing(tmp_path: Path) -> None:
    from homeostat.adapters.delta.rows import facts_schema

    tables = {**TABLES, "decisions": facts_schema(DECISIONS).empty_table()}
    job = dataclasses.replace(JOB, table_versions={**JOB.table_versions, "decisions": 4})
    shaped = dataclasses.replace(SHAPED, untold=3, due=len(ACTED))
    result = make(tmp_path / "v", loop_with(REPORTED), shaped, job, toy.sources(tables))
    pin = result.version.pin
    assert pin.table_versions["decisions"] == 4
    assert pin.feedback is not None
    assert (pin.feedback.reported, pin.feedback.unreported, pin.feedback.acts) == ("decisions", 3, "blocked")
    assert Version.from_json(result.version.to_json()) == result.version
    warned = [text for step in result.steps for text in step.warnings]
    assert any(f"of 3 of {len(ACTED)} answers callers have not reported" in text for text in warned)


def test_before_anybody_could_report_a_version_needs_no_reports(tmp_path: Path) -> None:
    pin = make(tmp_path / "v", loop_with(REPORTED), None).version.pin
    assert "decisions" not in pin.table_versions
    assert pin.feedback is not None
    assert (pin.feedback.reported, pin.feedback.unreported) == ("decisions", 0)


def test_what_nobody_reported_cannot_be_trained_on(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Nobody has reported what callers of 'toy' did with any of 9 answers"):
        make(tmp_path / "v", loop_with(REPORTED), dataclasses.replace(SHAPED, untold=9, due=9))
