"""The pipeline of a candidate: what is not done again, what users add to it, and what a bad function comes to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

import homeostat as hs
from homeostat.adapters.files.steps import StepFolder
from homeostat.app.training.candidate import make_candidate
from homeostat.control.loop import Loop
from homeostat.kernel.errors import HomeostatError, InvalidInput, Refused
from homeostat.registry.manifest import STEPS
from homeostat.training.evaluation import Evaluation
from homeostat.training.jobs import JobFolder, TrainingFailed, TrainingJob, TrainingResult
from homeostat.training.rows import TrainingRows
from tests.unit.training import toy
from tests.unit.training.test_candidate import JOB, SOURCES
from tests.unit.training.toy import DAY


@dataclass
class Bench:
    """Makes candidates with one store of outcomes, and notes how often ``train`` was called on how many rows."""

    root: Path
    trained: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def train(self, rows: Any, config: Mapping[str, Any]) -> Any:
        """A small model of the number alone: quick to make."""
        self.trained.append(len(rows.label))
        return fitted(rows, config.get("penalty", 1.0))

    def make(self, loop: Loop | None = None, job: TrainingJob = JOB, **noted: Any) -> TrainingResult:
        self.trained.clear()
        place = JobFolder(self.root / "job")
        place.root.mkdir(exist_ok=True)
        store = StepFolder(self.root / "steps", 1 << 30)
        parts = {"read": SOURCES.read, "say": self.said.append, "store": store, **noted}
        return make_candidate(job, loop or self.loop(), place, **parts)

    def loop(self, train: Callable[..., Any] | None = None, **parts: Any) -> Loop:
        return replace(toy.make_loop(train or self.train), config={}, **parts)

    def file(self, name: str) -> Any:
        return json.loads((self.root / "job" / "version" / name).read_bytes())


def fitted(rows: Any, penalty: float = 1.0) -> Any:
    columns = ColumnTransformer([("size", SimpleImputer(), ["size"])])
    model = LogisticRegression(C=1 / penalty)
    return Pipeline([("columns", columns), ("model", model)]).fit(rows.features, rows.label)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def states(result: TrainingResult) -> dict[str, str]:
    return {one.name: one.state for one in result.steps}


STEP_NAMES = [
    "snapshot",
    "validate",
    "features",
    "split",
    "repeat",
    "train",
    "convert",
    "compare",
    "evaluate",
    "profile",
    "card",
]
SAMPLE_TWICE = 2


def test_a_rerun_does_nothing_and_a_change_runs_what_it_touches(bench: Bench) -> None:
    first = bench.make()
    assert [one.name for one in first.steps] == STEP_NAMES
    assert set(states(first).values()) == {"done"}
    assert len(bench.trained) == SAMPLE_TWICE + 1
    again = bench.make()
    assert set(states(again).values()) == {"kept"}
    assert (bench.trained, again.version, again.evaluation) == ([], first.version, first.evaluation)
    renamed = states(bench.make(job=replace(JOB, version="v2")))
    assert {name for name, state in renamed.items() if state == "done"} == {"split", "evaluate", "card"}, (
        "the parts of kept rows are made again"
    )
    earlier = states(bench.make(job=replace(JOB, cutoff=8 * DAY)))
    assert {name for name, state in earlier.items() if state == "kept"} == {
        "snapshot", "validate", "features", "repeat", "compare",
    }  # fmt: skip
    other = states(bench.make(replace(bench.loop(), config={"penalty": 2.0})))
    assert {name for name, state in other.items() if state == "done"} == {
        "split", "repeat", "train", "convert", "evaluate", "profile", "card",
    }  # fmt: skip


def test_the_folder_tells_what_each_step_took_and_gave_and_nothing_that_differs_between_runs(bench: Bench) -> None:
    result = bench.make()
    told = bench.file(STEPS)
    assert [one["name"] for one in told] == STEP_NAMES
    by_name = {one["name"]: one for one in told}
    assert by_name["train"]["takes"]["training"] == by_name["split"]["gives"]["training"]
    assert by_name["split"]["rows"]["training"] == result.version.pin.rows
    assert by_name["evaluate"]["rows"] == {"scores": result.evaluation.rows}
    assert {key for one in told for key in one} == {"name", "takes", "gives", "rows", "warnings"}
    elsewhere = Bench(bench.root / "elsewhere")
    elsewhere.root.mkdir()
    assert elsewhere.make().version == result.version


def test_after_a_failed_step_the_next_run_goes_on_from_there(bench: Bench) -> None:
    def broken(rows: Any, config: Mapping[str, Any]) -> Any:
        raise ZeroDivisionError

    with pytest.raises(TrainingFailed, match="raised ZeroDivisionError") as caught:
        bench.make(bench.loop(broken))
    assert caught.value.facts["step"] == "train"
    result = states(bench.make())
    assert [result[name] for name in ("snapshot", "validate", "features", "train")] == ["kept"] * 3 + ["done"]


# What users add.


@hs.step(after="split")
def known_size(rows: TrainingRows) -> TrainingRows:
    return rows.where(rows.features["size"].notna())


@hs.step(after="evaluate")
def by_shop(rows: TrainingRows, scores: Any) -> Any:
    return {shop: float(scores[rows.features["shop"] == shop].mean()) for shop in ("a", "b")}


def test_steps_of_ones_own_choose_the_rows_and_report(bench: Bench) -> None:
    loop = bench.loop(steps=[known_size, by_shop])
    result = bench.make(loop)
    assert bench.trained[-1] < result.version.pin.rows
    assert set(bench.file("by_shop.json")) == {"a", "b"}
    assert "by_shop.json" in result.version.files
    steps = {one.name: one for one in result.steps}
    assert steps["train"].takes == {"known_size": steps["known_size"].gives["known_size"]}
    assert steps["known_size"].rows["known_size"] == bench.trained[-1]
    assert set(states(bench.make(loop)).values()) == {"kept"}
    assert bench.make().version.fingerprint.data == result.version.fingerprint.data


def test_what_a_step_returns_must_fit(bench: Bench) -> None:
    def other(rows: TrainingRows) -> Any:
        return replace(rows, features=rows.features.assign(more=1.0))

    def wrong(rows: TrainingRows) -> Any:
        return len(rows.label)

    def few(rows: TrainingRows) -> Any:
        return rows.where(rows.label & (rows.asked_at < 0))

    def broken(rows: TrainingRows) -> Any:
        raise ZeroDivisionError

    for function, said in ((other, "other columns"), (wrong, "returned a int"), (few, "0 labelled rows are too few")):
        with pytest.raises(Refused, match=said):
            bench.make(bench.loop(steps=[hs.step(after="split")(function)]))
    with pytest.raises(TrainingFailed, match=r"step 'broken' .*test_pipeline.py:\d+. of loop 'toy' raised ZeroDiv"):
        bench.make(bench.loop(steps=[hs.step(after="split")(broken)]))

    def nothing(rows: TrainingRows) -> Any:
        return float("nan")

    with pytest.raises(Refused, match="cannot be kept"):
        bench.make(bench.loop(steps=[hs.step(after="evaluate")(nothing)]))


def train(rows: TrainingRows) -> None: ...
def no_rows(config: Any) -> None: ...
def too_much(rows: TrainingRows, scores: Any) -> None: ...


def test_steps_are_checked_when_they_are_declared() -> None:
    for function, said in ((no_rows, "does not take 'rows'"), (too_much, "takes 'scores'")):
        with pytest.raises(InvalidInput, match=said):
            hs.step(after="split")(function)
    with pytest.raises(InvalidInput, match="after 'train'"):
        hs.step(after="train")
    loop = toy.loop
    for steps, said in (
        ([train], "is no step"),
        ([hs.step(after="split")(train)], "itself"),
        ([known_size, known_size], "two steps are named"),
    ):
        with pytest.raises(InvalidInput, match=said):
            replace(loop, steps=steps)


# Bad functions.


def unfitted(rows: Any, config: Mapping[str, Any]) -> Any:
    return LogisticRegression()


def nothing(rows: Any, config: Mapping[str, Any]) -> Any:
    fitted(rows)


def its_class(rows: Any, config: Mapping[str, Any]) -> Any:
    return LogisticRegression


def and_more(rows: Any, config: Mapping[str, Any]) -> Any:
    return fitted(rows), 0.9


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (nothing, "returned None"),
        (unfitted, "LogisticRegression that is not fitted"),
        (its_class, "returned the class LogisticRegression, not an object"),
        (and_more, "of type tuple, which does not predict"),
    ],
)
def test_what_is_no_model_is_told_with_its_mend(bench: Bench, function: Any, said: str) -> None:
    with pytest.raises(TrainingFailed, match=said) as caught:
        bench.make(bench.loop(function))
    assert "return estimator.fit(" in caught.value.mend


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("x" * 100_000), "raised ValueError: x{400}"),
        (ValueError("\x1b[2J\ud800"), r"raised ValueError: \\x1b\[2J\\ud800\."),
        (KeyboardInterrupt(), r"raised KeyboardInterrupt\."),
    ],
)
def test_whatever_is_raised_is_told_in_text_that_can_be_kept_and_shown(
    bench: Bench, error: BaseException, said: str
) -> None:
    def failing(rows: Any, config: Mapping[str, Any]) -> Any:
        raise error

    with pytest.raises(TrainingFailed, match=said) as caught:
        bench.make(bench.loop(failing))
    assert len(str(caught.value).encode()) < 1_000


def test_a_config_that_a_function_changes_deep_within_is_its_own_copy(bench: Bench) -> None:
    def spoils(rows: Any, config: Mapping[str, Any]) -> Any:
        config["sizes"].append(9)
        return fitted(rows, 0.1 * len(config["sizes"]))

    loop = replace(bench.loop(spoils), config={"sizes": [1]})
    assert warnings(bench.make(loop)) == ""
    assert loop.config == {"sizes": [1]}


def warnings(result: TrainingResult) -> str:
    return " | ".join(text for one in result.steps for text in one.warnings)


def constant(rows: Any, config: Mapping[str, Any]) -> Any:
    return DummyClassifier(strategy="prior").fit(rows.features, rows.label)


def unseeded(rows: Any, config: Mapping[str, Any]) -> Any:
    noise = np.random.default_rng().normal(size=len(rows.label))
    return fitted(replace(rows, label=rows.label ^ (noise > 1)))


def at_some_time(rows: Any, config: Mapping[str, Any]) -> Any:
    if datetime.now().year > 3000 or time.time() < 0:
        raise AssertionError
    return fitted(rows)


def greedy(rows: Any, config: Mapping[str, Any]) -> Any:
    rows.features["size"] = 0.0
    rows.label[:] = rows.label[::-1].copy()
    model = fitted(rows)
    config["penalty"] = "spoilt"  # type: ignore[index]
    return model


def seeded(rows: Any, config: Mapping[str, Any]) -> Any:
    """Draws from NumPy's own state: the same in every run."""
    return fitted(replace(rows, label=rows.label ^ (np.random.normal(size=len(rows.label)) > 1)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (constant, "every one of 417 held-out rows: it learnt nothing"),
        (unseeded, "made two different models of the same"),
        (at_some_time, "reads the clock (test_pipeline.py, line "),
        (greedy, "changes the rows that it is given"),
    ],
)
def test_what_is_odd_about_a_function_is_told_and_kept(bench: Bench, function: Any, said: str) -> None:
    loop = bench.loop(function)
    file = replace(JOB, loop_file=__file__)
    result = bench.make(loop, file)
    assert said in warnings(result)
    assert said in json.dumps(bench.file(STEPS))
    assert said in warnings(bench.make(loop, file)), "what was kept still warns"
    assert loop.config == {}


