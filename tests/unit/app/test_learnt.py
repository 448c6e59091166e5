"""What errors go with is learnt of days before, asked of a day's log, kept with the day, and makes figures robust."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from homeostat.app.control.learnt import Foretells, foretells
from homeostat.app.control.used import Used
from homeostat.control.days import Day, read_day
from homeostat.control.performance.feedback import feedback_of
from homeostat.data.feedback import Feedback
from homeostat.kernel.errors import NotFound
from homeostat.monitoring.labels import LABELLED, SHAPED, JoinedLabels
from homeostat.stats.tasks import Regression
from tests.unit.app.test_foretold import ROWS, Kept, days_of

if TYPE_CHECKING:
    from homeostat.app.prediction_log.sampled_rows import SampledRows

DECLARED, TASK = Feedback(acts="prediction > 2", explore="20%"), Regression()


@pytest.fixture(scope="module")
def days() -> list[Day]:
    return days_of(TASK)


def asked(place: int) -> tuple[pa.Table, np.ndarray]:
    """A day's log, of which what is predicted above 2 is acted on but for one in five; and what is true of each row."""
    seen = Kept(TASK).day(place)
    region, alone = seen.scores > 2.0, np.random.default_rng(place).random(ROWS) < 0.2
    log = pa.table({
        "prediction_id": [f"{place}-{row}" for row in range(ROWS)], "prediction": seen.scores,
        "x_x": seen.columns["x"], "x_shop": pa.array(seen.columns["shop"].tolist(), pa.string()),
        "acts": region & ~alone, "explored": region & alone, "propensity": np.where(region, 0.2, 1.0),
    })  # fmt: skip
    return log, seen.truth


def learnt(days: list[Day], place: int) -> Foretells | None:
    kinds: Any = {"x": "number", "shop": "text"}
    return foretells(cast("SampledRows", Kept(TASK)), TASK, "v1", kinds, days[place], days[:place])


def test_errors_of_rows_with_and_without_labels_are_foretold_from_their_inputs(days: list[Day]) -> None:
    found = learnt(days, 20)
    assert found is not None
    log, truth = asked(20)
    told, right = found(log, np.ones(ROWS, dtype=np.int64)), TASK.sums(truth, log["prediction"].to_numpy())
    for name in ("rmse", "mae"):
        assert told.figure(name) == pytest.approx(right.figure(name), rel=0.2)
    new = log.set_column(log.column_names.index("x_shop"), "x_shop", pa.array(["new"] * ROWS))
    assert found(new, np.ones(ROWS, dtype=np.int64)).figure("mae") == pytest.approx(told.figure("mae"), rel=0.2)
    assert found(log, np.zeros(ROWS, dtype=np.int64)).rows == 0


def test_of_few_days_or_of_files_that_are_gone_nothing_is_learnt(days: list[Day]) -> None:
    class Gone:
        def read(self, *_: object) -> object:
            raise NotFound("No such version.", mend="Name another.")

    assert learnt(days, 2) is None
    assert foretells(cast("SampledRows", Gone()), TASK, "v1", {}, days[20], days[:20]) is None


def test_figures_of_days_that_are_acted_on_stand_on_what_was_foretold_and_are_kept(days: list[Day]) -> None:
    kept, every = list[Day](), []
    for place in range(12, 26):
        log, truth = asked(place)
        gone = log["acts"].to_numpy(zero_copy_only=False)
        status = np.where(gone, SHAPED, LABELLED).astype(np.int8)
        rows, nothing = np.arange(ROWS), np.zeros(ROWS, dtype=np.int64)
        joined = JoinedLabels(rows, status, np.where(gone, np.nan, truth), nothing.astype(bool), nothing, 0)
        before = [day.outcomes.feedback for day in kept if day.outcomes and day.outcomes.feedback]
        used = Used.of(DECLARED, log, joined, before, lambda told: told, TASK, learnt(days, place))
        assert used.feedback is not None
        assert used.feedback.foretold is not None
        outcomes = days[place].outcomes
        assert outcomes is not None
        kept.append(days[place].with_outcomes(dataclasses.replace(outcomes, feedback=used.feedback)))
        every.append(TASK.sums(truth, log["prediction"].to_numpy()))
    assert read_day(msgspec.json.encode(kept[-1])) == kept[-1]
    figures: Any = feedback_of(DECLARED, kept, 0.5, TASK)
    for name in ("rmse", "mae", "bias"):
        right, robust = TASK.figure(name, every), figures["figures"][name]["doubly_robust"]
        assert robust["low"] <= right <= robust["high"], name
