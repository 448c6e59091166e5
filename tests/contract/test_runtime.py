"""What every runtime promises: the very file that was registered, and one answer per row, whoever asks with it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from xgboost import XGBClassifier

from homeostat.app.lineage.attributing import Explaining
from homeostat.app.pipeline.forms import Served, choose_form
from homeostat.app.versions.runtimes import load_runtime
from homeostat.features.defined import Definition
from homeostat.kernel.errors import IntegrityError, NotFound, Untrusted
from homeostat.registry.manifest import hash_files, write_manifest
from homeostat.registry.models import Fingerprint, Kind, TrainingPin, Version
from homeostat.serving.runtimes import Runtime, probabilities
from homeostat.training.proof import TOLERANCE
from tests.harness.signed import sign

KINDS: dict[str, Kind] = {"shop": "text", "size": "number", "age": "number"}
TREES = {"n_estimators": 20, "n_jobs": 1, "random_state": 7}
PIN = TrainingPin({"asked": 3}, 41, None, 1_000, 2_000, rows=10, first=1, last=9, feature_hash="f" * 64)
BOUND = {"question": Definition("question", "1" * 64, {"key": ["id"]})}
Columns = Mapping[str, Sequence[Any]]


def rows_of(count: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    size = rng.normal(size=count).astype(np.float32)
    label = rng.random(count) < 1 / (1 + np.exp(-2 * size))
    size[rng.random(count) < 0.2] = np.nan
    shop = pd.Series(rng.choice(["a", "b", "c", ""], count).astype(object), dtype=object)
    return pd.DataFrame({"shop": shop, "size": size, "age": rng.integers(0, 90, count).astype(np.float32)}), label


ROWS, LABEL = rows_of(600)


def pipeline(model: Any) -> Pipeline:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("numbers", "passthrough", ["age", "size"]), ("codes", codes, ["shop"])])
    return Pipeline([("columns", columns), ("model", model)]).fit(ROWS, LABEL)


def lightgbm() -> Pipeline:
    return pipeline(LGBMClassifier(**TREES, verbosity=-1))


MADE: dict[str, tuple[Callable[[], Any], str]] = {
    "onnx": (lightgbm, "onnx"),
    "lightgbm": (lightgbm, "native"),
    "xgboost": (lambda: pipeline(XGBClassifier(**TREES)), "native"),
    "skops": (lambda: pipeline(RandomForestClassifier(10, n_jobs=2, random_state=7)), "skops"),
}


@dataclass(frozen=True)
class Case:
    """A fitted estimator, and a folder with the version that serves it."""

    estimator: Any
    served: Served
    folder: Path

    def load(self) -> Runtime:
        return load_runtime(self.folder, "toy", "v1")

    def expected(self, columns: Columns) -> np.ndarray:
        """What the estimator itself says of rows as they arrive in serving."""
        with np.errstate(over="ignore"):
            frame = pd.DataFrame(
                {
                    "shop": pd.Series(["" if one is None else one for one in columns["shop"]], dtype=object),
                    **{name: np.array(columns[name], dtype=np.float32) for name in ("size", "age")},
                }
            )
        found: np.ndarray = self.estimator.predict_proba(frame)[:, 1]
        return found


@pytest.fixture(scope="module", params=MADE)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    make, wanted = MADE[request.param]
    estimator = make()
    served = choose_form(estimator, KINDS, [ROWS], "v1", wanted)
    assert served.form.runtime == request.param
    return Case(estimator, served, save(tmp_path_factory.mktemp(request.param), served))


def save(folder: Path, served: Served) -> Path:
    for name, content in served.files.items():
        (folder / name).write_bytes(content)
    legs = Fingerprint("c" * 64, "d" * 64, "e" * 64, "f" * 64)
    inputs = tuple(KINDS.items())
    files = hash_files(folder)
    write_manifest(Version("toy", "v1", 1, inputs, legs, PIN, {}, {}, files, BOUND, served.form), folder)
    sign(folder)
    return folder


@pytest.fixture(scope="module")
def runtime(case: Case) -> Runtime:
    return case.load()


def a_row(columns: Columns, place: int) -> Columns:
    return {name: [values[place]] for name, values in columns.items()}


def test_nobody_asked_nothing_answered(runtime: Runtime) -> None:
    assert runtime.predict({name: [] for name, _ in runtime.inputs}).shape == (0,)


STRANGE = {
    "shop": ["a", None, "", "never seen", "b\x00c", "ü" * 300, "a"],
    "size": [None, 0.5, float("nan"), 1e300, -1e300, 1e-300, 2**53 + 1],
    "age": [3, None, None, 7, 0, -0.0, 10**18],
    "not asked for": list("1234567"),
}


def test_it_says_who_it_is_and_what_it_was_trained_with(runtime: Runtime) -> None:
    assert (runtime.version, runtime.inputs) == ("v1", tuple(KINDS.items()))
    assert runtime.binding.definitions == BOUND


def test_it_answers_as_the_estimator_on_every_row(case: Case, runtime: Runtime) -> None:
    found = runtime.predict({name: ROWS[name].to_numpy() for name in KINDS})  # type: ignore[misc]
    assert (found.dtype, found.shape) == (np.dtype(np.float64), (len(ROWS),))
    np.testing.assert_allclose(found, case.estimator.predict_proba(ROWS)[:, 1], atol=TOLERANCE)
    assert probabilities(found, len(ROWS)) == pytest.approx(found)


def test_missing_values_unseen_texts_and_huge_numbers_are_read_as_in_training(case: Case, runtime: Runtime) -> None:
    usual = {**STRANGE, "size": [one if one is None or abs(one) < 1e30 else 3e38 for one in STRANGE["size"]]}
    np.testing.assert_allclose(runtime.predict(usual), case.expected(usual), atol=TOLERANCE)


def test_a_number_beyond_float32_gets_an_answer_or_an_error_but_never_a_strange_one(runtime: Runtime) -> None:
    """scikit-learn and XGBoost take no infinite numbers; the champion then answers, or nobody."""
    for place in range(len(STRANGE["shop"])):
        try:
            answer = runtime.predict(a_row(STRANGE, place))
        except Exception as error:
            assert "inf" in str(error)  # noqa: PT017
        else:
            assert len(probabilities(answer, 1)) == 1


def test_a_row_of_which_nothing_is_known_is_answered(case: Case, runtime: Runtime) -> None:
    nothing = {name: [None] for name in KINDS}
    np.testing.assert_allclose(runtime.predict(nothing), case.expected(nothing), atol=TOLERANCE)


@settings(max_examples=15, deadline=None)
@given(places=st.lists(st.integers(0, len(ROWS) - 1), min_size=1, max_size=12))
def test_the_answer_to_a_row_depends_on_no_other_row(runtime: Runtime, places: list[int]) -> None:
    columns = {name: ROWS[name].tolist() for name in KINDS}
    some = {name: [values[place] for place in places] for name, values in columns.items()}
    together = runtime.predict(some)
    alone = [runtime.predict(a_row(some, place))[0] for place in range(len(places))]
    np.testing.assert_allclose(together, alone, atol=1e-7)


def test_an_answer_stays_when_the_next_row_is_asked_about(runtime: Runtime) -> None:
    columns = {name: ROWS[name].tolist() for name in KINDS}
    first = runtime.predict(a_row(columns, 0))
    kept = first.tolist()
    runtime.predict(a_row(columns, int(np.argmax(np.abs(runtime.predict(columns) - first)))))
    assert first.tolist() == kept


def peer(case: Case, row: Columns) -> np.ndarray:
    """What the library's own package says each column does, in the model's order, the base last."""
    import xgboost

    model = case.estimator.named_steps["model"]
    matrix = case.estimator.named_steps["columns"].transform(pd.DataFrame(row))
    if case.served.form.runtime == "lightgbm":
        found: np.ndarray = model.booster_.predict(matrix, pred_contrib=True)[0]
    else:
        found = model.get_booster().predict(xgboost.DMatrix(matrix), pred_contribs=True)[0]
    return found


def test_a_library_of_trees_says_what_each_feature_did_and_no_other_runtime_claims_to(
    case: Case, runtime: Runtime
) -> None:
    if case.served.form.runtime not in ("lightgbm", "xgboost"):
        assert not isinstance(runtime, Explaining)
        return
    assert isinstance(runtime, Explaining)
    row = a_row({name: ROWS[name].tolist() for name in KINDS}, 3)
    found = runtime.contributions(row)
    np.testing.assert_allclose([*(found.values[name] for name in ("age", "size", "shop")), found.base], peer(case, row))
    odds = found.base + sum(found.values.values())
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(runtime.predict(row)[0], abs=1e-6)


ALONE = """
import sys, time
from pathlib import Path
from homeostat.app.versions.runtimes import load_runtime
runtime = load_runtime(Path(sys.argv[1]), "toy", "v1")
print(*(name for name in sys.argv[2].split() if name in sys.modules))
rows = {"shop": ["a", "b"] * 10_000, "size": [0.5, None] * 10_000, "age": [1, 2] * 10_000}
runtime.predict(rows)
all_began, own_began = time.process_time(), time.thread_time()
while time.thread_time() - own_began < 0.2:
    runtime.predict(rows)
