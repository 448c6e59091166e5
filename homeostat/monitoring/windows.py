"""Event days of a named time zone: the windows over which signals are measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.clock import Instant, from_datetime
from homeostat.kernel.errors import InvalidInput

_EPOCH = date(1970, 1, 1)
_DAY = 86_400_000_000
_LAST = (date(9998, 12, 31) - _EPOCH).days
_FIRST = (date(2, 1, 1) - _EPOCH).days


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """An interval of event time, ``start <= t < end`` in instants; a day is named as ``2013-02-01``."""

    start: Instant
    end: Instant
    name: str

    def to_json(self) -> dict[str, int | str]:
        """The JSON form, one key per field."""
        return {"name": self.name, "start": self.start, "end": self.end}


def window(day: str, tz: str) -> Window:
    """The window of one calendar day, 23 to 25 hours long where clocks change.

    It starts when the zone's clocks first reach midnight, or skip it.
    Raises: InvalidInput for what is no date (YYYY-MM-DD) or no time zone.

    >>> w = window("2013-03-10", "America/New_York")
    >>> (w.end - w.start) // 3_600_000_000
    23
    """
    try:
        ordinal = (date.fromisoformat(day) - _EPOCH).days
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{day!r} is no date.", mend="Write it as 2013-02-01.", day=str(day)) from error
    return Window(_start(ordinal, tz), _start(ordinal + 1, tz), day_name(ordinal))


def days_of(instants: NDArray[np.int64], tz: str) -> NDArray[np.int64]:
    """The calendar day of many instants, as days since 1970-01-01: exactly those that `window` bounds.

    Fast: one look into the time zone per day in range, then a binary search.

    >>> [day_name(day) for day in days_of(np.array([0, 86_400_000_000]), "America/New_York")]
    ['1969-12-31', '1970-01-01']
    """
    moments = np.asarray(instants)
    if moments.dtype.kind not in "iu":
        raise InvalidInput("Instants are not whole microseconds.", mend="Pass int64.", dtype=str(moments.dtype))
    if not moments.size:
        return np.zeros(0, dtype=np.int64)
    first, last = int(moments.min()) // _DAY - 1, int(moments.max()) // _DAY + 1
    starts = np.array([_start(day, tz) for day in range(first, last + 2)], dtype=np.int64)
    return np.asarray(np.searchsorted(starts, moments, side="right") - 1 + first, dtype=np.int64)


def day_of(instant: Instant, tz: str) -> str:
    """The name of the day of one instant.

    >>> day_of(0, "America/New_York")
    '1969-12-31'
    """
    return day_name(int(days_of(np.array([instant], dtype=np.int64), tz)[0]))


def day_name(ordinal: int) -> str:
    """Days since 1970-01-01 as ``YYYY-MM-DD``.

    >>> day_name(15_737)
    '2013-02-01'
    """
    return (_EPOCH + timedelta(days=int(ordinal))).isoformat()


@lru_cache(maxsize=8192)
def _start(ordinal: int, tz: str) -> Instant:
    if not _FIRST <= ordinal <= _LAST:
        raise InvalidInput("An instant is outside the years 2 to 9998.", mend="Check that it is in microseconds.")
    midnight = datetime.combine(_EPOCH + timedelta(days=ordinal), datetime.min.time(), _zone(tz))
    return from_datetime(midnight.astimezone(UTC))


@lru_cache(maxsize=64)
def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise InvalidInput(
            f"{tz!r} is no time zone.", mend="Name one such as 'America/New_York' or 'UTC'.", tz=str(tz)
        ) from error
