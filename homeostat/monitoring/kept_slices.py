"""Slices as a day keeps them: the sums of its labelled rows by the values of some columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Slice = tuple[str, ...]
"""The columns by which rows are told apart: none (all rows), one, or a pair."""


@dataclass(frozen=True, slots=True)
class KeptSlice:
    """A day's labelled rows by the values of one slice, every row once; fields are by the place of the value.

    ``right`` counts answers at the loop's threshold, ``expected`` sums scores, ``concordant`` counts the pairs of a row
    that came true and one that did not of which the former was scored higher, ties half. ``log_loss`` and ``brier`` are
    sums, to seven digits. Of what is no yes or no there are rows and, by name, ``sums`` alone: as `Task.by_value`.
    ``own`` are sums of the user's own metrics over the rows, None where one could not be computed of them.
    """

    of: Slice
    values: tuple[str, ...]
    rows: tuple[int, ...]
    positives: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    log_loss: tuple[float, ...] = ()
    brier: tuple[float, ...] = ()
    expected: tuple[float, ...] = ()
    concordant: tuple[float, ...] = ()
    hits: tuple[int, ...] = ()
    sums: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    own: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    @property
    def losses(self) -> tuple[float, ...]:
        """The summed primary loss of each value."""
        return self.sums.get("loss", self.sums.get("log_loss", self.log_loss))
