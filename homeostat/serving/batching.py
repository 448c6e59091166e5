"""Rows of requests that wait at one time go to a model in one call, where one call of many rows is the cheaper one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from homeostat.data.contracts import Value
from homeostat.kernel.errors import InvalidInput
from homeostat.serving.answers import Score
from homeostat.serving.runtimes import Runtime, answers

Batching = Literal["off", "auto"] | int
"""What a loop asks for: never, where it is measured to pay, or always, at most so many rows in a call."""
Columns = Mapping[str, Sequence[Value]]
MOST_ROWS = 1_024
_AUTO_ROWS = 64
_TRIED_ROWS = 16
_TRIES = 5
_QUICK_SECONDS = 50e-6
"""A model that answers a row in less costs less than the request around it: nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """At most how many ``rows`` go to a version in one call (1: each request by itself), and why.

    ``why`` is "off" or "asked" where the loop says so; measured are "quick", "no_gain" and "pays". ``seconds`` is what
    a row took in calls of so many rows.
    """

    rows: int
    why: str
    seconds: Mapping[int, float] = field(default_factory=dict)


ALONE = Decision(1, "off")


def check_batching(asked: Batching, loop: str) -> None:
    """Raises: InvalidInput for what is no setting."""
    given = cast("object", asked)
    if given in ("off", "auto") or (type(given) is int and 2 <= given <= MOST_ROWS):
        return
    raise InvalidInput(
        f"Loop {loop!r}: batching {given!r} is none.",
        mend=f"Give batching='off', 'auto', or how many rows may go together: 2 to {MOST_ROWS:,}.",
        loop=loop,
    )


def decide(asked: Batching, runtime: Runtime, timer: Callable[[], float]) -> Decision:
    """What is to be done with a version that is warm; ``"auto"`` is decided by calls that are timed here.

    It pays where a row costs at most half among others of what it costs alone.
    """
    if asked == "off":
        return ALONE
    if asked != "auto":
        return Decision(asked, "asked")
    alone = row_seconds(runtime, 1, timer)
    if alone < _QUICK_SECONDS:
        return Decision(1, "quick", {1: alone})
    seconds = {1: alone, _TRIED_ROWS: row_seconds(runtime, _TRIED_ROWS, timer)}
    pays = seconds[_TRIED_ROWS] <= alone / 2
    return Decision(_AUTO_ROWS, "pays", seconds) if pays else Decision(1, "no_gain", seconds)


def row_seconds(runtime: Runtime, rows: int, timer: Callable[[], float]) -> float:
    """What a row takes in a call of so many: the best of some tries, since what else the machine does only adds."""
    columns: Columns = {name: [None] * rows for name, _ in runtime.inputs}
    runtime.predict(columns)
    taken = []
    for _ in range(_TRIES):
        began = timer()
        runtime.predict(columns)
        taken.append(timer() - began)
    return min(taken) / rows


Scores = list[Score] | Exception
"""The answers to one request's rows, or what kept them from being computed."""


def together(runtime: Runtime, asked: Sequence[Columns]) -> list[Scores]:
    """What a version says of several requests' rows, in their order.

    One that fails in company is asked again by itself: a row that a model cannot take harms no other request.
    """
    if len(asked) > 1:
        names = [name for name, _ in runtime.inputs]
        sizes = [_rows_of(one) for one in asked]
        try:
            whole = {name: [value for one in asked for value in one[name]] for name in names}
            scores = answers(runtime, runtime.predict(whole), sum(sizes))
        except Exception:  # whose fault it is shows when each is asked alone
            return [_alone(runtime, one) for one in asked]
        ends = _ends(sizes)
        return [scores[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return [_alone(runtime, one) for one in asked]


def _alone(runtime: Runtime, columns: Columns) -> Scores:
    try:
        return answers(runtime, runtime.predict(columns), _rows_of(columns))
    except Exception as error:
        return error


def _ends(sizes: Sequence[int]) -> list[int]:
    ends, end = [], 0
    for size in sizes:
        end += size
        ends.append(end)
    return ends


def _rows_of(columns: Columns) -> int:
    return len(next(iter(columns.values())))
