"""A model from elsewhere is served as it is: every form gives the answers of the library that made it."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from homeostat.adapters.onnx.runtime import OnnxRuntime
from homeostat.app.brought.files import read_model
from homeostat.app.brought.models import fitted_for, load_model, names_in
from homeostat.app.loops.loader import load_loop
from homeostat.app.pipeline.forms import choose_form
from homeostat.app.scaffold.loop_text import loop_file
from homeostat.app.scaffold.past import Past, past_of
from homeostat.app.scaffold.plan import Asked
from homeostat.app.scaffold.serving import asked_of, serving, sources_of
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.errors import HomeostatError, IntegrityError, InvalidInput, NotFound
from homeostat.registry.manifest import hash_file
from homeostat.registry.models import Kind
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task
from homeostat.training.fitted import answering
from homeostat.training.rows import TrainingRows
from tests.harness.stores import with_mlflow

NOW = parse_instant("2026-03-01T00:00:00Z")
NAMES = ["b", "a"]
DRAWN = np.random.default_rng(4)
X = DRAWN.normal(size=(300, 2)).astype(np.float32)
NUMBER = 100 + 10 * (X[:, 0] - X[:, 1] + DRAWN.normal(size=300))
Y = NUMBER > 100
TOLD: dict[str, Any] = {
    "binary": Y,
    "regression": NUMBER,
    "multiclass": np.array(["cake", "bread", "nothing"])[np.digitize(NUMBER, [95, 105])],
}
CLASSES = ("bread", "cake", "nothing")
TASKS: dict[str, Task] = {"binary": BINARY, "regression": Regression(), "multiclass": Multiclass(CLASSES)}
FRAME = pd.DataFrame(X, columns=NAMES)
Save = Callable[..., tuple[Path, Any]]


def numbered(kind: str) -> Any:
    """What a library that knows no names is fitted on."""
    return np.unique(TOLD[kind], return_inverse=True)[1] if kind == "multiclass" else TOLD[kind]


def linear(kind: str = "binary", told: Any = None, frame: Any = FRAME) -> Any:
    last = LinearRegression() if kind == "regression" else LogisticRegression()
    return make_pipeline(SimpleImputer(), last).fit(frame, TOLD[kind] if told is None else told)


def skops(folder: Path, kind: str = "binary", told: Any = None) -> tuple[Path, Any]:
    from skops.io import dump

    dump(linear(kind, told), folder / "m.skops")
    return folder / "m.skops", linear(kind, told)


def lightgbm(folder: Path, kind: str = "binary") -> tuple[Path, Any]:
    from lightgbm import LGBMClassifier, LGBMRegressor

    made = LGBMRegressor if kind == "regression" else LGBMClassifier
    model = made(n_estimators=5, n_jobs=1, verbosity=-1).fit(FRAME, numbered(kind))
    model.booster_.save_model(folder / "m.txt")
    return folder / "m.txt", model


def xgboost(folder: Path, kind: str = "binary") -> tuple[Path, Any]:
    library = pytest.importorskip("xgboost")
    made = library.XGBRegressor if kind == "regression" else library.XGBClassifier
    model = made(n_estimators=5, n_jobs=1).fit(FRAME, numbered(kind))
    model.save_model(folder / "m.ubj")
    return folder / "m.ubj", model


def onnx(folder: Path, kind: str = "binary") -> tuple[Path, Any]:
    """As skl2onnx writes it by default: one input for all columns, a ZipMap at the end."""
    from skl2onnx import to_onnx

    plain = linear(kind, frame=X)
    (folder / "m.onnx").write_bytes(to_onnx(plain, X[:1]).SerializeToString())
    return folder / "m.onnx", linear(kind)


def past(kind: str = "binary", positive: str | None = None, **more: object) -> Past:
    rows: dict[str, object] = {"a": X[:, 1], "b": X[:, 0]}
    columns = {**rows, "at": [f"2026-01-{1 + place // 11:02d}" for place in range(300)], "left": TOLD[kind], **more}
    import polars as pl

    return past_of(pl.DataFrame(columns), Asked("brought", "rows.csv", "left", positive=positive), NOW)


def loaded(folder: Path, found: Past) -> Any:
    """The model as the loop file loads it."""
    (folder / "loop.py").write_text(loop_file(found.plan))
    loop = load_loop(folder / "loop.py", "brought")
    return loop.train(TrainingRows(FRAME, TOLD["binary"], np.arange(300)), loop.config)


@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("save", [skops, lightgbm, xgboost, onnx])
def test_a_model_of_every_form_is_read_and_serves_with_the_answers_it_always_gave(
    save: Save, kind: str, tmp_path: Path
) -> None:
    file, before = save(tmp_path, kind)
    found = serving(past(kind, a=X[:, 0], b=X[:, 1]) if save is onnx else past(kind), file)
    assert asked_of(Asked("brought", "rows.csv"), file).answers in (kind, None)
    assert (found.plan.target.answers, found.plan.target.classes) == (kind, CLASSES if kind == "multiclass" else ())
    file.rename(tmp_path / found.plan.model.file)  # type: ignore[union-attr]
    model = loaded(tmp_path, found)
    expected = before.predict(FRAME) if kind == "regression" else before.predict_proba(FRAME)
    expected = expected[:, 1] if kind == "binary" else expected
    assert np.allclose(answering(model, TASKS[kind])(FRAME), expected, rtol=1e-5, atol=1e-6)
    served = choose_form(model, dict.fromkeys(NAMES, "number"), [FRAME], "v1", task=TASKS[kind])
    told = served.runtime.predict({name: FRAME[name].tolist() for name in NAMES})
    assert np.allclose(told, expected, rtol=1e-5, atol=1e-6)
    again = copy.deepcopy(model)  # as training does between its steps
    assert np.array_equal(answering(again, TASKS[kind])(FRAME), answering(model, TASKS[kind])(FRAME))


@pytest.mark.parametrize(
    ("fitted_on", "target", "positive", "flipped"),
    [
        (np.where(Y, "yes", "no"), np.where(Y, "yes", "no"), None, False),
        (np.where(Y, "gone", "stays"), np.where(Y, "gone", "stays"), "gone", False),
        (np.where(Y, "gone", "stays"), np.where(Y, "gone", "stays"), "stays", True),
        (Y.astype(int), Y.astype(int), "0", True),
        (Y.astype(int), np.where(Y, "yes", "no"), None, False),
        (Y, Y.astype(int), None, False),
    ],
)
def test_the_class_that_makes_the_label_true_is_found_by_its_name(
    fitted_on: Any, target: Any, positive: str | None, flipped: bool, tmp_path: Path
) -> None:
    file, before = skops(tmp_path, "binary", fitted_on)
    found = serving(past(left=target, positive=positive), file)
    file.rename(tmp_path / "model.skops")
    told = answering(loaded(tmp_path, found))(FRAME)
    true = before.predict_proba(FRAME)[:, list(map(str, before.classes_)).index(str(fitted_on[Y][0]))]
    assert np.allclose(told, 1 - true if flipped else true)


@pytest.mark.parametrize("positive", ["gone", "stays"])
def test_an_onnx_model_gives_the_chance_of_the_class_that_is_named(positive: str, tmp_path: Path) -> None:
    from skl2onnx import to_onnx

    told = np.where(Y, "gone", "stays")
    before = linear(told=told, frame=X)
    (tmp_path / "m.onnx").write_bytes(to_onnx(before, X[:1]).SerializeToString())
    found = serving(past(left=told, positive=positive, a=X[:, 0], b=X[:, 1]), tmp_path / "m.onnx")
    (tmp_path / "m.onnx").rename(tmp_path / "model.onnx")
    model = loaded(tmp_path, found)
    true = before.predict_proba(X)[:, ["gone", "stays"].index(positive)]
    assert np.allclose(answering(model)(FRAME), true, atol=1e-6)
    assert np.allclose(model.predict_proba(FRAME).sum(axis=1), 1.0)


def test_an_onnx_model_with_an_input_for_each_feature_takes_texts(tmp_path: Path) -> None:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    shop = np.where(X[:, 1] > 0, "old", "new")
    frame = pd.DataFrame({"size": X[:, 0], "shop": pd.Series(shop, dtype=object)})
    parts = ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore"), ["shop"]), ("numbers", SimpleImputer(), ["size"])]
    )
    before = make_pipeline(parts, LinearRegression()).fit(frame, NUMBER)
    types = [("size", FloatTensorType([None, 1])), ("shop", StringTensorType([None, 1]))]
    (tmp_path / "m.onnx").write_bytes(convert_sklearn(before, initial_types=types).SerializeToString())
    found = serving(past("regression", size=X[:, 0], shop=shop), tmp_path / "m.onnx").plan
    assert [one.name for one in found.features] == ["size", "shop"]
    model = fitted_for(read_model(tmp_path / "m.onnx"), ["size", "shop"], "regression")
    assert np.allclose(model.predict(frame), before.predict(frame), rtol=1e-5)


def test_what_a_model_does_not_answer_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    numbers, _ = lightgbm(tmp_path, "regression")
    with pytest.raises(InvalidInput, match="answers a number, not a yes or no"):
        asked_of(Asked("brought", "rows.csv", positive="yes"), numbers)
    classes, _ = skops(tmp_path, "multiclass")
    with pytest.raises(InvalidInput, match=r"tells bread, cake, nothing apart \(3 classes\); the target is x, y, z"):
        serving(past("multiclass", left=["x", "y", "z"] * 100), classes)
    with pytest.raises(InvalidInput, match="'here' is neither"):
        serving(past(left=["gone", "here"] * 150, positive="here"), skops(tmp_path, "binary", np.where(Y, "p", "n"))[0])


def test_classes_that_only_the_model_or_only_the_rows_know_are_kept_and_said(tmp_path: Path) -> None:
    file, _ = skops(tmp_path, "multiclass")
    plan = serving(past("multiclass", left=["bread", "cake", "pie"] * 100), file).plan
    assert plan.target.classes == ("bread", "cake", "pie", "nothing")
    assert plan.spread["nothing"] == 0
    assert "knows nothing of pie" in plan.assumed[-1]


@pytest.mark.parametrize(
    ("target", "classes", "said"),
    [
        (["1", "2", "3"], ("1", "2", "3"), "0 is 1, 1 is 2, 2 is 3"),
        ([0, 1, 2], ("0", "1", "2"), "in this order"),
        ([0, 1, 2, 3], ("0", "1", "2", "3"), "knows nothing of 3"),
        ([1, 2, 3, 4], None, "tells 0, 1, 2 apart"),
    ],
)
def test_a_booster_knows_classes_by_number(target: list[Any], classes: Any, said: str, tmp_path: Path) -> None:
    file, _ = lightgbm(tmp_path, "multiclass")
    rows = past("multiclass", left=(target * 100)[:300])
    if classes is None:
        with pytest.raises(InvalidInput, match=said):
            serving(rows, file)
        return
    plan = serving(rows, file).plan
    assert plan.target.classes == classes
    assert said == "in this order" or said in plan.assumed[-1]


def test_features_that_are_called_otherwise_in_a_model_are_found_in_all_its_parts(tmp_path: Path) -> None:
    from skops.io import dump

    odd = {"b": "Size (cm)", "a": "Kind of shop"}
    frame = FRAME.rename(columns=odd).assign(**{"Kind of shop": np.where(X[:, 1] > 0, "old", "new")})
    parts = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["Kind of shop"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["Size (cm)"]),
        ]
    )
    before = make_pipeline(parts, LogisticRegression()).fit(frame, Y)
    dump(before, tmp_path / "m.skops")
    rows: dict[str, Any] = {str(name): frame[name].to_numpy() for name in frame}
    found = serving(past(**rows), tmp_path / "m.skops").plan
    assert [one.name for one in found.features] == ["size_cm", "kind_of_shop"]
    model = fitted_for(read_model(tmp_path / "m.skops"), ["size_cm", "kind_of_shop"], "binary")
    renamed = frame.set_axis(["size_cm", "kind_of_shop"], axis=1)
    assert np.array_equal(model.predict_proba(renamed), before.predict_proba(frame))
    kinds: dict[str, Kind] = {"size_cm": "number", "kind_of_shop": "text"}
    assert choose_form(model, kinds, [renamed], "v1").form.runtime == "onnx"


@pytest.mark.parametrize("save", [skops, lightgbm, xgboost])
def test_the_loop_asks_a_model_about_its_columns_in_its_own_order(save: Save, tmp_path: Path) -> None:
    file, _ = save(tmp_path)
    assert names_in(read_model(file)) == NAMES
    found = serving(past(spare=X[:, 0]), file).plan
    assert [one.name for one in found.features] == NAMES
    assert found.left_out["spare"] == "is none of the model's"
    text = loop_file(found)
    assert f'"sha256": "{hash_file(file)}"' in text
    assert 'files=["model.' in text, "a replay checks it out beside the loop file"
    compile(text, "loop.py", "exec")


def test_a_model_that_names_no_columns_takes_the_numbers_in_their_order_and_says_so(tmp_path: Path) -> None:
    file, _ = onnx(tmp_path)
    found = serving(past(), file).plan
    assert [one.name for one in found.features] == ["a", "b"]
    assert "in this order" in found.assumed[-1]
    with pytest.raises(InvalidInput, match="takes 2 columns"):
        serving(past(spare=X[:, 0]), file)


def test_rows_without_one_of_the_models_columns_are_refused_by_its_name(tmp_path: Path) -> None:
    file, _ = lightgbm(tmp_path)
    with pytest.raises(InvalidInput, match="no features of the rows: a, which has one value only"):
        serving(past(a=["text"] * 300), file)


def test_a_model_that_was_changed_or_is_gone_is_not_served(tmp_path: Path) -> None:
    file, _ = lightgbm(tmp_path)
    label: Any = None
    with pytest.raises(IntegrityError):
        load_model(tmp_path, {"model": file.name, "sha256": "0" * 64}, NAMES, label)
    with pytest.raises(NotFound):
        load_model(tmp_path, {"model": "gone.txt", "sha256": "0" * 64}, NAMES, label)


@pytest.mark.parametrize("name", ["m.skops", "m.txt", "m.json", "m.ubj", "m.onnx", "m.pkl"])
def test_what_is_no_model_is_told_so(name: str, tmp_path: Path) -> None:
    if name in ("m.json", "m.ubj"):
        pytest.importorskip("xgboost")
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing of the kind")
    with pytest.raises(HomeostatError) as found:
        read_model(tmp_path / name)
    assert "Stack trace" not in found.value.problem
    assert "c_api" not in found.value.problem


def test_weights_in_a_file_beside_an_onnx_model_are_neither_brought_nor_ever_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.ones((1000, 1), dtype=np.float32), "weights")
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Add", ["a", "weights"], ["probability"])],
            "sums",
            [helper.make_tensor_value_info("a", TensorProto.FLOAT, [None, 1])],
            [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
            [weights],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    whole = model.SerializeToString()
    assert OnnxRuntime("v1", (("a", "number"),), whole)
    onnx.save_model(model, tmp_path / "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="keeps weights in a file beside it"):
        read_model(tmp_path / "m.onnx")
    with pytest.raises(IntegrityError, match="cannot be loaded"):
        OnnxRuntime("v1", (("a", "number"),), (tmp_path / "m.onnx").read_bytes())


@pytest.mark.parametrize("schema", [b"[" * 100_000, b"{}", b"7"])
def test_a_skops_file_that_only_looks_like_one_is_told(schema: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.skops", "w") as archive:
        archive.writestr("schema.json", schema)
    with pytest.raises(InvalidInput, match="cannot be read as a model in skops form"):
        read_model(tmp_path / "m.skops")


def test_a_model_without_rows_is_asked_for_them_and_rows_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="judged on rows"):
        sources_of("m.onnx", None, None, tmp_path)
    with pytest.raises(InvalidInput, match="twice"):
        sources_of("rows.csv", Path("rows.csv"), None, tmp_path)
    with pytest.raises(NotFound):
        sources_of(str(tmp_path / "m.onnx"), Path("rows.csv"), None, tmp_path)
    for rows in (None, Path("rows.csv")):
        with pytest.raises(InvalidInput, match=r"m.joblib is a pickle, which is never loaded. Write the model"):
            sources_of("m.joblib", rows, None, tmp_path)
        with pytest.raises(InvalidInput, match=r"m.cbm is of no kind that can be read. Write the model"):
            sources_of("m.cbm", rows, None, tmp_path)
    assert sources_of(None, None, None, tmp_path) == (None, None)


def test_a_model_that_mlflow_keeps_is_fetched_by_its_address(tmp_path: Path) -> None:
    """An artifact of a run, as MLflow's own client logs it; one that is pickled is refused by its name."""
    from homeostat.adapters.mlflow.client import client_of

    client = client_of(f"sqlite:///{with_mlflow(tmp_path) / 'mlflow.sqlite'}")
    experiment = client.create_experiment("old", artifact_location=(tmp_path / "artifacts").as_uri())
    run = client.create_run(experiment).info.run_id
    file, _ = lightgbm(tmp_path)
    file.rename(tmp_path / "model.txt")
    client.log_artifact(run, str(tmp_path / "model.txt"), "model")
    (tmp_path / "model.pkl").write_bytes(b"")
    client.log_artifact(run, str(tmp_path / "model.pkl"), "pickled")
    tracking = f"sqlite:///{tmp_path / 'mlflow.sqlite'}"
    rows, found = sources_of(f"mlflow:runs:/{run}/model", Path("rows.csv"), tracking, tmp_path)
    assert rows == Path("rows.csv")
    assert found is not None
    assert names_in(read_model(found)) == NAMES
    with pytest.raises(InvalidInput, match=r"model\.pkl"):
        sources_of(f"mlflow:runs:/{run}/pickled", rows, tracking, tmp_path)
    with pytest.raises(HomeostatError, match="MLflow gives no"):
        sources_of("mlflow:models:/never/1", rows, tracking, tmp_path)


def test_the_command_makes_a_loop_that_loads_the_model(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from homeostat.app.loops.loader import load_loop
    from homeostat.cli.main import app

    file, model = lightgbm(tmp_path)
    days = [f"2026-01-{1 + place // 11:02d}" for place in range(300)]
    pd.DataFrame({"a": X[:, 1], "b": X[:, 0], "at": days, "left": Y}).to_parquet(tmp_path / "rows.parquet")
    words = ["init", "old", "--from", str(file), "--rows", str(tmp_path / "rows.parquet"), "--target", "left"]
    done = CliRunner().invoke(app, [*words, "--folder", str(tmp_path / "old"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["features"] == NAMES
    loop = load_loop(tmp_path / "old" / "loop.py", "old")
    rows = type("Rows", (), {"features": FRAME, "label": Y})
    assert np.allclose(loop.train(rows, loop.config).predict_proba(FRAME), model.predict_proba(FRAME))
