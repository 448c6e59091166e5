"""The page, the tests and the example that lie beside a new loop file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from homeostat.app.scaffold.plan import Plan

_TESTS = '''"""What this loop must always do; run them with `python -m pytest`, or `python tests/test_loop.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from homeostat.training.rows import TrainingRows, model_frame  # noqa: E402
from loop import loop, outcomes, questions  # noqa: E402


def history() -> TrainingRows:
    """The rows of history, oldest first, as the training function is given them."""
    asked = pd.read_parquet(HERE / "history" / "questions.parquet")
    told = pd.read_parquet(HERE / "history" / "outcomes.parquet")
    rows = asked.merge(told, on=list(questions.keys)).sort_values(questions.event_time)
    columns = {}
    for name, kind in loop.feature_set.kinds.items():
        values = rows[name].astype(object).where(rows[name].notna(), None) if kind == "text" else rows[name]
        columns[name] = values.to_numpy(dtype=object if kind == "text" else float)
    truth = loop.label.truth({name: rows[name].to_numpy() for name in loop.label.columns}) == 1.0
    asked_at = rows[questions.event_time].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    return TrainingRows(model_frame(columns, loop.feature_set.kinds), truth, asked_at)


def some(rows: TrainingRows, chosen: slice) -> TrainingRows:
    return TrainingRows(rows.features.iloc[chosen], rows.label[chosen], rows.asked_at[chosen])


def probability(model: object, features: pd.DataFrame) -> np.ndarray:
    return model.predict_proba(features)[:, 1]


def test_both_outcomes_are_in_the_history() -> None:
    assert 0 < history().label.mean() < 1


def test_the_same_rows_give_the_same_model() -> None:
    rows = history()
    first, second = (probability(loop.train(rows, loop.config), rows.features) for _ in range(2))
    assert np.array_equal(first, second)


def test_later_rows_are_told_apart_better_than_by_chance() -> None:
    from sklearn.metrics import roc_auc_score

    rows = history()
    cut = len(rows.label) * 4 // 5
    model = loop.train(some(rows, slice(cut)), loop.config)
    later = some(rows, slice(cut, None))
    assert roc_auc_score(later.label, probability(model, later.features)) > 0.5


def test_a_row_of_which_nothing_is_known_is_answered() -> None:
    rows = history()
    kinds = loop.feature_set.kinds
    nothing = model_frame({name: np.array([None if kind == "text" else np.nan]) for name, kind in kinds.items()}, kinds)
    assert 0 <= probability(loop.train(rows, loop.config), nothing)[0] <= 1


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print("passed", name)
'''


def tests_file() -> str:
    """``tests/test_loop.py``: what holds for any such loop."""
    return _TESTS


def example_file(row: Mapping[str, Any]) -> str:
    """``example.json``: a request about one row."""
    return json.dumps({"rows": [dict(row)]}, indent=2, ensure_ascii=False, default=str) + "\n"


def readme_file(plan: Plan) -> str:
    """``README.md``: how to run it, ask it, and go on from there."""
    told = "\n".join(f"* {text}" for text in plan.assumed)
    return f"""# {plan.loop}

Is `{plan.target.condition}`? Made by `homeostat init` of {plan.rows:,} rows of {plan.source}, of which
{plan.labelled:,} have an outcome; it is true in {plan.positive:,}.

Run it from this folder:

    homeostat up

The first version is trained from the history, judged on its newest days, and serves within a minute or so;
`homeostat status` says how it stands, and the dashboard is on http://127.0.0.1:8401.

Ask it:

    curl -H 'Content-Type: application/json' -d @example.json http://127.0.0.1:8400/loops/{plan.loop}/predict

Send every question as an event too, and later its outcome; both are what the next version learns from:

    curl -H 'Content-Type: application/json' -d @example.json \\
        http://127.0.0.1:8400/tables/{plan.prefix}_questions/events
    curl -H 'Content-Type: application/json' -d '{{"rows": [{{...}}]}}' \\
        http://127.0.0.1:8400/tables/{plan.prefix}_outcomes/events

Try a change of `loop.py` before it is released: `python -m pytest`, and `homeostat ci` while Homeostat runs or not.

## What was assumed

{told}

Look at every contract in `loop.py`: ranges and categories are those of the history, and only warn. `history/` is what
was taken in; it is not read again.
"""
