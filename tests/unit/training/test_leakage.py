"""What became known after a question was asked never reaches its training row, however it is planted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from homeostat.adapters.duckdb.offline import DuckDbEngine
from homeostat.data.tables import SEQUENCE
from homeostat.features.columns import integers
from homeostat.features.offline import ASKED_AT, InMemoryEngine, point_in_time
from homeostat.training.training_set import LabelledRows, Sources, labelled_rows
from tests.unit.training.toy import HOUR, asked, done, facts, history, loop, sources

HONEST = history(days=6, per_day=40)


def planted() -> dict[str, pa.Table]:
    """The honest tables, then corrections and late facts that tell every label, with earlier event times.

    For every question a fact of its shop, an hour before it was asked, holds its outcome; and every outcome is
    corrected to have happened before the question. All are accepted after everything else.
    """
    questions, outcomes = HONEST["asked"].to_pylist(), HONEST["done"].to_pylist()
    told = {row["id"]: row["delay"] for row in outcomes}
    at = {row["id"]: int(time) for row, time in zip(questions, _micros(HONEST["asked"]), strict=True)}
    later = int(max(_last(HONEST["asked"]), _last(HONEST["done"]))) + 1
    late = [
        {"id": f"late-{row['id']}", "at": at[row["id"]] - HOUR, "shop": row["shop"], "delay": told[row["id"]] * 1e3}
        for row in questions
    ]
    corrected = [{**row, "at": at[row["id"]] - 1} for row in outcomes]
    rows = [{**row, SEQUENCE: later + place} for place, row in enumerate([*late, *corrected])]
    return {"asked": HONEST["asked"], "done": pa.concat_tables([HONEST["done"], facts(done, rows)])}


def _micros(table: pa.Table) -> np.ndarray:
    return integers(table["at"], "at")


def _last(table: pa.Table) -> int:
    return int(integers(table[SEQUENCE], SEQUENCE).max())


def rows_of(found: Sources) -> LabelledRows:
    return labelled_rows(loop.question, loop.feature_set, loop.label, found)


@pytest.mark.parametrize("engine", ["in memory", "out of core"])
def test_late_facts_and_corrections_change_no_training_row(engine, tmp_path):
    using = InMemoryEngine() if engine == "in memory" else DuckDbEngine(tmp_path, memory=200_000)
    honest, found = rows_of(sources(HONEST)), rows_of(dataclasses.replace(sources(planted()), engine=using))
    assert found.asked_at.tolist() == honest.asked_at.tolist()
    for name, values in honest.columns.items():
        np.testing.assert_array_equal(found.columns[name], values, err_msg=name)


def test_a_join_by_event_time_alone_would_have_told_the_labels():
    """The plant is real: without the bitemporal rule the features of nearly every row are others."""
    question = HONEST["asked"].append_column(ASKED_AT, pa.array(_micros(HONEST["asked"])))
    blind = pa.array(np.full(len(question), 1 << 60))
    question = question.set_column(question.column_names.index(SEQUENCE), SEQUENCE, blind)
    leaking = point_in_time(loop.feature_set, question, planted())["shop_delay_6h"]
    honest = point_in_time(loop.feature_set, question, HONEST)["shop_delay_6h"]
    has_shop = np.array([shop is not None for shop in HONEST["asked"]["shop"].to_pylist()])
    assert (np.abs(leaking - honest)[has_shop] > 100).mean() > 0.9


def test_a_question_that_is_corrected_later_keeps_what_was_known_when_it_was_first_asked():
    question = {"id": "q", "at": 9 * HOUR, "due": 10 * HOUR, "shop": "a", "size": 1.0, SEQUENCE: 2}
    corrected = {**question, "size": 2.0, SEQUENCE: 9}
    outcomes = [
        {"id": "p", "at": 8 * HOUR, "shop": "a", "delay": 3.0, SEQUENCE: 1},
        {"id": "late", "at": 8 * HOUR, "shop": "a", "delay": 99.0, SEQUENCE: 5},
        {"id": "q", "at": 11 * HOUR, "shop": "a", "delay": 20.0, SEQUENCE: 6},
    ]
    found = rows_of(sources({"asked": facts(asked, [question, corrected]), "done": facts(done, outcomes)}))
    assert (found.columns["size"].tolist(), found.columns["shop_delay_6h"].tolist()) == ([1.0], [3.0])
