"""Hours of a day, as people write them: ``"22:00-06:00"``."""

from __future__ import annotations

import re

from homeostat.kernel.errors import InvalidInput

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


def hours(text: str) -> tuple[int, int]:
    """Beginning and end in minutes after midnight; the end may lie after the next midnight.

    Raises: InvalidInput for what are no hours, or none at all.

    >>> hours("22:00-06:00")
    (1320, 360)
    """
    if not isinstance(text, str) or not _HOURS.fullmatch(text) or text[:5] == text[6:]:
        raise InvalidInput(f"{text!r} are no hours of a day.", mend="Write them as '03:00-05:00'.")
    begin, end = text.split("-")
    return _minutes(begin), _minutes(end)


def within(text: str, clock: str) -> bool:
    """Whether a time of the day, as ``"23:30"``, lies in the hours; the end itself does not.

    >>> within("22:00-06:00", "23:30"), within("22:00-06:00", "06:00")
    (True, False)
    """
    (begin, end), at = hours(text), _minutes(clock)
    return begin <= at < end if begin < end else at >= begin or at < end


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
