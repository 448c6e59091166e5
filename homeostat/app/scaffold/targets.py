"""What a target column can be asked: whether it is one value, how much it is, or which of several classes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import polars as pl

from homeostat.app.scaffold.cleaning import is_id, times_in
from homeostat.app.scaffold.plan import Target
from homeostat.data.contracts import Kind
from homeostat.data.labels import Answers
from homeostat.kernel.errors import InvalidInput

_YES = frozenset({"1", "true", "yes", "y", "t"})
_MOST_NAMED = 6
_WHOLE_CLASSES, _TEXT_CLASSES = 10, 20
"""Different whole numbers, or texts, up to which a target is taken for classes where nobody says."""
_MOST_CLASSES = 200
_REPEATS = 5
"""How often each text of a target that is taken for classes must stand there on average."""


def target_of(column: pl.Series, positive: str | None, answers: Answers | None) -> tuple[Target, list[str]]:
    """What is predicted of a column of outcomes, and what was assumed to know it.

    ``positive`` is the value that is to come true, as text, ``answers`` what the model is to answer; None to find out.
    Raises: InvalidInput, with the option that decides it, where the column leaves it open or cannot be that.
    """
    kind = _kind(column)
    values = column.drop_nulls().unique().sort().to_list()
    _must_be_outcomes(column, values)
    told: list[str] = []
    if positive is not None:
        _must_be_binary(answers)
        target = _named(column.name, kind, values, positive)
    else:
        if answers is None:
            answers, told = _guessed(column, kind, values)
        target = _MAKERS[answers](column, kind, values)
    return replace(target, values=tuple(map(_shown, values[:_MOST_CLASSES]))), told


def outcomes_of(column: pl.Series, target: Target) -> pl.Series:
    """The column as the table of outcomes holds it: classes are texts, even where they were numbers.

    >>> outcomes_of(pl.Series("a", [1.0, None]), Target("a", "text", "a", "multiclass", ("1", "2"))).to_list()
    ['1', None]
    """
    if target.answers != "multiclass" or column.dtype == pl.String:
        return column
    return pl.Series(column.name, [None if one is None else _shown(one) for one in column.to_list()], dtype=pl.String)


def _must_be_outcomes(column: pl.Series, values: list[Any]) -> None:
    if len(values) < 2:
        raise InvalidInput(
            f"The target {column.name!r} is always {_shown(values[0]) if values else 'empty'}.",
            mend="Name a column that says what came true and what did not.",
            target=column.name,
        )
    if is_id(column.name) and len(values) == len(column):
        raise InvalidInput(
            f"The target {column.name!r} is another one in each row: it identifies rows and says nothing of them.",
            mend="Name a column of outcomes.",
            target=column.name,
        )


def _must_be_binary(answers: Answers | None) -> None:
    if answers not in (None, "binary"):
        raise InvalidInput(
            f"--positive is the value of a yes or no; --kind {answers} has none.", mend="Leave one of them out."
        )


def _guessed(column: pl.Series, kind: Kind, values: list[Any]) -> tuple[Answers, list[str]]:
    """A yes or no of two values; else numbers are predicted as numbers, and few texts or whole numbers are classes."""
    name, many = column.name, len(values)
    if many == 2:
        return "binary", []
    if kind == "text":
        if many > _TEXT_CLASSES or many * _REPEATS > column.drop_nulls().len():
            raise InvalidInput(
                f"The target {name!r} has {many:,} different texts: hardly classes that a model could tell apart.",
                mend="Name a column of numbers or of few texts"
                + (
                    f"; or say which text is to be predicted, such as --positive {_worded(values[0])}; or add --kind"
                    " multiclass if these are classes."
                    if many <= _MOST_CLASSES
                    else "."
                ),
                target=name,
            )
        return "multiclass", [f"{name!r} is one of {many} texts: which of these classes it is, is predicted."]
    if many <= _WHOLE_CLASSES and all(float(value).is_integer() for value in values):
        return "multiclass", [
            f"{name!r} is one of {many} whole numbers: they are taken for classes; --kind regression predicts a number."
        ]
    return "regression", [f"{name!r} holds numbers: how much it is, is predicted; --kind says otherwise."]


def _yes_or_no(column: pl.Series, kind: Kind, values: list[Any]) -> Target:
    if kind == "boolean":
        return Target(column.name, kind, column.name, positive="true")
    chosen = [value for value in values if _says_yes(value, values)] if len(values) == 2 else []
    if len(chosen) != 1:
        first, last = _shown(values[0]), _shown(values[-1])
        one = f"{first} or {last}" if len(values) == 2 else f"one of {len(values):,} values"
        other = "--kind multiclass to tell classes apart" if kind == "text" else "--kind regression for a number"
        raise InvalidInput(
            f"The target {column.name!r} is {one}: which of them is to be predicted?",
            mend=f"Add --positive {_worded(values[-1])}, or another one; or {other}.",
            target=column.name,
            values=[_shown(value) for value in values[:_MOST_NAMED]],
        )
    return _condition(column.name, kind, chosen[0])


def _number(column: pl.Series, kind: Kind, values: list[Any]) -> Target:
    if kind not in ("number", "integer"):
        raise InvalidInput(
            f"The target {column.name!r} holds no numbers, but such as {_shown(values[0])!r}.",
            mend="Name a column of numbers: --kind regression, or a model of numbers, needs one.",
            target=column.name,
        )
    return Target(column.name, kind, column.name, "regression")


def _classes(column: pl.Series, kind: Kind, values: list[Any]) -> Target:
    if kind == "number" and not all(value.is_integer() for value in values):
        raise InvalidInput(
            f"The target {column.name!r} holds numbers with fractions, which are no classes.",
            mend="Predict a number of it; or name a column of few texts or whole numbers, which --kind multiclass, or a"
            " model of several classes, needs.",
            target=column.name,
        )
    if len(values) > _MOST_CLASSES:
        raise InvalidInput(
            f"The target {column.name!r} has {len(values):,} different values; {_MOST_CLASSES} classes are the most.",
            mend="Name a column of fewer values, or put rare ones together.",
            target=column.name,
        )
    return Target(column.name, "text", column.name, "multiclass", tuple(map(_shown, values)))


_MAKERS = {"binary": _yes_or_no, "regression": _number, "multiclass": _classes}


def _says_yes(value: object, values: list[Any]) -> bool:
    """A text by what it says; a number where it is 1 and the other is 0 or -1."""
    if isinstance(value, str):
        return value.lower() in _YES
    return value == 1 and any(other in (0, -1) for other in values)


def _named(name: str, kind: Kind, values: list[Any], positive: str) -> Target:
    found = [value for value in values if _shown(value) == positive or _shown(value).lower() == positive.lower()]
    if not found:
        listed = ", ".join(map(_shown, values[:_MOST_NAMED])) + (" and others" if len(values) > _MOST_NAMED else "")
        raise InvalidInput(
            f"The target {name!r} is never {positive!r}; it is {listed}.",
            mend="Give --positive a value of the column.",
            target=name,
        )
    if kind == "boolean":
        return Target(name, kind, name if found[0] else f"not {name}", positive=_shown(found[0]))
    return _condition(name, kind, found[0])


def _condition(name: str, kind: Kind, value: object) -> Target:
    return Target(name, kind, f"{name} == {json.dumps(value, ensure_ascii=False)}", positive=_shown(value))


def _kind(column: pl.Series) -> Kind:
    if column.dtype == pl.Boolean:
        return "boolean"
    if column.dtype.is_integer():
        return "integer"
    if column.dtype.is_numeric():
        return "number"
    if column.dtype == pl.String and times_in(column) is None:
        return "text"
    raise InvalidInput(
        f"The target {column.name!r} holds times.", mend="Name a column of outcomes.", target=column.name
    )


def _worded(value: object) -> str:
    """A value as one types it in a shell."""
    shown = _shown(value)
    return json.dumps(shown, ensure_ascii=False) if not shown.isalnum() else shown


def _shown(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
