"""When the rows of a file were asked: by a column of times, or by their order where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from homeostat.app.scaffold.cleaning import times_in
from homeostat.app.scaffold.outcomes import is_sorted_by
from homeostat.app.scaffold.plan import ASKED_AT
from homeostat.kernel.clock import Duration, Instant, duration, format_instant
from homeostat.kernel.errors import InvalidInput

DAY = duration("1d")
_SPREAD_DAYS = 60
"""Days over which rows without times are spread: enough to hold some out, and to train on the others."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The column of times of all rows, and what was assumed to have it."""

    times: pl.Series
    column: str | None
    assumed: tuple[str, ...]


def times_of(frame: pl.DataFrame, named: str | None, truth: pl.Series, now: Instant, matures: Duration) -> Timed:
    """Find, or make up, the time of each row.

    Raises: InvalidInput where several columns could be the one, the named one holds no times, or some lie ahead.
    """
    found = {name: read for name in frame.columns if (read := times_in(frame[name])) is not None}
    told: list[str] = []
    if named is None:
        whole = [name for name in found if not frame[name].null_count()]
        if not whole:
            return _by_order(frame, truth, now - matures)
        if len(whole) > 1:
            raise InvalidInput(
                f"{', '.join(whole)} hold times: which of them says when a row was asked about?",
                mend=f"Add --time {whole[0]}, or another one.",
                columns=whole,
            )
        named, told = whole[0], [f"A row was asked about at its {whole[0]!r}, the only column of times."]
    _must_be_times(frame, named, found)
    times, zoned = found[named]
    _must_be_past(times, named, now)
    if not zoned:
        told.append(f"Times in {named!r} say no offset: they are taken to be UTC.")
    return Timed(times.alias(named), named, tuple(told))


def _must_be_times(frame: pl.DataFrame, named: str, found: Mapping[str, object]) -> None:
    if named not in found:
        raise InvalidInput(
            f"Column {named!r} holds no times such as 2024-01-31 or 2024-01-31T12:00:00Z.",
            mend="Name a column of times; without --time, the order of the rows counts.",
            column=named,
        )
    if missing := frame[named].null_count():
        raise InvalidInput(
            f"{missing} rows have no {named!r}.", mend="Leave these rows out of the file.", column=named, rows=missing
        )


def _must_be_past(times: pl.Series, named: str, now: Instant) -> None:
    ahead = int((times.dt.timestamp("us") > now).sum())
    if ahead:
        raise InvalidInput(
            f"In {ahead} rows {named!r} lies in the future.",
            mend=f"Leave them out: history ends at {format_instant(now)}.",
            column=named,
            rows=ahead,
        )


def _by_order(frame: pl.DataFrame, truth: pl.Series, last: Instant) -> Timed:
    """Rows without times are taken to be asked in their order, evenly over the days before ``last``."""
    rows = frame.height
    places = np.arange(rows)
    told = f"No column holds times: rows are taken to be in the order of their asking, over {_SPREAD_DAYS} days."
    if is_sorted_by(truth):
        places = np.random.default_rng(7).permutation(rows)
        told = (
            "No column holds times, and the rows are sorted by their target, so that their order says nothing:"
            f" they are spread over {_SPREAD_DAYS} days at random."
        )
    first = last - _SPREAD_DAYS * DAY
    step = _SPREAD_DAYS * DAY / max(1, rows)
    times = pl.Series(ASKED_AT, (first + places * step).astype(np.int64)).cast(pl.Datetime("us", "UTC"))
    return Timed(times, None, (told,))
