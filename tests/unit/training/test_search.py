"""A search for a better config: a step for each trial, judged by the loop's loss or by a metric of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

import homeostat as hs
from homeostat.kernel.errors import InvalidInput
from homeostat.training.jobs import TrainingFailed
from tests.unit.training import toy
from tests.unit.training.test_pipeline import Bench, fitted, states


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


SEARCH = hs.Search({"penalty": hs.log_uniform(0.01, 100.0)}, trials=4)


def test_a_search_is_a_step_for_each_trial_and_goes_on_where_it_was_cut_off(bench: Bench) -> None:
    loop = replace(bench.loop(search=SEARCH), config={"penalty": 50.0})
    result = bench.make(loop)
    told = bench.file("search.json")
    losses = [one["loss"] for one in told["trials"]]
    assert told["trials"][0]["values"] == {"penalty": 50.0}, "the loop's own config is tried first"
    assert told["trials"][losses.index(min(losses))]["values"] == told["found"] == bench.file("config.json")
    earlier = [rows for rows in bench.trained if rows < result.version.pin.rows]
    assert len(earlier) == SEARCH.trials, "no trial sees all rows, least of all those held out"
    longer = states(bench.make(replace(loop, search=replace(SEARCH, trials=5))))
    assert [longer[f"trial_{number}"] for number in range(1, 6)] == ["kept"] * 4 + ["done"]
    elsewhere = Bench(bench.root / "elsewhere")
    elsewhere.root.mkdir()
    assert elsewhere.make(replace(elsewhere.loop(search=SEARCH), config={"penalty": 50.0})).version == result.version


def test_a_config_keeps_its_keys_when_the_search_was_done_before(bench: Bench) -> None:
    cut = [True]

    def train(rows: Any, config: Mapping[str, Any]) -> Any:
        assert config["weights"] == {0: 1, 1: 2}
        if cut and len(bench.trained) > 2:
            raise InterruptedError
        return bench.train(rows, config)

    config = {"penalty": 50.0, "weights": {0: 1, 1: 2}}
    loop = replace(bench.loop(train, search=replace(SEARCH, trials=2)), config=config)
    with pytest.raises(TrainingFailed, match="InterruptedError"):
        bench.make(loop)
    cut.clear()
    again = states(bench.make(loop))
    assert (again["search"], again["train"]) == ("kept", "done")


def test_trials_that_fail_are_told_and_when_all_do_so_does_training(bench: Bench) -> None:
    def moody(rows: Any, config: Mapping[str, Any]) -> Any:
        if config["penalty"] != bad:
            raise ValueError(config["penalty"])
        return fitted(rows)

    bad = 50.0
    loop = replace(bench.loop(moody, search=SEARCH), config={"penalty": bad})
    bench.make(loop)
    told = bench.file("search.json")
    assert [one["loss"] is None for one in told["trials"]] == [False, True, True, True]
    assert "raised ValueError" in told["trials"][1]["problem"]
    with pytest.raises(TrainingFailed, match="All 4 trials of the search failed"):
        bench.make(replace(loop, config={"penalty": 40.0}))


def numbers(rows: Any, config: Mapping[str, Any]) -> Any:
    columns = ColumnTransformer([("size", SimpleImputer(), ["size"])])
    return Pipeline([("columns", columns), ("model", Ridge(alpha=config["penalty"]))]).fit(rows.features, rows.label)


def far(label: Any, answers: Any) -> Any:
    return np.abs(label - answers) > 8


WIDE = replace(SEARCH, space={"penalty": hs.log_uniform(0.01, 1e6)}, trials=2)
DELAY = hs.Label(toy.done, "delay", matures="24h after due")
SHOP = hs.Label(toy.done, "shop", classes=["a", "b", "c"], matures="24h after due")


@pytest.mark.parametrize(
    ("train", "label", "search", "most"),
    [
        (numbers, DELAY, WIDE, 300.0),
        (numbers, DELAY, replace(WIDE, metric=hs.metric(far)), 1.0),
        (numbers, DELAY, replace(WIDE, metric=hs.metric(far, better="higher")), 1.0),
        (lambda rows, config: fitted(rows, config["penalty"]), SHOP, WIDE, 3.0),
    ],
)
def test_a_search_is_judged_by_what_the_loop_is_judged_by_or_by_a_metric_of_ones_own(
    bench: Bench, train: Any, label: Any, search: hs.Search, most: float
) -> None:
    bench.make(replace(bench.loop(train, search=search, label=label), config={"penalty": 1e5}))
    told = bench.file("search.json")
    losses = [one["loss"] for one in told["trials"]]
    assert told["trials"][losses.index(min(losses))]["values"] == told["found"]
    assert len(set(losses)) > 1
    sign = -1 if search.metric is not None and search.metric.better == "higher" else 1
    assert all(0 < sign * loss < most for loss in losses)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: hs.Search({}),
        lambda: replace(SEARCH, metric=hs.metric(far, better="neither")),
        lambda: replace(SEARCH, metric=hs.metrics.f1),
        lambda: hs.Search({"a": hs.uniform(0, 1)}, trials=1),
        lambda: hs.Search({"a": hs.uniform(0, 1)}, later=1.0),
        lambda: hs.uniform(1, 0),
        lambda: hs.log_uniform(0, 1),
        lambda: hs.choice("a"),
        lambda: replace(toy.loop, search="all"),
    ],
)
def test_a_search_of_nothing_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        wrong()
