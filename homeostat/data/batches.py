"""Many rows at once against a contract: what a check of a batch finds, and the port behind which an engine does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.data.rules import BatchBound
from homeostat.kernel.verdicts import figure

if TYPE_CHECKING:
    import pyarrow as pa

    from homeostat.data.contracts import Measure
    from homeostat.data.tables import Table


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of a contract about rows: of a column, or of a rule over several (``column`` is then None)."""

    column: str | None
    reason: str
    verdict: Measure
    text: str

    @property
    def name(self) -> str:
        """What identifies it: ``delay: below_minimum`` or ``rule:arrived_at >= departed_at``."""
        return self.reason if self.column is None else f"{self.column}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise and the rows of the batch that break it; none when it is kept."""

    promise: Promise
    mask: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Places of the broken rows, ascending."""
        return np.flatnonzero(self.mask)

    @property
    def count(self) -> int:
        """How many rows break it."""
        return int(np.count_nonzero(self.mask))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the batch against its bounds; ``value`` is None, and ``broken`` None, when it is not defined."""

    rule: BatchBound
    value: float | None

    @property
    def broken(self) -> bool | None:
        """Whether it is out of its bounds; None is unknown."""
        if self.value is None:
            return None
        low, high = self.rule.low, self.rule.high
        return (low is not None and self.value < low) or (high is not None and self.value > high)

    @property
    def text(self) -> str:
        """The figure beside its bounds, both quoted."""
        low, high = self.rule.low, self.rule.high
        if self.value is not None and low is not None and self.value < low:
            return f"{self.rule.shown} is {figure(self.value)}, below {figure(low)}"
        if self.value is not None and high is not None and self.value > high:
            return f"{self.rule.shown} is {figure(self.value)}, above {figure(high)}"
        bounds = " and ".join(
            f"at {word} {figure(bound)}" for word, bound in (("least", low), ("most", high)) if bound is not None
        )
        return f"{self.rule.shown} is {figure(self.value)}; promised: {bounds}"


@dataclass(frozen=True, slots=True)
class BatchChecked:
    """What became of a batch: per promise its broken rows, the batch's figures, and which rows keep the contract.

    ``typed`` gives the contract's columns in their stored kinds, null where a value could not be read.
    """

    rows: int
    kept: NDArray[np.bool_]
    found: Sequence[Broken]
    figures: Sequence[Figure]
    typed: Callable[[], pa.Table]

    @property
    def refusals(self) -> list[str]:
        """Why the whole batch is refused, as sentences; empty when it may be taken in."""
        rows = [
            f"{one.count} of {self.rows} rows break {one.promise.name!r} (first: row {one.rows[0]})"
            for one in self.found
            if one.promise.verdict == "reject" and one.count
        ]
        return rows + [one.text for one in self.figures if one.rule.verdict == "reject" and one.broken]

    @property
    def told(self) -> list[str]:
        """What else is worth telling: rows kept apart, warnings, figures that nobody can tell."""
        rows = [
            f"{one.count} of {self.rows} rows break {one.promise.name!r} ({one.promise.verdict})"
            for one in self.found
            if one.promise.verdict != "reject" and one.count
        ]
        return rows + [one.text for one in self.figures if one.broken is None or (one.broken and _warns(one))]


class BatchEngine(Protocol):
    """Checks whole batches; its verdict on every row is that of the check of one request."""

    def check(self, table: Table, rows: pa.Table) -> BatchChecked:
        """Ask everything that ``table`` promises of ``rows``, in one pass."""
        ...


def _warns(one: Figure) -> bool:
    return one.rule.verdict == "warn"
