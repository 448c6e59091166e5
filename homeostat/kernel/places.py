"""Places in a user's file, so that an error can point at the line that has to change."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

_PACKAGE = __name__.partition(".")[0]


def place_of_caller() -> str:
    """The line outside this package that is being executed, such as ``loop.py:31``; "" when there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_own(frame):
        frame = frame.f_back
    return "" if frame is None else _place(frame.f_code.co_filename, frame.f_lineno)


def place_of_function(function: Callable[..., Any]) -> str:
    """Where a function begins, its decorators included.

    >>> place_of_function(place_of_function).partition(":")[0]
    'places.py'
    """
    code = getattr(function, "__code__", None)
    return "" if code is None else _place(code.co_filename, code.co_firstlineno)


def at_place(place: str) -> str:
    """How a message goes on to say where: ``" (loop.py:31)"``, or nothing.

    >>> at_place("loop.py:31"), at_place("")
    (' (loop.py:31)', '')
    """
    return f" ({place})" if place else ""


def _is_own(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE


def _place(file: str, line: int) -> str:
    return f"{os.path.basename(file)}:{line}"
