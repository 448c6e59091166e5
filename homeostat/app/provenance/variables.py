"""Which variables of the environment the user's code reads: what else they decide, no other leg would explain."""

from __future__ import annotations

import dis
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, ClassVar

from homeostat.app.provenance.environments import is_thread_count
from homeostat.app.provenance.gathering import of_the_user
from homeostat.registry.legs import ENVIRONMENT, EnvironmentLeg
from homeostat.registry.recorded import read_legs
from homeostat.registry.variables import Variable, Variables

_OF_THE_SESSION = re.compile(
    "PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|SHLVL|TERM|TMPDIR|TEMP|TMP|VIRTUAL_ENV|(PYTHON|XDG_|HOMEOSTAT_).*"
)
"""They say where things lie and who is at work: they differ between a service and a shell."""
_PARTS_OF_PYTHON = frozenset({"os", "collections", "posixpath"})
_ON_BEHALF = frozenset(
    {
        *("string", "re", "decouple", "environs", "environ", "dotenv", "dynaconf", "pydantic_settings"),
        *("starlette", "omegaconf", "confuse", "configargparse", "click", "typer"),
    }
)
"""Modules that read variables for whoever calls them."""
_WAYS = frozenset({"environ", "environb", "getenv", "getenvb", "expandvars", "get", "setdefault", "pop", "copy"})
_MOST_FRAMES = 40


class VariableReads:
    """Notes them in this process. ``declared`` count as read, and their values are no secrets.

    Only what the project's own files ask for counts, by themselves or through a library that reads for others: not what
    libraries read for themselves, nor what belongs to the session or is on record elsewhere. A variable that this
    process has set is none that it was given.
    """

    def __init__(self, declared: Collection[str] = ()) -> None:
        self.declared = frozenset(declared)
        self.wholly: list[str] = []
        self._given = dict(os.environ)
        self._names: dict[str, None] = {}
        self.lately: set[str] = set()
        self._whole: set[tuple[CodeType, int]] = set()

    @contextmanager
    def noted(self) -> Iterator[VariableReads]:
        """While this lasts."""
        before, kinds = _Watched.reads, [(one, type(one)) for one in (os.environ, os.environb)]
        _Watched.reads = self
        for one, _ in kinds:
            one.__class__ = _Watched
        try:
            yield self
        finally:
            _Watched.reads = before
            for one, kind in kinds:
                one.__class__ = kind

    @property
    def names(self) -> frozenset[str]:
        """Every variable that counts and was asked for, set or not."""
        return self.declared | frozenset(self._names)

    def of(self, names: Collection[str]) -> Variables:
        """These as they were when this process began."""
        return {name: self._variable(name) for name in sorted(names)}

    def read_by_now(self) -> Mapping[str, str]:
        """Those read by now, each with what tells its value from another."""
        return {name: one.identity for name, one in self.of(self.names).items()}

    def identity(self, name: str) -> str:
        """What tells the value that it has from another."""
        return self._variable(name).identity

    def _variable(self, name: str) -> Variable:
        return Variable.of(name, self._given.get(name), declared=name in self.declared)

    def ask(self, name: str, value: str | None, frame: FrameType | None) -> None:
        """Somebody asks for one, and gets a value; None where it is not set."""
        if name in self.lately or not counts(name) or value != self._given.get(name):
            return
        asking = _asking(frame)
        if asking is not None and (asking.f_code, asking.f_lasti) not in self._whole:
            self._names[name] = None
            self.lately.add(name)

    def ask_all(self, frame: FrameType | None) -> None:
        """Somebody goes through all of them."""
        asking = _asking(frame)
        if asking is not None and (asking.f_code, asking.f_lasti) not in self._whole:
            self._whole.add((asking.f_code, asking.f_lasti))
            self.wholly.append(f"{Path(asking.f_code.co_filename).name}, line {asking.f_lineno}")


class ReadsOfStep:
    """Those that are read while one step works, of all that were read by then."""

    def __init__(self, reads: VariableReads | None) -> None:
        self._reads = reads

    def begin(self) -> None:
        """The step begins."""
        if self._reads is not None:
            self._reads.lately.clear()

    @property
    def names(self) -> list[str]:
        """Those read since."""
        return sorted(self._reads.lately) if self._reads is not None else []


def variables_now(recorded: EnvironmentLeg, given: Mapping[str, str]) -> Variables | None:
    """What the variables that were read then are among those ``given`` now; None where nobody noted them."""
    if recorded.variables is None:
        return None
    read = recorded.variables.items()
    return {name: Variable.of(name, given.get(name), declared=one.value is not None) for name, one in read}


def told_apart_by(versions: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What tells the variables that the newest of a loop's versions read from others of the same names.

    Whoever keeps what the loop's function came to, without noting what it reads, knows by this when to ask it again.
    """
    found = sorted(versions.glob(f"v*/{ENVIRONMENT}"), key=lambda file: (len(file.parent.name), file.parent.name))
    leg = read_legs(found[-1].parent).environment if found else None
    now = None if leg is None else variables_now(leg, given)
    return {name: one.identity for name, one in (now or {}).items()}


class _Watched(os._Environ):  # type: ignore[type-arg]
    """The environment of this process, which tells who asks for what."""

    reads: ClassVar[VariableReads | None] = None

    def __getitem__(self, key: Any) -> Any:
        try:
            found = super().__getitem__(key)
        except KeyError:
            self._told(key, None, sys._getframe(1))
            raise
        self._told(key, found, sys._getframe(1))
        return found

    def __iter__(self) -> Iterator[Any]:
        if self.reads is not None:
            self.reads.ask_all(sys._getframe(1))
        return super().__iter__()

    def _told(self, key: str | bytes, value: str | bytes | None, frame: FrameType) -> None:
        if self.reads is not None:
            self.reads.ask(os.fsdecode(key), None if value is None else os.fsdecode(value), frame)


def counts(name: str) -> bool:
    """Whether it can be part of a version."""
    return not _OF_THE_SESSION.fullmatch(name) and not is_thread_count(name)


def _asking(frame: FrameType | None) -> FrameType | None:
    """The line of the user's that asks for variables; None where something else asks for itself."""
    on_behalf = False
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return None
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        on_behalf = on_behalf or module in _ON_BEHALF
        if module not in _ON_BEHALF and module not in _PARTS_OF_PYTHON:
            own = _is_own(frame.f_code.co_filename) and (on_behalf or _asks_itself(frame))
            return frame if own else None
        frame = frame.f_back
    return None


def _asks_itself(frame: FrameType) -> bool:
    """Whether a line does so, and not a compiled library that it calls, of which no frame tells."""
    names = _called_with(frame.f_code, frame.f_lasti, frame.f_lineno)
    if names is None or names & _WAYS:
        return True
    known = [frame.f_globals.get(name) for name in names]
    return any(one is way for one in known for way in (os.environ, os.environb, os.getenv))


@cache
def _called_with(code: CodeType, at: int, line: int) -> frozenset[str] | None:
    """The names that the line of a call mentions; None where it is no call, such as ``os.environ[name]``."""
    told = list(dis.get_instructions(code))
    if not any("CALL" in one.opname for one in told if one.offset == at):
        return None
    there = [one for one in told if one.positions is not None and one.positions.lineno == line]
    return frozenset(one.argval for one in there if one.opname.startswith("LOAD_") and isinstance(one.argval, str))


@cache
def _is_own(file: str) -> bool:
    return of_the_user(file) is not None
