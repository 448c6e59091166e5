"""Checks of a view's declaration, shared by every kind of view: each error names the definition and its line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column
from homeostat.data.tables import NAME, Table
from homeostat.features.summaries import Aggregate
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.places import at_place

if TYPE_CHECKING:
    from homeostat.features.views import FeatureKind, View

_ENTITY_KINDS = ("text", "integer", "boolean", "instant")


def check_parts(view: View) -> None:
    """Raise where the table, or the values of a window, are nothing of the kind."""
    where = f"{type(view).__name__}{at_place(view.place)}"
    table: object = view.table
    if not isinstance(table, Table):
        raise InvalidInput(f"In {where}, {table!r} is no table.", mend="Give the hs.Table(...) itself, not its name.")
    values: object = getattr(view, "values", {})
    if not isinstance(values, Mapping):
        mend = 'Write them as {"name": hs.mean("column")}.'
        raise InvalidInput(f"In {where}, the values have no names.", mend=mend)


def settle(view: View, **parts: object) -> None:
    """Bring ``by``, the name and the defaults of a view into their one form, and check them."""
    parts["default"] = dict(view.default)
    parts["by"] = [_entity(one) for one in view.by] if isinstance(view.by, list) else _entity(view.by)
    for name, value in parts.items():
        object.__setattr__(view, name, value)
    _check_by(view)
    if view.name and not NAME.fullmatch(view.name):
        raise wrong(view, f"{view.name!r} cannot name a view", "Use small letters, digits and '_'.")
    if not view.name and not isinstance(view.by, list):
        name = f"{view.table.name}_{type(view).__name__.lower()}_by_{'_'.join(view.entity)}"
        object.__setattr__(view, "name", name)


def entity(view: View) -> tuple[str, ...]:
    """The columns that identify the one entity of a view.

    Raises: InvalidInput for a view of several entities, which ``views_of`` takes apart.
    """
    if isinstance(view.by, list):
        mend = "Give it to a loop or a feature set, which make one view of each."
        raise wrong(view, "several entities are listed: it is several views", mend)
    return names(view.by)


def names(given: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


def describe(view: View) -> str:
    """The definition as a person would point at it."""
    by: object = view.by
    if isinstance(by, tuple) and len(by) == 1:
        by = by[0]
    elif isinstance(by, list):
        by = [one[0] if len(one) == 1 else one for one in by if one]
    return f"{type(view).__name__}({view.table.name}, by={by!r})"


def wrong(view: View, problem: str, mend: str) -> InvalidInput:
    """The error that says what is wrong with a view."""
    where = f"{describe(view)}{at_place(view.place)}"
    return InvalidInput(f"In {where}, {problem}.", mend=mend, definition=describe(view), place=view.place)


def column(view: View, name: str) -> Column:
    """A column of the view's table, or the error that it has none."""
    contract = view.table.contract
    if name not in contract:
        raise wrong(view, f"table {view.table.name!r} has no column {name!r}", did_you_mean(name, contract))
    return contract[name]


def refuse_repeats(view: View, part: str, given: Iterable[object]) -> None:
    """Raise where a part of the declaration is empty or names something twice."""
    listed = list(given)
    if not listed:
        raise wrong(view, f"{part!r} is empty", "Name at least one.")
    for name in listed:
        if listed.count(name) > 1:
            raise wrong(view, f"{part!r} names {name!r} twice", "Keep one of them.")


def check_times(view: View, part: str, text: str | None) -> None:
    """Raise where a duration cannot be read or is zero."""
    for name, given in ((part, text), ("freshness", view.freshness)):
        try:
            _ = None if given is None else duration(given)
        except (InvalidInput, TypeError) as error:
            mend = "Write a number and one of us, ms, s, m, h, d, such as '3h'; zero is not allowed."
            raise wrong(view, f"{name!r} has {given!r}, which is not a duration", mend) from error


def check_value(view: View, name: str, aggregate: object) -> None:
    """Raise where a window's value has no usable name, or cannot be computed from its column."""
    if not isinstance(aggregate, Aggregate):
        mend = "Write such as count(), mean(column), last(column), share(condition) or quantile(column, 0.9)."
        raise wrong(view, f"value {name!r} is no aggregate", mend)
    if not NAME.fullmatch(name):
        raise wrong(view, f"{name!r} cannot name a value", "Use small letters, digits and '_'.")
    if aggregate.column is None:
        return
    kind = column(view, aggregate.column).kind
    if kind not in aggregate.takes:
        what = "numbers" if aggregate.takes[0] == "number" else "texts or numbers"
        mend = f"Give it a column of one of these kinds: {', '.join(aggregate.takes)}."
        raise wrong(view, f"{aggregate.kind} of {aggregate.column!r} needs {what}, not {kind}", mend)


def check_defaults(view: View, kinds: Mapping[str, FeatureKind]) -> None:
    """Raise where a default stands for nothing, or is not of its feature's kind; numbers become floats."""
    for name, value in view.default.items():
        if name not in kinds:
            raise wrong(view, f"a default is given for {name!r}, which it does not have", did_you_mean(name, kinds))
        if not _fits(value, kinds[name]):
            mend = "Give a text for a text, a finite number for a number."
            raise wrong(view, f"the default {value!r} of {name!r} is no {kinds[name]}", mend)
    given = {name: float(value) if kinds[name] == "number" else value for name, value in view.default.items()}
    object.__setattr__(view, "default", given)


@contextmanager
def pointing_at(view: View) -> Iterator[None]:
    """Name the view in errors that know only a part of it."""
    try:
        yield
    except InvalidInput as error:
        problem = error.problem.rstrip(".")
        raise wrong(view, problem[:1].lower() + problem[1:], error.mend) from error


def _entity(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


def _check_by(view: View) -> None:
    listed = view.by if isinstance(view.by, list) else [view.by]
    refuse_repeats(view, "by", listed)
    for one in listed:
        if not isinstance(one, tuple) or not all(isinstance(name, str) for name in one):
            mend = 'Write by=["a", ("b", "c")]: a list of entities, a tuple for one made of several columns.'
            raise wrong(view, f"'by' has {one!r}, which names no entity", mend)
        refuse_repeats(view, "by", one)
        for name in one:
            kind = column(view, name).kind
            if kind not in _ENTITY_KINDS:
                mend = "Use text, integer, boolean or instant columns, which are equal or not without rounding."
                raise wrong(view, f"{name!r} is a {kind}, which cannot identify an entity", mend)


def _fits(value: object, kind: FeatureKind) -> bool:
    if kind == "text":
        return isinstance(value, str)
    return isinstance(value, (int, float)) and math.isfinite(value)
