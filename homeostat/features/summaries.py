"""How the facts inside a window become one value: what a user writes as ``mean("delay")`` and its like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from homeostat.data.contracts import Kind
from homeostat.kernel.errors import InvalidInput

AggregateKind = Literal[
    "count", "sum", "mean", "std", "minimum", "maximum", "first", "last", "distinct", "share", "quantile"
]
NUMERIC_KINDS: tuple[Kind, ...] = ("number", "integer", "boolean")
READABLE_KINDS: tuple[Kind, ...] = ("text", *NUMERIC_KINDS)
ALL_KINDS: tuple[Kind, ...] = (*READABLE_KINDS, "instant")
INEXACT: frozenset[AggregateKind] = frozenset({"sum", "mean", "std", "quantile"})
"""Aggregates on which online and offline agree to 1e-9 relative; on the others they agree to the bit."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value of a window; made by ``mean``, ``count`` and their like.

    ``column`` is what it reads; ``condition`` and ``q`` belong to ``share`` and ``quantile``.
    """

    kind: AggregateKind
    column: str | None = None
    condition: str | None = None
    q: float | None = None

    @property
    def takes(self) -> tuple[Kind, ...]:
        """The kinds of column that it can read."""
        if self.kind == "distinct":
            return ALL_KINDS
        return READABLE_KINDS if self.kind in ("first", "last") else NUMERIC_KINDS


def count() -> Aggregate:
    """How many facts the window holds, nulls or not; 0 for none."""
    return Aggregate("count")


def sum_(column: str) -> Aggregate:
    """The sum of the column's values that are not null; 0 for none."""
    return Aggregate("sum", column)


def mean(column: str) -> Aggregate:
    """The mean of the column's values that are not null; missing for none."""
    return Aggregate("mean", column)


def std(column: str) -> Aggregate:
    """The sample standard deviation (n - 1) of the values that are not null; missing below two."""
    return Aggregate("std", column)


def minimum(column: str) -> Aggregate:
    """The least of the column's values that are not null; missing for none."""
    return Aggregate("minimum", column)


def maximum(column: str) -> Aggregate:
    """The greatest of the column's values that are not null; missing for none."""
    return Aggregate("maximum", column)


def first(column: str) -> Aggregate:
    """The oldest value that is not null, a text or a number; of facts at one time the one accepted first."""
    return Aggregate("first", column)


def last(column: str) -> Aggregate:
    """The newest value that is not null, a text or a number; of facts at one time the one accepted last."""
    return Aggregate("last", column)


def distinct(column: str) -> Aggregate:
    """How many different values the column has, nulls aside; 0 for none."""
    return Aggregate("distinct", column)


def share(condition: str) -> Aggregate:
    """The share of facts for which a condition holds, of those that have all it reads; missing for none.

    Written as a label's: ``share("delay > 15 and not diverted")``.
    """
    return Aggregate("share", condition=condition)


def quantile(column: str, q: float) -> Aggregate:
    """The exact quantile of the values that are not null, interpolated between neighbours; missing for none.

    >>> quantile("delay", 0.9).q
    0.9
    """
    if isinstance(q, bool) or not isinstance(q, (int, float)) or not 0 <= q <= 1:
        raise InvalidInput(f"There is no quantile {q!r} of {column!r}.", mend="Give a share from 0 to 1, such as 0.9.")
    return Aggregate("quantile", column, q=float(q))
