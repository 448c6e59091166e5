"""Scoring off the reply path: a version that fails is unknown, and stops nobody from looking at the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.app.control import scoring
from homeostat.app.control.scoring import Scorer, answers_of, can_judge
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.logged import Logged
from homeostat.kernel.errors import IntegrityError
from homeostat.monitoring.served import served_columns
from homeostat.registry.binding import Binding
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

COLUMNS = {"x": np.array([0.1, 0.2])}
ANSWERS: dict[str, Any] = {
    "good": np.array([0.25, 0.75]),
    "rounded": np.array([-1e-8, 1 + 1e-8]),
    "unknown": np.array([0.5, np.nan]),
    "short": np.array([0.5]),
    "fails": RuntimeError("Unknown Category and zeros = 0."),
    "altered": IntegrityError("The files are not the ones that were registered.", mend="Restore them."),
}


@pytest.mark.parametrize("task", [BINARY, Regression(), Multiclass(("bread", "cake", "nothing"))])
def test_a_day_without_a_prediction_has_no_answers_of_any_kind(task: Task) -> None:
    chances = pa.list_(pa.float64()) if isinstance(task, Multiclass) else pa.float64()
    found = answers_of(pa.table({task.column: pa.array([], chances)}), task)
    assert len(found) == 0
    assert task.watched(found).size == 0


class _Runtime:
    def __init__(self, version: str) -> None:
        self._answer = ANSWERS[version]
        self.binding = Binding("")

    def predict(self, columns: object) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class _Registry:
    def folder(self, loop: str, version: str) -> Path:
        return Path(loop) / version


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> Scorer:
    monkeypatch.setattr(scoring, "load_runtime", lambda folder, loop, version: _Runtime(version))
    return Scorer("demo", _Registry())  # type: ignore[arg-type]


def test_versions_that_fail_are_left_out_and_the_others_scored(scorer: Scorer) -> None:
    found = scorer.scores(["good", "unknown", "short", "fails", "rounded"], COLUMNS)
    assert {name: scores.tolist() for name, scores in found.items()} == {"good": [0.25, 0.75], "rounded": [0.0, 1.0]}


def test_a_version_whose_files_were_altered_is_an_error_not_an_unknown(scorer: Scorer) -> None:
    with pytest.raises(IntegrityError):
        scorer.scores(["good", "altered"], COLUMNS)


def features(over: str) -> FeatureSet:
    contract = {"id": hs.text(), "at": hs.instant(), "shop": hs.text(), "price": hs.number()}
    asked = hs.Table("asked", key="id", event_time="at", contract=contract)
    sales = hs.Table("sales", key="id", event_time="at", contract=contract)
    return feature_set(asked, [hs.Window(sales, by="shop", over=[over], values={"sold": hs.count()}, name="sold")])


def test_a_version_is_judged_only_on_rows_that_were_served_with_what_it_was_trained_on() -> None:
    old, new = features("6h"), features("3h")
    known = {one.hash: Logged.of(one) for one in (old, new)}

    def able(*hashes: str | None) -> bool:
        log = pa.table({"definitions": pa.array(hashes, pa.string())})
        return can_judge(log, Binding.of(old), known)

    assert able(old.hash, old.hash)
    assert not able(old.hash, new.hash)
    assert not able("never heard of")
    assert able(None, "")
    assert can_judge(pa.table({"x_sold": [1.0]}), Binding.of(old), known)


def test_what_was_not_logged_is_missing_in_every_row() -> None:
    log = pa.table({"x_a": [1, None], "x_t": ["z", None]})
    found = served_columns(log, {"a": "number", "b": "number", "t": "text", "u": "text"})
    assert np.array_equal(found["a"], [1.0, np.nan], equal_nan=True)
    assert np.isnan(found["b"]).all()
    assert (found["t"].tolist(), found["u"].tolist()) == (["z", None], [None, None])


@pytest.mark.parametrize("task", [BINARY, Regression(), Multiclass(("bread", "cake", "nothing"))])
def test_a_day_on_which_nobody_asked_has_no_answers_and_stops_nobody(task: Task) -> None:
    kind = pa.list_(pa.float64()) if isinstance(task, Multiclass) else pa.float64()
    log = pa.table({task.column: pa.array([], kind)})
    found = answers_of(log, task)
    assert found.shape[0] == 0
    assert task.watched(found).shape == (0,)
