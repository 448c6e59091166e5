"""What a target column can be asked: which of its values is the one to predict."""

from __future__ import annotations

import json

import polars as pl

from homeostat.app.scaffold.plan import Target
from homeostat.data.contracts import Kind
from homeostat.kernel.errors import InvalidInput

_YES = frozenset({"1", "true", "yes", "y", "t"})
_MOST_NAMED = 6


def target_of(column: pl.Series, positive: str | None) -> Target:
    """The label's condition on a column of outcomes.

    Raises: InvalidInput where the column has one value only, more than two, or two of which neither says yes, and
    ``positive`` does not tell which is meant.
    """
    kind = _kind(column)
    values = column.drop_nulls().unique().sort().to_list()
    if positive is not None:
        return _named(column.name, kind, values, positive)
    if len(values) < 2:
        raise InvalidInput(
            f"The target {column.name!r} is always {_shown(values[0]) if values else 'empty'}.",
            mend="Name a column that says what came true and what did not.",
            target=column.name,
        )
    if kind == "boolean":
        return Target(column.name, kind, column.name)
    if len(values) > 2:
        raise _several(column.name, kind, values)
    chosen = [value for value in values if _says_yes(value, values)]
    if len(chosen) != 1:
        first, second = map(_shown, values)
        raise InvalidInput(
            f"The target {column.name!r} is {first} or {second}: which of them is to be predicted?",
            mend=f"Add --positive {json.dumps(second) if ' ' in second else second}, or the other one.",
            target=column.name,
            values=[first, second],
        )
    return _condition(column.name, kind, chosen[0])


def _says_yes(value: object, values: list[object]) -> bool:
    """A text by what it says; a number where it is 1 and the other is 0 or -1."""
    if isinstance(value, str):
        return value.lower() in _YES
    return value == 1 and any(other in (0, -1) for other in values)


def _named(name: str, kind: Kind, values: list[object], positive: str) -> Target:
    found = [value for value in values if _shown(value) == positive or _shown(value).lower() == positive.lower()]
    if not found or len(values) < 2:
        listed = ", ".join(map(_shown, values[:_MOST_NAMED])) + (" and others" if len(values) > _MOST_NAMED else "")
        raise InvalidInput(
            f"The target {name!r} is never {positive!r} beside something else; it is {listed}.",
            mend="Give --positive a value of the column.",
            target=name,
        )
    if kind == "boolean":
        return Target(name, kind, name if found[0] else f"not {name}")
    return _condition(name, kind, found[0])


def _condition(name: str, kind: Kind, value: object) -> Target:
    return Target(name, kind, f"{name} == {json.dumps(value, ensure_ascii=False)}")


def _several(name: str, kind: Kind, values: list[object]) -> InvalidInput:
    what = "a number, and regression" if kind == "number" else f"one of {len(values)} values, and several classes"
    return InvalidInput(
        f"The target {name!r} is {what} cannot be started from rows yet.",
        mend=f"Say which value is to be predicted, such as --positive {_shown(values[-1])}.",
        target=name,
        values=[_shown(value) for value in values[:_MOST_NAMED]],
    )


def _kind(column: pl.Series) -> Kind:
    if column.dtype == pl.Boolean:
        return "boolean"
    if column.dtype.is_integer():
        return "integer"
    if column.dtype.is_numeric():
        return "number"
    if column.dtype == pl.String:
        return "text"
    raise InvalidInput(
        f"The target {column.name!r} holds times.", mend="Name a column of outcomes.", target=column.name
    )


def _shown(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
