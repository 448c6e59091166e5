"""What the recorder replies, and what it means when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from homeostat.app.recorder.frames import check, header_of
from homeostat.kernel.errors import Unavailable

Reply = dict[str, Any]
GONE = (ConnectionError, EOFError, OSError)
"""What a connection raises whose other end went away."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """What is stored now: everything acknowledged before the call, up to ``sequence``."""

    versions: Mapping[str, int]
    log: Mapping[str, int]
    sequence: int


def result(head: bytes, body: bytes) -> Reply:
    """What a call came to. Raises: what the recorder raised."""
    check(header_of(head))
    return msgspec.json.decode(body, type=Reply)


def down() -> Unavailable:
    """The error while it is away."""
    return Unavailable(
        "The recorder is not running.",
        mend="It is started again by itself: send it again in a second. Nothing was acknowledged.",
    )


def slow(timeout: float) -> Unavailable:
    """The error when it takes longer than so many seconds."""
    return Unavailable(
        f"The recorder did not answer within {timeout:g} s.",
        mend="Send it again: what it has taken in already counts once.",
    )
