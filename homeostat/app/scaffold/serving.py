"""A loop that serves a model from elsewhere: which columns it is asked about, and that it answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from numpy.typing import NDArray

from homeostat.adapters.files.tabular import SUFFIXES
from homeostat.app.brought.files import is_model, read_model, suffixes
from homeostat.app.brought.models import (
    answers_of,
    fitted_for,
    must_answer,
    named_classes,
    names_in,
    positive_name,
    width_of,
)
from homeostat.app.scaffold.cleaning import names_for
from homeostat.app.scaffold.past import Past
from homeostat.app.scaffold.plan import Asked, Brought, Plan, Target
from homeostat.data.inference import ProposedColumn
from homeostat.kernel.errors import InvalidInput, NotFound
from homeostat.registry.manifest import hash_file
from homeostat.registry.models import Kind
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task
from homeostat.training.rows import model_frame

_MLFLOW = "mlflow:"
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".sav", ".pt", ".pth")
_ASKED = 500
_SAID = {"binary": "a yes or no", "regression": "a number", "multiclass": "one of several classes"}


def sources_of(
    source: str | None, rows: Path | None, tracking: str | None, scratch: Path
) -> tuple[Path | None, Path | None]:
    """The file of rows and that of a model, whichever ``source`` is; what lies in MLflow is fetched to ``scratch``.

    Raises: InvalidInput for a model without rows, rows twice, or a file of no kind that is read; NotFound without it.
    """
    if source is None or not (source.startswith(_MLFLOW) or is_model(source)):
        if source is not None and Path(source).suffix.lower() not in SUFFIXES:
            raise _unread(source)
        if rows is not None:
            raise InvalidInput(
                "Rows are given twice, or without a model.",
                mend="Give rows with --from; or a model with --from, and rows with --rows.",
            )
        return (None if source is None else Path(source)), None
    if rows is None:
        raise InvalidInput(
            f"{source} is a model: before it serves, it is judged on rows whose outcome is known.",
            mend="Add --rows FILE and --target COLUMN.",
            source=source,
        )
    if not source.startswith(_MLFLOW):
        if not Path(source).is_file():
            raise NotFound(f"There is no file {source}.", mend="Name an existing file.", file=source)
        return rows, Path(source)
    from homeostat.adapters.mlflow.brought import fetch_model

    tracking = tracking or os.environ.get("MLFLOW_TRACKING_URI")
    if not tracking:
        raise InvalidInput(
            f"{source} is in MLflow, but not where.",
            mend="Add --tracking-uri, such as sqlite:///mlflow.db, or set MLFLOW_TRACKING_URI.",
            source=source,
        )
    return rows, fetch_model(source.removeprefix(_MLFLOW), scratch, suffixes(), tracking)


def _unread(source: str) -> InvalidInput:
    """A model in a form that is not read, most likely: a pickle runs whatever its author wrote, so none is loaded."""
    pickle = Path(source).suffix.lower() in _PICKLES
    return InvalidInput(
        f"{source} is a pickle, which is never loaded." if pickle else f"{source} is of no kind that can be read.",
        mend="Write the model, where you trust it, with skops.io.dump (scikit-learn), booster.save_model (LightGBM),"
        " save_model to .json (XGBoost), or to ONNX; rows are .csv, .parquet or .jsonl.",
        source=source,
    )


def asked_of(asked: Asked, file: Path) -> Asked:
    """The same question with what the model in ``file`` answers. Raises: InvalidInput where another kind is asked."""
    found = answers_of(read_model(file), file.name)
    wanted = "binary" if asked.positive is not None else asked.answers
    if found is not None and wanted not in (None, found):
        raise InvalidInput(
            f"{file.name} answers {_SAID[found]}, not {_SAID[wanted]}.",
            mend="Leave --kind and --positive out; or give rows alone, and a model is trained.",
            file=file.name,
        )
    return asked if found is None or asked.positive is not None else replace(asked, answers=found)


def serving(past: Past, file: Path) -> Past:
    """The same past for a loop that serves the model in ``file``: its features are those that the model takes.

    Raises: InvalidInput where the rows lack one, it is not clear which they are, or the model does not answer.
    """
    model, target = read_model(file), past.plan.target
    features, told = _features(past.plan, names_in(model), width_of(model), file.name)
    positive = None
    model = fitted_for(model, [one.name for one in features], target.answers)
    if target.answers == "multiclass":
        classes, more = named_classes(model, target.classes, file.name)
        target, told = replace(target, classes=classes), [*told, *more]
    elif target.answers == "binary":
        positive = positive_name(model, target.positive, target.values, file.name)
    model = fitted_for(model, [one.name for one in features], target.answers, target.classes, positive)
    _must_answer(model, features, past, target, file.name)
    named = {one.name for one in features}
    unused = {one.name: "is none of the model's" for one in past.plan.features if one.name not in named}
    plan = replace(
        past.plan,
        target=target,
        spread={**dict.fromkeys(target.classes, 0), **past.plan.spread},
        features=features,
        model=Brought(f"model{file.suffix.lower()}", hash_file(file), positive),
        assumed=(*past.plan.assumed, *told),
        left_out={**past.plan.left_out, **unused},
    )
    keep = [*(name for name, _ in plan.key), plan.time, *(one.name for one in features)]
    return Past(plan, past.questions.select(list(dict.fromkeys(keep))), past.outcomes)


def _must_answer(model: Any, features: Sequence[ProposedColumn], past: Past, target: Target, file: str) -> None:
    kinds: dict[str, Kind] = {one.name: "text" if one.column.kind == "text" else "number" for one in features}
    newest = past.questions.tail(_ASKED)
    columns = {name: _values(newest[name], kind == "text") for name, kind in kinds.items()}
    made: dict[str, Task] = {"regression": Regression(), "multiclass": Multiclass(target.classes)}
    must_answer(model, model_frame(columns, kinds), made.get(target.answers, BINARY), file)


def _features(
    plan: Plan, names: list[str] | None, width: int | None, file: str
) -> tuple[tuple[ProposedColumn, ...], list[str]]:
    known = {one.name: one for one in plan.features}
    if names is None:
        numbers = tuple(one for one in plan.features if one.column.kind != "text")
        if width is not None and len(numbers) != width:
            raise InvalidInput(
                f"{file} takes {width} columns without naming them, and the rows have {len(numbers)} of numbers.",
                mend="Give a file with the target, the key, the time and these columns in the model's order.",
                columns=[one.name for one in numbers],
            )
        return numbers, [
            f"The model names no columns: it is given {', '.join(one.name for one in numbers)}, in this order."
        ]
    new = [plan.renamed.get(name, name if name in known else names_for([name])[name]) for name in names]
    missing = {name: _why_not(plan, mine) for name, mine in zip(names, new, strict=True) if mine not in known}
    if missing:
        told = "; ".join(f"{name}, {why}" for name, why in missing.items())
        raise InvalidInput(
            f"{file} takes columns that are no features of the rows: {told}.",
            mend="Give rows with every column that the model takes, under its name; and fit it on features alone, also"
            " where a step of it would drop the others.",
            missing=list(missing),
        )
    return tuple(known[name] for name in new), []


def _why_not(plan: Plan, name: str) -> str:
    if name == plan.target.column:
        return "the target"
    if name == plan.time or name in dict(plan.key):
        return "the time of a row" if name == plan.time else "what identifies a row"
    return f"which {plan.left_out[name]}" if name in plan.left_out else "which the rows lack"


def _values(column: pl.Series, text: bool) -> NDArray[Any]:
    return column.cast(pl.Float64).to_numpy() if not text else column.to_numpy().astype(object)
