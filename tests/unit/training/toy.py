"""A toy loop whose truth can be learnt, and random facts for it: shared by the tests of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

import homeostat as hs
from homeostat.control.loop import Loop
from homeostat.data.tables import SEQUENCE, Table
from homeostat.training.training_set import Sources

HOUR = 3_600_000_000
DAY = 24 * HOUR

asked = hs.Table(
    "asked",
    key="id",
    event_time="at",
    contract={
        "id": hs.text(),
        "at": hs.instant(),
        "due": hs.instant(),
        "shop": hs.text(nullable=True),
        "size": hs.number(nullable=True),
    },
)
done = hs.Table(
    "done",
    key="id",
    event_time="at",
    contract={"id": hs.text(), "at": hs.instant(), "shop": hs.text(nullable=True), "delay": hs.number(nullable=True)},
)
_ARROW = {"text": pa.string(), "number": pa.float64(), "instant": pa.timestamp("us", tz="UTC")}


def train(rows: Any, config: Mapping[str, Any]) -> Any:
    """Trees, as a user would write them."""
    from lightgbm import LGBMClassifier
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    if config.get("raises"):
        raise KeyError(config["raises"])
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("codes", codes, ["shop"])], remainder="passthrough")
    steady = {"n_jobs": 1, "random_state": 7, "deterministic": True, "force_row_wise": True, "verbosity": -1}
    trees = LGBMClassifier(n_estimators=config["trees"], **steady)
    return Pipeline([("columns", columns), ("trees", trees)]).fit(rows.features, rows.label)


def make_loop(train: Callable[[Any, Mapping[str, Any]], Any] = train, **config: Any) -> Loop:
    """The toy loop: two columns of the question and two windows of what happened at the shop."""
    return Loop(
        name="toy",
        question=asked,
        features=[
            asked["shop", "size"],
            hs.Window(done, by="shop", over=["6h"], values={"delay": hs.mean("delay"), "n": hs.count()}),
        ],
        label=hs.Label(done, "delay > 15", matures="24h after due"),
        train=train,
        config={"trees": 20, **config},
    )


loop = make_loop()


def facts(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as stored; each must bring its ``_sequence``."""
    schema = pa.schema({name: _ARROW[column.kind] for name, column in table.contract.items()})
    columns = {name: pa.array([row[name] for row in rows], schema.field(name).type) for name in schema.names}
    return pa.table({**columns, SEQUENCE: pa.array([row[SEQUENCE] for row in rows], pa.int64())})


def history(days: int, per_day: int, seed: int = 0) -> dict[str, pa.Table]:
    """Questions and outcomes in which a big size, a bad shop and a bad day mean delay."""
    rng = np.random.default_rng(seed)
    count = days * per_day
    at = np.sort(rng.integers(0, days * DAY, count))
    shop = rng.choice(["a", "b", "c", None], count, p=[0.4, 0.3, 0.2, 0.1])
    size = np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count).round(2))
    mood = rng.normal(size=days)[at // DAY]
    delay = 10 + 8 * np.nan_to_num(size) + 10 * (shop == "b") + mood + rng.normal(size=count) * 6
    questions, outcomes = [], []
    for index in range(count):
        own = {"id": f"q{index}", "shop": shop[index]}
        number = None if np.isnan(size[index]) else float(size[index])
        due = int(at[index]) + 2 * HOUR
        questions.append({**own, "at": int(at[index]), "due": due, "size": number})
        outcomes.append({**own, "at": due + HOUR, "delay": float(delay[index])})
    return _in_order_of_time(questions, outcomes)


def sources(
    tables: Mapping[str, pa.Table], *, sequence: int = 1 << 60, as_of: int = 1 << 60, version: int = 0
) -> Sources:
    """Tables in memory behind the port through which training reads."""

    def read(table: str, version: int, columns: Sequence[str]) -> pa.Table:
        return tables[table].select(list(columns))

    return Sources(read, dict.fromkeys(tables, version), sequence, as_of)


def _in_order_of_time(questions: list[dict[str, Any]], outcomes: list[dict[str, Any]]) -> dict[str, pa.Table]:
    marked = [(row["at"], 0, row) for row in questions] + [(row["at"], 1, row) for row in outcomes]
    found: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for sequence, (_, kind, row) in enumerate(sorted(marked, key=lambda entry: entry[:2])):
        found[kind].append({**row, SEQUENCE: sequence})
    return {"asked": facts(asked, found[0]), "done": facts(done, found[1])}
