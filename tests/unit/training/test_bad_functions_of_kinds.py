"""Training functions of numbers and of classes that are odd are told what is odd, as those of yes or no are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import homeostat as hs
from homeostat.app.training.candidate import make_candidate
from homeostat.control.loop import Loop
from homeostat.training.jobs import JobFolder, TrainingFailed, TrainingResult
from tests.unit.training.test_candidate import JOB, TABLES
from tests.unit.training.toy import asked, done, loop, sources

NUMBERS = hs.Label(done, "delay", matures="24h after due")
CLASSES = hs.Label(done, "shop", classes=["a", "b", "c"], matures="24h after due")
MODELS: dict[str, tuple[Any, Any]] = {
    "delay": (DummyRegressor, HistGradientBoostingRegressor),
    "shop": (DummyClassifier, HistGradientBoostingClassifier),
}
both = pytest.mark.parametrize("label", [NUMBERS, CLASSES], ids=["a number", "classes"])


def of(label: Any, train: Any) -> Loop:
    return replace(loop, features=[asked["size"], loop.features[1]], label=label, train=train, config={"seed": 1})


def made(folder: Path, loop: Loop, tables: Mapping[str, pa.Table] = TABLES) -> TrainingResult:
    job = replace(JOB, loop_file=__file__)
    return make_candidate(job, loop, JobFolder(folder), read=sources(tables).read, say=lambda text: None)


def warnings(result: TrainingResult) -> str:
    return " | ".join(text for one in result.steps for text in one.warnings)


def models(label: Any) -> tuple[Any, Any]:
    return MODELS["delay" if label is NUMBERS else "shop"]


@both
def test_a_constant_is_told(label: Any, tmp_path: Path) -> None:
    loop = of(label, lambda rows, config: models(label)[0]().fit(rows.features, rows.label))
    assert "to every one of" in warnings(made(tmp_path, loop))


@both
def test_the_clock_chance_and_changed_rows_are_told(label: Any, tmp_path: Path) -> None:
    def rude(rows: Any, config: Mapping[str, Any]) -> Any:
        drawn = np.random.default_rng().permutation(len(rows.label)) if time.time() > 0 else None
        rows.label[:] = np.where(np.asarray(drawn) % 4 == 0, rows.label[::-1].copy(), rows.label)
        return models(label)[1](max_iter=3).fit(rows.features, rows.label)

    told = warnings(made(tmp_path, of(label, rude)))
    assert "reads the clock (test_bad_functions_of_kinds.py, line " in told
    assert "made two different models of the same" in told
    assert "changes the rows that it is given" in told


@both
def test_a_target_among_the_features_is_told_and_named(label: Any, tmp_path: Path) -> None:
    name = "delay" if label is NUMBERS else "shop"
    truth = dict(zip(TABLES["done"]["id"].to_pylist(), TABLES["done"][name].to_pylist(), strict=True))
    codes = {"a": 1.0, "b": 2.0, "c": 3.0, None: None}
    found = [truth[one] for one in TABLES["asked"]["id"].to_pylist()]
    leaked = pa.array(found if label is NUMBERS else [codes[one] for one in found], pa.float64())
    place = TABLES["asked"].schema.get_field_index("size")
    tables = {**TABLES, "asked": TABLES["asked"].set_column(place, "size", leaked)}
    good = of(label, lambda rows, config: models(label)[1](max_iter=60).fit(rows.features, rows.label))
    result = made(tmp_path, good, tables)
    assert "size alone tells the labels apart" in warnings(result)
    assert result.evaluation.telling == ("size",)


@both
@pytest.mark.parametrize("returned", [None, 0.9], ids=["nothing", "a figure"])
def test_what_is_no_model_is_told(label: Any, returned: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match=r"train\(\) of loop 'toy' returned (None|an object of type float)"):
        made(tmp_path, of(label, lambda rows, config: returned))
