"""A model from elsewhere is served as it is: every form gives the answers of the library that made it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from homeostat.app.brought import load_model, names_in, read_model
from homeostat.app.forms import choose_form
from homeostat.app.scaffold.loop_text import loop_file
from homeostat.app.scaffold.past import Past, past_of
from homeostat.app.scaffold.plan import Asked
from homeostat.app.scaffold.serving import serving, sources_of
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.errors import HomeostatError, IntegrityError, InvalidInput, NotFound
from homeostat.registry.manifest import hash_file

NOW = parse_instant("2026-03-01T00:00:00Z")
NAMES = ["b", "a"]
DRAWN = np.random.default_rng(4)
X = DRAWN.normal(size=(300, 2)).astype(np.float32)
Y = (X[:, 0] - X[:, 1] + DRAWN.normal(size=300)) > 0
FRAME = pd.DataFrame(X, columns=NAMES)
Save = Callable[[Path], tuple[Path, Any]]


def linear() -> Any:
    return make_pipeline(SimpleImputer(), LogisticRegression()).fit(FRAME, Y)


def skops(folder: Path) -> tuple[Path, Any]:
    from skops.io import dump

    dump(linear(), folder / "m.skops")
    return folder / "m.skops", linear()


def lightgbm(folder: Path) -> tuple[Path, Any]:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=5, n_jobs=1, verbosity=-1).fit(FRAME, Y)
    model.booster_.save_model(folder / "m.txt")
    return folder / "m.txt", model


def xgboost(folder: Path) -> tuple[Path, Any]:
    library = pytest.importorskip("xgboost")
    model = library.XGBClassifier(n_estimators=5, n_jobs=1).fit(FRAME, Y)
    model.save_model(folder / "m.ubj")
    return folder / "m.ubj", model


def onnx(folder: Path) -> tuple[Path, Any]:
    """As skl2onnx writes it by default: one input for all columns, a ZipMap at the end."""
    from skl2onnx import to_onnx

    model = linear()
    plain = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, Y)
    (folder / "m.onnx").write_bytes(to_onnx(plain, X[:1]).SerializeToString())
    return folder / "m.onnx", model


def past(**more: object) -> Past:
    rows: dict[str, object] = {"a": X[:, 1], "b": X[:, 0]}
    columns = {**rows, "at": [f"2026-01-{1 + place // 11:02d}" for place in range(300)], "left": Y, **more}
    import polars as pl

    return past_of(pl.DataFrame(columns), Asked("brought", "rows.csv", "left"), NOW)


@pytest.mark.parametrize("save", [skops, lightgbm, xgboost, onnx])
def test_a_model_of_every_form_is_read_and_serves_with_the_answers_it_always_gave(save: Save, tmp_path: Path) -> None:
    file, before = save(tmp_path)
    model = load_model(file, NAMES, hash_file(file))
    expected = before.predict_proba(FRAME)
    assert np.allclose(model.predict_proba(FRAME), expected, atol=1e-6)
    served = choose_form(model, dict.fromkeys(NAMES, "number"), [FRAME], "v1")
    answers = served.runtime.predict({name: FRAME[name].tolist() for name in NAMES})
    assert np.allclose(answers, expected[:, 1], atol=1e-6)


@pytest.mark.parametrize("save", [skops, lightgbm, xgboost])
def test_the_loop_asks_a_model_about_its_columns_in_its_own_order(save: Save, tmp_path: Path) -> None:
    file, _ = save(tmp_path)
    assert names_in(read_model(file)) == NAMES
    found = serving(past(spare=X[:, 0]), file).plan
    assert [one.name for one in found.features] == NAMES
    assert found.left_out["spare"] == "is none of the model's"
    text = loop_file(found)
    assert f'"sha256": "{hash_file(file)}"' in text
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
    with pytest.raises(InvalidInput, match="takes a, which the rows lack"):
        serving(past(a=["text"] * 300), file)


def test_a_model_that_was_changed_or_is_gone_is_not_served(tmp_path: Path) -> None:
    file, _ = lightgbm(tmp_path)
    with pytest.raises(IntegrityError):
        load_model(file, NAMES, "0" * 64)
    with pytest.raises(NotFound):
        load_model(tmp_path / "gone.txt", NAMES, "0" * 64)


@pytest.mark.parametrize("name", ["m.skops", "m.txt", "m.json", "m.onnx", "m.pkl"])
def test_what_is_no_model_is_told_so(name: str, tmp_path: Path) -> None:
    if name == "m.json":
        pytest.importorskip("xgboost")
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing of the kind")
    with pytest.raises(HomeostatError):
        read_model(tmp_path / name)


def test_a_model_without_rows_is_asked_for_them_and_rows_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="judged on rows"):
        sources_of("m.onnx", None, None, tmp_path)
    with pytest.raises(InvalidInput, match="twice"):
        sources_of("rows.csv", Path("rows.csv"), None, tmp_path)
    with pytest.raises(NotFound):
        sources_of(str(tmp_path / "m.onnx"), Path("rows.csv"), None, tmp_path)
    assert sources_of(None, None, None, tmp_path) == (None, None)


def test_a_model_that_mlflow_keeps_is_fetched_by_its_address(tmp_path: Path) -> None:
    """An artifact of a run, as MLflow's own client logs it; one that is pickled is refused by its name."""
    from homeostat.adapters.mlflow.client import client_of

    client = client_of(f"sqlite:///{tmp_path / 'mlflow.sqlite'}")
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

    from homeostat.app.loader import load_loop
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
