"""What a loop promises of its predictions, and which change of it would break who relies on them.

For those who read, a range that widens breaks as much as one that narrows: they meet values they never met, or wait
for values that no longer come. So does a change of what a prediction means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column, boolean, number, text
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import Reason
from homeostat.stats.tasks import BINARY, Binary, Multiclass, Task

REPLY: Mapping[str, Column] = {
    "prediction": boolean(),
    "probability": number(0, 1),
    "prediction_id": text(),
    "version": text(),
    "arm": text(categories=["champion", "canary", "pinned"]),
}
"""What every prediction of a yes-or-no loop holds and serving sees to."""
_PROMISED = ("kind", "nullable", "low", "high", "categories")


@dataclass(frozen=True, slots=True)
class OutputContract:
    """The promised columns of a prediction; what a true one means; the probability from which it is true."""

    columns: Mapping[str, Column]
    meaning: str
    threshold: float

    def to_json(self) -> dict[str, Any]:
        """JSON values only; ``from_json`` reads them back."""
        columns = {name: _promise(column) for name, column in self.columns.items()}
        return {"columns": columns, "meaning": self.meaning, "threshold": self.threshold}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> OutputContract:
        """Read what ``to_json`` wrote; raises KeyError or TypeError where a part is missing."""
        columns = {name: Column(**_with_tuple(told)) for name, told in values["columns"].items()}
        return cls(columns, values["meaning"], values["threshold"])


def reply_of(task: Task) -> Mapping[str, Column]:
    """What every prediction of a loop holds, by what it answers.

    >>> list(reply_of(BINARY))[:2]
    ['prediction', 'probability']
    """
    if isinstance(task, Binary):
        return REPLY
    own = {name: column for name, column in REPLY.items() if name not in ("prediction", "probability")}
    classes = task.classes if isinstance(task, Multiclass) else ()
    return {"prediction": text(categories=classes) if classes else number(), **own}


def output_contract(
    loop: str, declared: Mapping[str, Column] | None, *, meaning: str, threshold: float, task: Task = BINARY
) -> OutputContract:
    """What a loop promises: all that a reply holds, or those columns of it that were declared.

    Raises: InvalidInput for a column that replies lack, or a promise narrower than serving keeps.
    """
    reply = reply_of(task)
    chosen = reply if declared is None else declared
    if not chosen:
        raise InvalidInput(
            f"Loop {loop!r} promises no column of its predictions.",
            mend="Leave output= out to promise all of them, or name some.",
        )
    for name, column in chosen.items():
        _must_be_kept(loop, name, column, reply)
    return OutputContract(dict(chosen), meaning, threshold)


def breaking_changes(before: OutputContract, after: OutputContract | None, needs: Sequence[str]) -> list[Reason]:
    """Why somebody who reads the columns ``needs`` and relies on ``before`` cannot go on; empty when they can.

    ``after`` is None for a loop that is no more.
    """
    if after is None:
        return [Reason("loop_gone", None, None, "the loop is no longer in the file")]
    return [*_columns_changed(before, after, needs), *_meaning_changed(before, after, needs)]


def _columns_changed(before: OutputContract, after: OutputContract, needs: Sequence[str]) -> Iterator[Reason]:
    for name in needs:
        old, new = before.columns[name], after.columns.get(name)
        if new is None:
            yield _dropped(name, old, before, after)
            continue
        if old.kind != new.kind:
            yield _changed("other_kind", name, "kind", old.kind, new.kind)
        if new.nullable and not old.nullable:
            yield _changed("may_be_null", name, "nullable", False, True)
        if (old.low, old.high) != (new.low, new.high):
            yield _changed("other_range", name, "range", _range(old), _range(new))
        if _categories(old) != _categories(new):
            yield _changed("other_categories", name, "categories", _categories(old), _categories(new))


def _meaning_changed(before: OutputContract, after: OutputContract, needs: Sequence[str]) -> Iterator[Reason]:
    if {"prediction", "probability"} & set(needs) and before.meaning != after.meaning:
        what = "a true prediction" if _yes_or_no(before) else "a prediction"
        told = f"{what} meant {before.meaning!r} and would mean {after.meaning!r}"
        yield Reason("other_meaning", after.meaning, before.meaning, told)
    if "prediction" in needs and _yes_or_no(before) and before.threshold != after.threshold:
        text = f"prediction was true from {before.threshold:g} on and would be from {after.threshold:g}"
        yield Reason("other_threshold", after.threshold, before.threshold, text)


def _yes_or_no(promised: OutputContract) -> bool:
    return any(name == "probability" or column.kind == "boolean" for name, column in promised.columns.items())


def _dropped(name: str, old: Column, before: OutputContract, after: OutputContract) -> Reason:
    added = [other for other, column in after.columns.items() if other not in before.columns and column == old]
    renamed = f"; renamed to {added[0]!r}?" if len(added) == 1 else ""
    return Reason("dropped", None, name, f"column {name!r} would be gone{renamed}")


def _changed(code: str, name: str, what: str, old: object, new: object) -> Reason:
    return Reason(code, str(new), str(old), f"the {what} of {name!r} was {old} and would be {new}")


def _range(column: Column) -> str:
    low, high = ("any" if bound is None else f"{bound:g}" for bound in (column.low, column.high))
    return f"{low} to {high}"


def _categories(column: Column) -> object:
    return "any" if column.categories is None else sorted(column.categories)


def _promise(column: Column) -> dict[str, Any]:
    return {name: plain(getattr(column, name)) for name in _PROMISED}


def _with_tuple(told: Mapping[str, Any]) -> dict[str, Any]:
    categories = told["categories"]
    return {**told, "categories": None if categories is None else tuple(categories)}


def _must_be_kept(loop: str, name: str, column: Column, reply: Mapping[str, Column]) -> None:
    real = reply.get(name)
    if real is None:
        raise InvalidInput(
            f"Loop {loop!r} promises a column {name!r}, which no prediction has.", mend=did_you_mean(name, reply)
        )
    if column.kind != real.kind:
        raise InvalidInput(
            f"Loop {loop!r} promises {name!r} as {column.kind}, but it is {real.kind}.",
            mend=f"Write hs.{real.kind}(...).",
        )
    narrower = (
        (column.low is not None and (real.low is None or column.low > real.low))
        or (column.high is not None and (real.high is None or column.high < real.high))
        or (column.categories is not None and not set(real.categories or ("",)) <= set(column.categories))
    )
    if narrower:
        raise InvalidInput(
            f"Loop {loop!r} promises {name!r} narrower than it is: {_range(real)}, {_categories(real)}.",
            mend="Promise no less than every version may answer; nothing cuts its answers off.",
        )
