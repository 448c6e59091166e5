"""A loop file as a person would have written it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from homeostat.app.scaffold.plan import TOLD_AT, Plan
from homeostat.data.contracts import Column
from homeostat.data.inference import constructor

_WIDEST = 100
_SIZES = ((2_000, (60, 5)), (10_000, (100, 7)), (50_000, (100, 15)), (float("inf"), (200, 31)))
"""Fewer than so many rows: trees, and leaves of each."""
_TREES = {"regression": "HistGradientBoostingRegressor"}
_CLASSIFIER = "HistGradientBoostingClassifier"
_TRAIN = '''
def train(rows, config):
    """Boosted trees: missing numbers stay missing, texts become codes, a text never heard of is one of its own."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import {trees}
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    trees = {trees}(
        max_iter=config["trees"],
        learning_rate=config["learning_rate"],
        max_leaf_nodes=config["leaves"],
        l2_regularization=1.0,
        early_stopping=False,
        random_state=config["seed"],
    )
    columns = ColumnTransformer([("codes", codes, TEXTS)], remainder="passthrough")
    return Pipeline([("columns", columns), ("trees", trees)]).fit(rows.features, rows.label)
'''


_SERVE = '''
def train(rows, config):
    """The model that was brought, as it is; fit an estimator on rows.features and rows.label here to train one."""
    from homeostat.app.brought import load_model

    return load_model(Path(__file__).parent, config, list(rows.features.columns), loop.label)
'''


def loop_file(plan: Plan) -> str:
    """``loop.py``: both tables, the features, the label, a training function, the limits."""
    trees = _TREES.get(plan.target.answers, _CLASSIFIER)
    making = ["", _SERVE] if plan.model else [f"TEXTS = {_list(plan.texts)}", "", _TRAIN.replace("{trees}", trees)]
    return "\n".join([*_head(plan), *_tables(plan), *making, *_loop(plan), ""])


def _head(plan: Plan) -> Iterator[str]:
    yield f'"""{_quoted(plan.target.question)} Asked about each row of {plan.prefix}_questions at its {plan.time}.'
    yield ""
    yield f"Made by 'homeostat init' of {plan.made_of}. Read it, and change what you know better."
    if plan.assumed:
        yield "\nAssumed:"
        yield from (f"* {text}" for text in plan.assumed)
    if plan.left_out:
        yield "\nColumns that are no features:"
        yield from (f"* {name} {why}" for name, why in plan.left_out.items())
    if plan.renamed:
        yield "\nColumns that took another name:"
        yield from (f"* {_quoted(old)} is {new}" for old, new in plan.renamed.items())
    yield '"""'
    yield ""
    if plan.model:
        yield "from pathlib import Path\n"
    yield "import homeostat as hs"
    yield ""


def _quoted(name: str) -> str:
    """A column's name from outside must not end the docstring that it stands in."""
    return name.replace("\\", "/").replace('"', "'")


def _tables(plan: Plan) -> Iterator[str]:
    key = {name: Column("instant" if kind == "instant" else kind) for name, kind in plan.key}
    features = {one.name: (one.column, one.why) for one in plan.features}
    asked = {**{name: (column, "") for name, column in key.items()}, plan.time: (Column("instant"), ""), **features}
    yield from _table("questions", f"{plan.prefix}_questions", plan, plan.time, asked)
    yield ""
    told = {**{name: (column, "") for name, column in key.items()}, TOLD_AT: (Column("instant"), "")}
    target = {plan.target.column: (plan.target.promise, "")}
    yield from _table("outcomes", f"{plan.prefix}_outcomes", plan, TOLD_AT, {**told, **target})
    yield ""


def _table(
    variable: str, name: str, plan: Plan, event_time: str, columns: Mapping[str, tuple[Column, str]]
) -> Iterator[str]:
    yield f"{variable} = hs.Table("
    yield f'    "{name}",'
    yield f"    key={_key(plan)},"
    yield f'    event_time="{event_time}",'
    yield "    contract={"
    for column, (promise, why) in columns.items():
        line = f'        "{column}": {constructor(promise)},'
        yield f"{line}  # {why}" if why and len(line) + len(why) < _WIDEST else line
    yield "    },"
    yield ")"


def _loop(plan: Plan) -> Iterator[str]:
    names = [f'"{one.name}"' for one in plan.features]
    yield ""
    yield "loop = hs.Loop("
    yield f'    name="{plan.loop}",'
    yield "    question=questions,"
    if len(", ".join(names)) < _WIDEST:
        yield f"    features=[questions[{', '.join(names)}]],"
    else:
        yield "    features=["
        yield "        questions["
        yield from (f"            {name}," for name in names)
        yield "        ]"
        yield "    ],"
    yield f'    label=hs.Label(outcomes, {_text(plan.target.condition)}, matures="{plan.matures} after {plan.time}"),'
    yield "    train=train,"
    yield f"    config={_config(plan)},"
    if plan.model:
        yield f'    files=["{plan.model.file}"],  # kept with every version, so that each can be made again'
    yield "    # A first version is judged on the rows since then: the newest fifth of the history's days."
    yield f'    retrain=hs.Retrain(first_holdout="{plan.holdout}", min_rows={plan.min_rows}),'
    yield '    owner="",'
    yield ")"


def _config(plan: Plan) -> str:
    if plan.model:
        positive = "" if plan.model.positive is None else f'\n        "positive": {_text(plan.model.positive)},'
        return f'{{\n        "model": "{plan.model.file}",\n        "sha256": "{plan.model.sha256}",{positive}\n    }}'
    trees, leaves = _size(plan.labelled)
    return f'{{"trees": {trees}, "learning_rate": 0.05, "leaves": {leaves}, "seed": 7}}'


def _size(rows: int) -> tuple[int, int]:
    """Trees and leaves of each that so many rows can bear: too many learn the rows by heart."""
    return next(size for limit, size in _SIZES if rows < limit)


def _key(plan: Plan) -> str:
    names = [f'"{name}"' for name, _ in plan.key]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _list(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _text(condition: str) -> str:
    return f"'{condition}'" if '"' in condition and "'" not in condition else json.dumps(condition, ensure_ascii=False)
