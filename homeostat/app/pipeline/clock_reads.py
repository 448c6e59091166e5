"""From which lines of a user's files the time of day is read: a rebuild reads another."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import pandas as pd

Made = TypeVar("Made")
_CLOCKS: Collection[Any] = (time.time, time.time_ns, time.localtime, time.gmtime)
_NOW = ("now", "today", "utcnow")
_PARSED = ("datetime64", "to_datetime", "Timestamp")
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class ClockReads:
    """Notes them while some work is done; ``files`` are the user's."""

    def __init__(self, files: Collection[str]) -> None:
        self._files, self._places = set(files), dict[str, None]()
        self._own: dict[str, bool] = {}

    @property
    def places(self) -> list[str]:
        """Such as ``loop.py, line 31``."""
        return list(self._places)

    def during(self, work: Callable[[], Made]) -> Made:
        """Do it, watched."""
        before = sys.getprofile()
        with self._timestamps():
            sys.setprofile(self._see)
            try:
                return work()
            finally:
                sys.setprofile(before)

    def when_loaded(self) -> None:
        """Find them in what runs when the files are loaded: a time that is kept there is the same in every call."""
        for file in sorted(self._files):
            if file.endswith(".py"):
                for line in _lines_at_once(file):
                    self._note(file, line)

    def _see(self, frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call":
            return
        owner = getattr(called, "__self__", None)  # clocks are compared by identity: it may be an array
        of_a_calendar = isinstance(owner, type) and issubclass(owner, date) and called.__name__ in _NOW
        if of_a_calendar or any(called is one for one in _CLOCKS):
            self._note(frame.f_code.co_filename, frame.f_lineno)

    @contextmanager
    def _timestamps(self) -> Iterator[None]:
        """Those of pandas are compiled so that no profiler sees them."""
        real = {name: vars(pd.Timestamp)[name] for name in _NOW}
        for name, one in real.items():
            setattr(pd.Timestamp, name, classmethod(self._noting(one)))
        try:
            yield
        finally:
            for name, one in real.items():
                setattr(pd.Timestamp, name, one)

    def _noting(self, real: Any) -> Callable[..., Any]:
        def now(kind: Any, *given: Any, **named: Any) -> Any:
            frame = sys._getframe(1)
            self._note(frame.f_code.co_filename, frame.f_lineno)
            return real.__get__(None, kind)(*given, **named)

        return now

    def _note(self, file: str, line: int) -> None:
        if file not in self._own:
            self._own[file] = str(Path(file).resolve()) in self._files
        if self._own[file]:
            self._places.setdefault(f"{Path(file).name}, line {line}")


def _lines_at_once(file: str) -> Iterator[int]:
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, ValueError, SyntaxError):  # what was loaded is gone, or became something else
        return
    waiting: list[ast.AST] = [tree]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, _LATER) or (isinstance(one, ast.If) and "__name__" in ast.unparse(one.test)):
            continue
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and _reads(one, one.func):
            yield one.lineno
        waiting.extend(ast.iter_child_nodes(one))


def _reads(call: ast.Call, function: ast.Attribute) -> bool:
    owner = ast.unparse(function.value)
    first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    return (
        function.attr in _NOW
        or (owner == "time" and function.attr in ("time", "time_ns"))
        or (function.attr in _PARSED and first in _NOW)
    )