def test_a_function_that_draws_from_the_shared_state_is_repeatable_and_not_told(bench: Bench) -> None:
    first = bench.make(bench.loop(seeded))
    np.random.seed(99)
    assert warnings(first) == ""
    elsewhere = Bench(bench.root / "elsewhere")
    elsewhere.root.mkdir()
    assert elsewhere.make(elsewhere.loop(seeded)).version == first.version


def test_a_target_among_the_features_is_too_good_to_be_true(bench: Bench) -> None:
    def knows(rows: Any, config: Mapping[str, Any]) -> Any:
        return fitted(rows, 1e-4)

    truth = toy.history(days=14, per_day=80)
    late = truth["done"]["delay"].to_numpy() > 15
    of = dict(zip(truth["done"]["id"].to_pylist(), late, strict=True))
    import pyarrow as pa

    from tests.unit.training.toy import sources

    leaked = pa.array([1.0 if of[name] else -1.0 for name in truth["asked"]["id"].to_pylist()])
    place = truth["asked"].schema.get_field_index("size")
    read = sources({**truth, "asked": truth["asked"].set_column(place, "size", leaked)}).read
    folder = JobFolder(bench.root)
    result = make_candidate(JOB, bench.loop(knows), folder, read=read, say=bench.said.append)
    assert "too good to be true" in warnings(result)
    assert "size alone tells the labels apart" in warnings(result)
    assert (result.evaluation.telling, bench.make().evaluation.telling) == (("size",), ())
    assert Evaluation.from_json(json.loads(json.dumps(result.evaluation.to_json()))) == result.evaluation


def test_errors_name_the_step_they_happened_in(bench: Bench) -> None:
    with pytest.raises(HomeostatError) as caught:
        bench.make(job=replace(JOB, table_versions={"asked": 0}))
    assert caught.value.facts["step"] == "snapshot"
