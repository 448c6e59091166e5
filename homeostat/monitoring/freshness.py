"""Whether tables keep up and keep their promises: age of the newest event, share of rows refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.clock import Duration, Instant
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import Verdict
from homeostat.monitoring.signals import Signal, Unknown, judge_at_most
from homeostat.monitoring.windows import Window

_SECOND = 1_000_000


def freshness(table: str, window: Window, newest: Instant | None) -> Signal:
    """The age, in seconds at the window's end, of the newest event before that end.

    ``newest`` is that event's time (see `newest_before`), or None where there is none: Unknown then, as for
    an event of a later window, which would hide a silence.
    """
    if newest is None:
        return Signal("freshness", table, window, Unknown("no_events"), unit="s")
    if newest >= window.end:
        return Signal("freshness", table, window, Unknown("newest_event_after_window"), unit="s")
    return Signal("freshness", table, window, (window.end - newest) / _SECOND, rows=1, blocks=1, unit="s")


def newest_before(event_times: NDArray[np.int64], end: Instant) -> Instant | None:
    """The newest instant before ``end``, or None.

    >>> newest_before(np.array([3, 9, 5]), 9)
    5
    """
    earlier = event_times[event_times < end]
    return int(earlier.max()) if earlier.size else None


def judge_freshness(signal: Signal, objective: Duration) -> Verdict:
    """WITHIN while the newest event is at most ``objective`` old; unknown freshness never passes."""
    return judge_at_most(signal, objective / _SECOND)


def violations(subject: str, window: Window, *, accepted: int, quarantined: int) -> Signal:
    """The share of a window's rows that broke their contract; Unknown for a window without rows.

    Every row was checked, so the share is exact and has no interval.
    Raises: InvalidInput for negative counts.
    """
    if accepted < 0 or quarantined < 0:
        raise InvalidInput("A count is negative.", mend="Pass how many rows were taken and refused.")
    rows = accepted + quarantined
    value = quarantined / rows if rows else Unknown("no_rows")
    return Signal("violations", subject, window, value, rows=rows, blocks=1 if rows else 0)


def judge_violations(signal: Signal, limit: float) -> Verdict:
    """WITHIN up to ``limit``, a share in [0, 1]; a window without rows is INCONCLUSIVE."""
    return judge_at_most(signal, limit)