own = time.thread_time() - own_began
print((time.process_time() - all_began - own) / own)
"""


def alone(case: Case) -> list[str]:
    """What heavy packages a process of its own loads, and how much its other threads compute beside the first."""
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    heavy = "pandas sklearn scipy pyarrow lightgbm xgboost skops mlflow onnxmltools skl2onnx"
    command = [sys.executable, "-c", ALONE, str(case.folder), heavy]
    environment = {**free, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()


def test_it_runs_on_one_thread_and_loads_nothing_heavy_but_for_scikit_learn(case: Case) -> None:
    heavy, others = alone(case)
    assert bool(heavy) == (case.served.form.runtime == "skops")
    assert float(others) < 0.2


def test_two_versions_of_it_do_not_disturb_each_other(case: Case) -> None:
    one, other = case.load(), case.load()
    columns = {name: ROWS[name].tolist() for name in KINDS}
    first = one.predict(a_row(columns, 0)).tolist()
    other.predict(a_row(columns, 1))
    del other
    assert one.predict(a_row(columns, 0)).tolist() == first


def test_the_same_estimator_gives_the_same_bytes(case: Case) -> None:
    make, wanted = MADE[case.served.form.runtime]
    assert choose_form(make(), KINDS, [ROWS], "v1", wanted).files == case.served.files


def test_its_proof_covers_every_row_and_every_slice(case: Case) -> None:
    proof = case.served.form.proof
    assert proof.rows > len(ROWS)
    assert proof.worst <= proof.tolerance == TOLERANCE
    assert set(proof.slices) == {"shop"}
    assert set(proof.slices["shop"]) == {"", "a", "b", "c"}


@pytest.fixture
def copy(case: Case, tmp_path: Path) -> Path:
    return save(tmp_path, case.served)


def test_a_changed_file_is_refused(case: Case, copy: Path) -> None:
    for name, content in case.served.files.items():
        (copy / name).write_bytes(content[:-1] + b"!")
        with pytest.raises(Untrusted, match=f"{name} is not what was registered"):
            load_runtime(copy, "toy", "v1")
        (copy / name).write_bytes(content)
    assert load_runtime(copy, "toy", "v1").version == "v1"


def test_another_versions_folder_is_refused(copy: Path) -> None:
    with pytest.raises(Untrusted, match="toy/v2 is not loaded: its folder holds toy/v1"):
        load_runtime(copy, "toy", "v2")


def test_a_missing_file_or_folder_is_said(case: Case, copy: Path) -> None:
    (copy / case.served.form.model).unlink()
    with pytest.raises(Untrusted, match="is missing"):
        load_runtime(copy, "toy", "v1")
    with pytest.raises(NotFound):
        load_runtime(copy / "nowhere", "toy", "v1")


def test_a_registered_file_that_is_no_model_is_refused_and_nothing_goes_to_stdout(
    case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rotten = {**case.served.files, case.served.form.model: b"not a model"}
    with pytest.raises(IntegrityError):
        load_runtime(save(tmp_path, Served(case.served.form, rotten, case.served.runtime)), "toy", "v1")
    assert capfd.readouterr().out == ""


def test_the_file_that_is_checked_is_the_one_that_the_manifest_names(case: Case) -> None:
    assert case.served.form.model in case.served.files
    digest = hashlib.sha256(case.served.files[case.served.form.model]).hexdigest()
    assert hash_files(case.folder)[case.served.form.model] == digest
