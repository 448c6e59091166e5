"""What the observer counts of a day for estimates before labels, and of rows whose label never came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.app.control.estimated import absent_rows, scores_of
from homeostat.data.profiles import PREDICTION, ReferenceProfile
from homeostat.monitoring.absent import SCORES, by_score
from homeostat.monitoring.signals import Unknown
from homeostat.stats.figures.class_figures import class_counts
from homeostat.stats.figures.sums import SCORE_BINS, score_counts
from homeostat.stats.tasks import Multiclass, Regression
from tests.unit.app import test_kept_share as kept


def _log(scores: list[float | None], **columns: object) -> pa.Table:
    ids = [f"00000000-0000-7000-8000-{row:012x}" for row in range(len(scores))]
    return pa.table({"prediction_id": ids, "probability": pa.array(scores, pa.float64()), **columns})


def test_a_day_of_a_real_log_has_its_scores_counted_and_says_why_it_has_no_estimate(tmp_path: Path) -> None:
    day = kept.observed(tmp_path, replace(kept.TENTH, log=hs.Log()), 0)
    made = day.inputs.estimated
    assert made is not None
    assert made.scores == score_counts(kept.SCORES)
    assert made.figures["roc_auc"].value == Unknown("too_few_matured_days")
    assert made.threshold == kept.TENTH.threshold
    assert day.outcomes is not None
    assert dict(day.outcomes.absent) == {}


def test_where_a_share_is_logged_scores_are_counted_as_served(tmp_path: Path) -> None:
    days = [kept.observed(tmp_path / str(seed), kept.TENTH, seed) for seed in range(12)]
    kept.close([sum(day.inputs.estimated.scores) for day in days if day.inputs.estimated], kept.ROWS)


@pytest.mark.parametrize("odd", [None, float("nan"), float("inf"), -0.5, 1.5])
def test_scores_that_are_none_are_counted_apart(odd: float | None) -> None:
    made = scores_of(_log([0.1, odd, 0.9]))
    assert (sum(made.scores), made.unreadable) == (2, 1)


def test_of_several_classes_chances_are_counted_by_class_and_of_numbers_nothing() -> None:
    told = [[0.7, 0.3], [0.2, 0.8], None, [0.5, 0.4], [0.5, None], [1.0]]
    log = pa.table({"prediction_id": [str(row) for row in range(6)], "probabilities": told})
    made = scores_of(log, Multiclass(("a", "b")))
    assert made is not None
    assert (made.counted, made.unreadable, made.classes) == (2, 4, 2)
    assert made.scores == tuple(class_counts(told[:2]).ravel().tolist())
    assert scores_of(log, Regression()) is None
    none = scores_of(log.slice(0, 0), Multiclass(("a", "b")))
    assert none is not None
    assert none.counted == 0


def test_a_day_without_traffic_has_no_scores() -> None:
    made = scores_of(_log([]))
    assert (made.scores, made.unreadable) == ((0,) * SCORE_BINS, 0)


def test_rows_without_a_label_are_counted_over_the_bins_of_the_reference() -> None:
    reference = ReferenceProfile.of({"x": "number"}, {"x": np.arange(100.0)}, np.linspace(0, 1, 100), bins=2)
    rows = _log([0.1, 0.9, None], x_x=pa.array([10.0, 90.0, None]))
    found = absent_rows(rows, reference, {"x": "number"})
    assert (found["x"].counts, found["x"].missing) == ((1, 1), 1)
    assert (found[SCORES].counts, found[SCORES].missing) == (by_score(score_counts([0.1, 0.9])), 1)
    assert set(absent_rows(rows, None, {})) == {SCORES}
    assert absent_rows(rows.slice(0, 0), reference, {"x": "number"}) == {}


def test_rows_without_a_label_are_counted_by_what_was_answered_whatever_that_is() -> None:
    x, ids = {"x": np.arange(100.0)}, [str(row) for row in range(3)]
    of_numbers = ReferenceProfile.of({"x": "number"}, x, np.linspace(0, 10, 100), bins=2)
    numbers = pa.table({"prediction_id": ids, "prediction": [1.0, 2.0, 9.0], "x_x": [1.0, 2.0, 3.0]})
    found = absent_rows(numbers, of_numbers, {"x": "number"}, Regression())
    assert (found[PREDICTION].counts, set(found)) == ((2, 1), {PREDICTION, "x"})
    task = Multiclass(("a", "b"))
    of_classes = ReferenceProfile.of({"x": "number"}, x, np.array(["a", "b"] * 50, dtype=object), bins=2)
    told = {"probabilities": [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], "prediction": ["a", "a", "b"]}
    found = absent_rows(
        pa.table({"prediction_id": ids, **told, "x_x": [1.0, 2.0, 3.0]}), of_classes, {"x": "number"}, task
    )
    assert sorted(found[PREDICTION].counts) == [0, 1, 2]
    assert absent_rows(numbers, None, {}, Regression()) == {}
