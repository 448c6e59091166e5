"""Which form an estimator is served in, why, and what stands against it where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, SplineTransformer, StandardScaler
from sklearn.svm import LinearSVC
from xgboost import XGBClassifier

from homeostat.adapters.lightgbm.export import export as export_lightgbm
from homeostat.app.pipeline.forms import choose_form
from homeostat.app.versions.runtimes import load_runtime
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import IntegrityError, Refused, Unavailable
from homeostat.registry.layout import Layout
from homeostat.registry.manifest import MANIFEST
from homeostat.training.proof import TOLERANCE, both, prove, scores_of
from tests.contract.test_registry import make_version
from tests.harness.signed import sign
from tests.unit.training.test_convert import KINDS, NUMBERS, TEXTS, Unheard, frame, one_hot, ordinal, trees

ROWS, LABEL = frame(400)
BOOSTED = {"n_estimators": 10, "n_jobs": 1}
BRIEF = {"max_iter": 3, "random_state": 7}


def as_categories(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype(dict.fromkeys(TEXTS, "category"))


def shops_as_categories(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype({"shop": "category"})


def numbers(*steps: Any) -> Pipeline:
    return make_pipeline(ColumnTransformer([("numbers", SimpleImputer(), NUMBERS)]), *steps)


def chosen(model: Any, wanted: str = "auto") -> Any:
    return choose_form(model.fit(ROWS, LABEL), KINDS, [ROWS], "v1", wanted)


AUTO: Mapping[str, tuple[Any, str, str]] = {
    "trees": (lambda: make_pipeline(ordinal(), trees()), "onnx", ""),
    "linear leaves": (lambda: make_pipeline(ordinal(), trees(linear_tree=True)), "lightgbm", "differ by"),
    "zeros as missing": (
        lambda: make_pipeline(ordinal(), trees(zero_as_missing=True)),
        "lightgbm",
        "zero_as_missing has no ONNX form",
    ),
    "pandas categories": (
        lambda: make_pipeline(FunctionTransformer(as_categories), trees()),
        "lightgbm",
        "has no ONNX form",
    ),
    "xgboost": (lambda: make_pipeline(ordinal(), XGBClassifier(**BOOSTED)), "xgboost", "has no ONNX form"),
    "boosters behind other steps": (
        lambda: numbers(StandardScaler(), trees(zero_as_missing=True)),
        "skops",
        "The step StandardScaler makes something else",
    ),
    "splines": (lambda: numbers(SplineTransformer(), LogisticRegression()), "skops", "has no ONNX form"),
}


@pytest.mark.parametrize("name", AUTO)
def test_onnx_comes_first_then_the_librarys_own_booster_then_skops(name: str) -> None:
    make, runtime, why = AUTO[name]
    model = make()
    served = chosen(model)
    assert served.form.runtime == runtime
    assert why in served.form.why
    assert bool(served.form.why) == (runtime != "onnx")
    fresh, _ = frame(200, seed=1)
    answers = scores_of(served.runtime.predict, fresh)
    np.testing.assert_allclose(answers, model.predict_proba(fresh)[:, 1], atol=TOLERANCE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: numbers(CalibratedClassifierCV(LinearSVC())),
        lambda: numbers(GradientBoostingClassifier(n_estimators=3, random_state=7)),
        lambda: numbers(KNeighborsClassifier()),
        lambda: numbers(SelectKBest(k=1), GaussianNB()),
        lambda: numbers(VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft")),
        lambda: make_pipeline(
            ordinal(), HistGradientBoostingClassifier(max_iter=3, categorical_features=[0], random_state=7)
        ),
        lambda: make_pipeline(ordinal(), XGBClassifier(**BOOSTED)),
    ],
)
def test_what_scikit_learn_has_is_trusted_and_gives_the_same_bytes_twice(make: Any) -> None:
    first, again = (chosen(make(), "skops") for _ in range(2))
    assert first.form.proof.worst == 0.0
    assert first.files == again.files


@pytest.mark.parametrize("wanted", ["onnx", "native", "skops"])
def test_a_loop_may_ask_for_one_form(wanted: str) -> None:
    served = chosen(make_pipeline(ordinal(), trees()), wanted)
    assert {"onnx": "onnx", "lightgbm": "native", "skops": "skops"}[served.form.runtime] == wanted
    assert served.form.why == ("" if wanted == "onnx" else f"The loop asks for {wanted}.")


def test_a_booster_is_asked_for_where_there_is_none() -> None:
    with pytest.raises(Refused, match="neither LightGBM's nor XGBoost's") as refused:
        chosen(make_pipeline(one_hot(), LogisticRegression()), "native")
    assert 'runtime="auto"' in refused.value.mend


def test_asking_for_onnx_takes_nothing_else() -> None:
    with pytest.raises(Refused, match="has no ONNX form"):
        chosen(numbers(SplineTransformer(), LogisticRegression()), "onnx")


def test_types_of_ones_own_are_refused_by_name() -> None:
    with pytest.raises(Refused, match="has no ONNX form") as refused:
        chosen(make_pipeline(ordinal(), Unheard()))
    assert "not trusted: tests.unit.training.test_convert.Unheard" in refused.value.problem
    assert "without tests.unit.training.test_convert.Unheard" in refused.value.mend
    assert refused.value.facts["types"] == ["tests.unit.training.test_convert.Unheard"]


def test_what_fails_on_rows_that_there_really_were_is_refused_once() -> None:
    """It never saw a later text, and says so by raising."""
    first = ROWS[ROWS["shop"] != "c"]
    step = ColumnTransformer([("texts", OrdinalEncoder(), ["shop"])])
    model = make_pipeline(step, trees()).fit(first, LABEL[first.index])
    with pytest.raises(Refused, match="fails on rows that there really were: ValueError") as refused:
        choose_form(model, KINDS, [first, ROWS], "v1")
    assert refused.value.problem.count("fails on rows") == 1


def test_a_form_that_fails_where_the_estimator_answers_is_refused() -> None:
    model = make_pipeline(ordinal(), trees()).fit(ROWS, LABEL)

    def predict(columns: Mapping[str, Any]) -> np.ndarray:
        raise OverflowError("too much")

    with pytest.raises(Refused, match="answers rows on which its native form fails: OverflowError: too much"):
        prove(model, predict, ROWS, KINDS, form="native")


def test_a_function_without_a_name_is_refused() -> None:
    with pytest.raises(Refused, match=r"not trusted: .*<lambda>"):
        chosen(numbers(FunctionTransformer(lambda rows: rows), LogisticRegression()), "skops")


def test_a_registered_model_with_a_type_of_its_own_is_not_loaded() -> None:
    import skops.io  # looks through every module there is

    from homeostat.adapters.skops.runtime import SkopsRuntime

    written = skops.io.dumps(Unheard().fit(ROWS, LABEL))
    with pytest.raises(Refused, match="The model of version v1 holds types that are not trusted"):
        SkopsRuntime("v1", tuple(KINDS.items()), written)


def test_a_slice_that_differs_is_refused_by_name() -> None:
    model = make_pipeline(ordinal(), trees()).fit(ROWS, LABEL)

    def predict(columns: Mapping[str, Any]) -> np.ndarray:
        found: np.ndarray = model.predict_proba(pd.DataFrame(columns))[:, 1]
        return found + np.where(columns["shop"] == "b", 0.001, 0.0)

    with pytest.raises(Refused, match=r"Slices: shop = 'b'") as refused:
        prove(model, predict, ROWS, {name: KINDS[name] for name in ("shop", *NUMBERS)}, form="native")
    assert refused.value.facts["slices"] == ["shop = 'b'"]
    loose = prove(model, predict, ROWS, KINDS, tolerance=0.01)
    worst = loose.slices["shop"]
    assert worst["b"] == pytest.approx(0.001)
    assert worst["a"] == 0.0
    assert both(loose, loose).slices == loose.slices


def test_xgboosts_own_categories_are_kept_and_their_codes_with_them() -> None:
    kinds = {name: KINDS[name] for name in ("shop", *NUMBERS)}
    steps = FunctionTransformer(shops_as_categories), XGBClassifier(enable_categorical=True, **BOOSTED)
    rows = ROWS[list(kinds)]
    served = choose_form(make_pipeline(*steps).fit(rows, LABEL), kinds, [rows], "v1")
    assert (served.form.runtime, served.form.proof.worst) == ("xgboost", 0.0)
    assert Layout.from_bytes(served.files["columns.json"]).columns[0].codes == {"": 0.0, "a": 1.0, "b": 2.0, "c": 3.0}


PARTS = {
    "by name": (["size", "age"], ["shop"], "drop", ["size", "age", "shop"]),
    "by place": ([2, 1], [3, 0], "drop", ["age", "size", "town", "shop"]),
    "by mask": ([False, True, False, False], ["shop"], "drop", ["size", "shop"]),
    "by slice": (slice(1, 3), ["town"], "drop", ["size", "age", "town"]),
    "the rest": (["age"], ["town", "shop"], "passthrough", ["age", "town", "shop", "size"]),
}


@pytest.mark.parametrize("name", PARTS)
def test_columns_may_be_chosen_in_every_way_that_scikit_learn_has(name: str) -> None:
    first, texts, rest, expected = PARTS[name]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    parts = [("first", "passthrough", first), ("texts", codes, texts)]
    model = make_pipeline(ColumnTransformer(parts, remainder=rest), trees()).fit(ROWS, LABEL)
    layout = Layout.from_bytes(export_lightgbm(model, KINDS)["columns.json"])
    assert [column.feature for column in layout.columns] == expected
    assert choose_form(model, KINDS, [ROWS], "v1", "native").form.proof.worst == 0.0


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (OrdinalEncoder(), "OrdinalEncoder with these settings"),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=20), "OrdinalEncoder"),
    ],
)
def test_encoders_that_do_more_than_number_texts_have_no_native_form(encoder: OrdinalEncoder, said: str) -> None:
    step = ColumnTransformer([("texts", encoder, TEXTS)])
    with pytest.raises(Refused, match=said):
        chosen(make_pipeline(step, trees()), "native")


def test_a_booster_that_was_stopped_early_is_served_up_to_its_best_tree() -> None:
    rows, label = ROWS[NUMBERS], LABEL
    model = XGBClassifier(n_estimators=40, learning_rate=1.0, n_jobs=1, early_stopping_rounds=3)
    model.fit(rows[:300], label[:300], eval_set=[(rows[300:], label[300:])], verbose=False)
    assert model.best_iteration < 39
    served = choose_form(model, {name: KINDS[name] for name in NUMBERS}, [rows], "v1", "native")
    assert served.form.proof.worst <= 1e-7


def test_a_booster_is_asked_about_numbers_alone_without_a_pipeline() -> None:
    kinds = {name: KINDS[name] for name in NUMBERS}
    model = LGBMClassifier(n_estimators=5, n_jobs=1, verbosity=-1).fit(ROWS[NUMBERS], LABEL)
    assert choose_form(model, kinds, [ROWS[NUMBERS]], "v1", "native").form.proof.worst == 0.0


def test_a_version_of_a_later_release_is_refused_as_such(tmp_path: Path) -> None:
    version = make_version(tmp_path)
    told = {**version.to_json(), "form": {"runtime": "abacus", "model": "m", "why": "", "proof": {
        "rows": 1, "worst": 0.0, "tolerance": 1.0, "slices": {}}}}  # fmt: skip
    (tmp_path / MANIFEST).write_bytes(canonical_json(told))
    sign(tmp_path)
    with pytest.raises(Unavailable, match="'abacus', which this release"):
        load_runtime(tmp_path, version.loop, version.version)


def test_a_layout_that_does_not_fit_its_model_is_refused() -> None:
    from homeostat.adapters.lightgbm.runtime import LightGbmRuntime

    files = chosen(make_pipeline(ordinal(), trees()), "native").files
    short = Layout(Layout.from_bytes(files["columns.json"]).columns[1:]).to_bytes()
    for layout, said in ((short, "takes 4 columns, where its layout gives 3"), (b"[]", "no layout of columns")):
        with pytest.raises(IntegrityError, match=said):
            LightGbmRuntime("v1", tuple(KINDS.items()), files["model.txt"], layout)
