"""What is served is compared with training on the very same questions, and on nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from homeostat.data.tables import SEQUENCE
from homeostat.features.offline import ASKED_AT
from homeostat.training.comparison import ServedComparison
from homeostat.training.served import compare_served
from homeostat.training.training_set import joined_features
from tests.unit.training import toy

TABLES = toy.history(days=6, per_day=60)
SOURCES = toy.sources(TABLES)
FEATURES = toy.loop.feature_set


def log_of(**columns: Any) -> pa.Table:
    """A log that serves exactly what training computes, but for ``columns``."""
    asked = TABLES["asked"]
    times = asked["at"].cast(pa.int64())
    found = joined_features(asked.append_column(ASKED_AT, times), FEATURES, SOURCES)
    stamps = asked["at"]
    question = {f"q_{name}": asked[name] for name in ("id", "shop", "size")}
    served = {f"x_{name}": pa.array(values, from_pandas=True) for name, values in found.items()}
    own = {"prediction_id": [f"p{n:04}" for n in range(len(times))], "served_at": stamps, "asked_at": stamps}
    return pa.table({**own, **question, **served, **columns})


def compared(log: pa.Table) -> ServedComparison:
    found = compare_served(toy.asked, FEATURES, log, SOURCES)
    assert found is not None
    return found


def test_serving_that_computes_as_training_does_is_0_apart_on_every_row() -> None:
    seen = compared(log_of())
    assert seen.rows == TABLES["asked"].num_rows
    assert {one.value for one in seen.distances} == {0.0}
    assert {one.feature: one.measure for one in seen.distances}["shop"] == "total_variation"


def test_a_season_that_changes_everything_is_no_distance() -> None:
    """Only the newest tenth was served, when sizes were far from those of the rest."""
    newest = log_of().slice(330)
    assert compared(newest).rows == 30
    assert {one.value for one in compared(newest).distances} == {0.0}


def test_a_shift_at_serving_is_measured_as_the_share_of_rows_moved() -> None:
    right = log_of()["x_shop_n_6h"].to_numpy()
    seen = compared(log_of(x_shop_n_6h=pa.array(np.where(np.arange(len(right)) % 2, right, right + 1_000))))
    assert seen.distances[0].feature == "shop_n_6h"
    assert seen.distances[0].value == pytest.approx(0.5)


def test_a_question_recorded_late_shows_what_training_saw_too_much_of() -> None:
    late = TABLES["asked"].set_column(
        TABLES["asked"].schema.get_field_index(SEQUENCE), SEQUENCE, pa.array([1 << 40] * TABLES["asked"].num_rows)
    )
    behind = {**TABLES, "asked": late}
    told = TABLES["done"]
    held = told.set_column(told.schema.get_field_index(SEQUENCE), SEQUENCE, pa.array([1 << 39] * told.num_rows))
    seen = compare_served(toy.asked, FEATURES, empty_windows(), toy.sources({**behind, "done": held}))
    assert seen is not None
    assert seen.distances[0].value > 0.5


def empty_windows() -> pa.Table:
    """Served while no outcome had been accepted yet."""
    rows = TABLES["asked"].num_rows
    return log_of(x_shop_n_6h=pa.array([0.0] * rows), x_shop_delay_6h=pa.nulls(rows, pa.float64()))


def test_rows_of_other_definitions_and_questions_never_recorded_are_left_out() -> None:
    rows = TABLES["asked"].num_rows
    marks = pa.array(["other"] * (rows - 50) + [FEATURES.hash] * 49 + [None])
    assert compared(log_of(definitions=marks)).rows == 50
    names = pa.array(["nobody"] * (rows - 40) + TABLES["asked"]["id"].to_pylist()[-40:])
    assert compared(log_of(q_id=names)).rows == 40


def test_of_several_answers_to_a_question_the_first_counts() -> None:
    log = log_of()
    again = log_of(x_shop_n_6h=pa.array([9_999.0] * log.num_rows), prediction_id=[f"q{n}" for n in range(log.num_rows)])
    assert {one.value for one in compared(pa.concat_tables([again, log])).distances} == {0.0}


def test_nothing_served_is_unknown_and_a_feature_never_served_is_said() -> None:
    assert compare_served(toy.asked, FEATURES, log_of().slice(0, 0), SOURCES) is None
    seen = compared(log_of().drop_columns(["x_shop_n_6h"]))
    assert seen.unseen == ("shop_n_6h",)
    assert "shop_n_6h" not in {one.feature for one in seen.distances}
