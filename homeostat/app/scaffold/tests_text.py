"""The tests that lie beside a new loop file: what holds for any such loop, by what it answers."""

from __future__ import annotations

from homeostat.data.labels import Answers

_HEAD = '''"""What this loop must always do; run them with `python -m pytest`, or `python tests/test_loop.py`."""

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
    truth = loop.label.typed(loop.label.truth({name: rows[name].to_numpy() for name in loop.label.columns}))
    if loop.label.classes:
        truth = np.array(loop.label.classes)[truth]
    asked_at = rows[questions.event_time].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    return TrainingRows(model_frame(columns, loop.feature_set.kinds), truth, asked_at)


def some(rows: TrainingRows, chosen: slice) -> TrainingRows:
    return TrainingRows(rows.features.iloc[chosen], rows.label[chosen], rows.asked_at[chosen])


def older_and_newer() -> tuple[TrainingRows, TrainingRows]:
    rows = history()
    cut = len(rows.label) * 4 // 5
    return some(rows, slice(cut)), some(rows, slice(cut, None))

'''
_BINARY = '''
def answers(model: object, features: pd.DataFrame) -> np.ndarray:
    """The probability of yes."""
    return model.predict_proba(features)[:, list(model.classes_).index(True)]


def test_both_outcomes_are_in_the_history() -> None:
    assert 0 < history().label.mean() < 1


def test_later_rows_are_told_apart_better_than_by_chance() -> None:
    from sklearn.metrics import roc_auc_score

    older, newer = older_and_newer()
    assert roc_auc_score(newer.label, answers(loop.train(older, loop.config), newer.features)) > 0.5

'''
_NUMBER = '''
def answers(model: object, features: pd.DataFrame) -> np.ndarray:
    """The predicted numbers."""
    return model.predict(features)


def test_numbers_in_the_history_differ() -> None:
    assert history().label.std() > 0


def test_later_rows_are_predicted_better_than_by_the_mean() -> None:
    older, newer = older_and_newer()
    told = answers(loop.train(older, loop.config), newer.features)
    assert np.mean((newer.label - told) ** 2) < np.mean((newer.label - older.label.mean()) ** 2)

'''
_CLASSES = '''
def answers(model: object, features: pd.DataFrame) -> np.ndarray:
    """A chance for each class of the model."""
    return model.predict_proba(features)


def test_several_classes_are_in_the_history() -> None:
    assert len(set(history().label)) > 1


def test_later_rows_are_told_apart_better_than_by_the_classes_shares() -> None:
    from homeostat.training.fitted import answering

    older, newer = older_and_newer()
    place = {name: number for number, name in enumerate(loop.label.classes)}
    truth = np.array([place[name] for name in newer.label])
    told = answering(loop.train(older, loop.config), loop.task)(newer.features)
    shares = np.tile([np.mean(older.label == name) for name in loop.label.classes], (len(truth), 1))
    assert loop.task.losses(truth, told).mean() < loop.task.losses(truth, shares).mean()

'''
_TAIL = """
def test_the_same_rows_give_the_same_model() -> None:
    rows = history()
    first, second = (answers(loop.train(rows, loop.config), rows.features) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_row_of_which_nothing_is_known_is_answered() -> None:
    rows = history()
    kinds = loop.feature_set.kinds
    nothing = model_frame({name: np.array([None if kind == "text" else np.nan]) for name, kind in kinds.items()}, kinds)
    assert np.isfinite(answers(loop.train(rows, loop.config), nothing)).all()


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print("passed", name)
"""
_OWN: dict[Answers, str] = {"binary": _BINARY, "regression": _NUMBER, "multiclass": _CLASSES}


def tests_file(answers: Answers) -> str:
    """``tests/test_loop.py`` of a loop that answers so."""
    return _HEAD + _OWN[answers] + _TAIL
