"""Instants and durations as whole microseconds; the clock itself is an argument."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from homeostat.kernel.errors import InvalidInput

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z."""
Duration = int
"""Microseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_LONGEST = 1_000 * 365 * _UNITS["d"]
_DURATION = re.compile(r"(\d+)(us|ms|s|m|h|d)")


class Clock(Protocol):
    """Tells the present; only ``app`` owns one."""

    def now(self) -> Instant:
        """The present instant."""
        ...


def duration(text: str) -> Duration:
    """Read ``"90s"``, ``"15m"``, ``"3h"`` or ``"60d"`` as microseconds; parts may follow one another.

    Raises: InvalidInput for anything else, zero and what exceeds a thousand years included.

    >>> duration("1h30m") == 90 * 60 * 1_000_000
    True
    """
    parts = _DURATION.findall(text) if isinstance(text, str) else []
    total = sum(int(count) * _UNITS[unit] for count, unit in parts)
    if not total or "".join(count + unit for count, unit in parts) != text:
        raise InvalidInput(
            f"{text!r} is not a duration.",
            mend="Write a number and one of us, ms, s, m, h, d, such as '3h'; zero is not allowed.",
            value=text,
        )
    if total > _LONGEST:
        raise InvalidInput(f"{text!r} is more than a thousand years.", mend="Give less.", value=text)
    return total


def format_duration(span: Duration) -> str:
    """Write microseconds as ``duration`` reads them, in the largest unit that fits exactly.

    >>> format_duration(duration("48h")), format_duration(duration("90m"))
    ('2d', '90m')
    """
    unit = next(name for name in reversed(_UNITS) if span % _UNITS[name] == 0)
    return f"{span // _UNITS[unit]}{unit}"


def parse_instant(text: str) -> Instant:
    """Read an ISO-8601 time that carries its offset, such as ``2013-02-01T05:00:00Z``.

    Raises: InvalidInput when it is no time, lies outside the years 1 to 9999 of UTC, or has no offset: a guess
    would be wrong twice a year.

    >>> parse_instant("1970-01-01T00:00:01+00:00")
    1000000
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{text!r} is not a time.",
            mend="Write ISO-8601, such as '2013-02-01T05:00:00Z'.",
            value=str(text),
        ) from error
    if moment.tzinfo is None:
        raise InvalidInput(
            f"{text!r} has no offset.", mend="End it with 'Z' or an offset such as '-05:00'.", value=text
        )
    instant = from_datetime(moment)
    if not EARLIEST <= instant <= LATEST:
        raise InvalidInput(
            f"{text!r} lies outside the years 1 to 9999 of UTC.", mend="Send the time that was meant.", value=text
        )
    return instant


def from_datetime(moment: datetime) -> Instant:
    """Microseconds of an aware datetime, without rounding."""
    return (moment - _EPOCH) // _MICROSECOND


EARLIEST, LATEST = (from_datetime(end.replace(tzinfo=UTC)) for end in (datetime.min, datetime.max))
"""The first and last instant that can be written."""


def to_datetime(instant: Instant) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def format_instant(instant: Instant) -> str:
    """Write an instant as ISO-8601 in UTC, shortest exact form.

    >>> format_instant(1_000_000)
    '1970-01-01T00:00:01Z'
    """
    return to_datetime(instant).isoformat().replace("+00:00", "Z")
