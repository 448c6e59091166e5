"""Prediction ids: unique anywhere, and in the order of time where they are compared as text."""

from __future__ import annotations

import os
from collections.abc import Callable

from homeostat.kernel.clock import Instant


class Chance:
    """The operating system's random bytes, asked for by the page: a call for each id costs more than the id."""

    def __init__(self, page: int = 4096) -> None:
        self._page, self._bytes, self._used = page, b"", page

    def __call__(self, count: int) -> bytes:
        """So many bytes, never given before."""
        start, self._used = self._used, self._used + count
        if self._used > len(self._bytes):
            self._bytes, start, self._used = os.urandom(self._page), 0, count
        return self._bytes[start : self._used]


def new_prediction_id(now: Instant, random_bytes: Callable[[int], bytes] = Chance()) -> str:  # noqa: B008
    """A UUID of version 7 for an instant: 48 bits of milliseconds, 12 of their fraction, 62 of chance.

    Source: RFC 9562, section 5.7, with method 3 of section 6.2.

    >>> new_prediction_id(1_700_000_000_123_456, random_bytes=bytes)
    '018bcfe5-687b-774b-8000-000000000000'
    """
    milliseconds, rest = divmod(now, 1_000)
    head = (milliseconds & (1 << 48) - 1) << 16 | 0x7000 | rest * 4_096 // 1_000
    tail = 1 << 63 | int.from_bytes(random_bytes(8), "big") >> 2
    text = f"{head:016x}{tail:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
