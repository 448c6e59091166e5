"""State beside a model that depends on the version that filled it: what a loop declares of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from homeostat.kernel.clock import duration
from homeostat.kernel.errors import HomeostatError, InvalidInput

First = Literal["route", "state"]
Way = Literal["restore", "replay", "leave"]


class StateFailed(HomeostatError):
    """A function that keeps, puts back or replays a loop's state raised, died or took too long."""

    code = "state_failed"


Rows = list[Mapping[str, Any]]
Replay = Callable[[Iterator[Rows], str], object]


@dataclass(frozen=True, slots=True)
class StateFolder:
    """A folder of files that the service beside a loop fills from its predictions, such as caches, indexes, SQLite.

    A checkpoint of it is taken before a new version answers its first user, and put back when that one is taken
    back: state that the old version would not have made is gone with the version that made it.

    ``path`` is relative to the loop's file. It is replaced as a whole by a rename, so open its files anew.
    ``replay(batches, version)``: gets what was asked since the checkpoint, once it is back, as in ``State``.
    ``first``: on the way back the route changes at once and the state follows (``"route"``), or users stay with the
    version that leaves until the state is right (``"state"``).
    ``keep``: checkpoints that are kept. ``timeout``: of ``replay``.
    Raises: InvalidInput that names the part.
    """

    path: str
    replay: Replay | None = None
    first: First = "route"
    keep: int = 5
    timeout: str = "10m"

    def __post_init__(self) -> None:
        _check(self.first, self.keep, self.timeout, {"replay": self.replay})
        if not self.path or "\0" in self.path or PurePath(self.path).name in ("", ".."):
            raise InvalidInput(
                f"{self.path!r} names no folder of its own.",
                mend="Give hs.StateFolder the path of a folder, such as 'state/embeddings'.",
            )


@dataclass(frozen=True, slots=True)
class State:
    """State that your own functions keep and put back, wherever it lies: a database, a cache server, an index.

    Each runs in a child process and is ended after ``timeout``. After a crash it is called again from its beginning,
    so it must be safe to repeat.

    ``checkpoint(folder, version)``: writes what it wants to keep into an empty folder.
    ``restore(folder, version)``: puts it back from a verified copy of that folder.
    ``replay(batches, version)``: iterates over batches (lists of dicts) of what was asked since the checkpoint, in
    order, each row with ``prediction`` and ``probability`` as ``version`` gives them. Rows served while a
    checkpoint was taken or state is on its way may come though they are in it.
    ``first`` and ``keep`` as in ``StateFolder``. Raises: InvalidInput that names the part.
    """

    checkpoint: Callable[[Path, str], object]
    restore: Callable[[Path, str], object]
    replay: Replay | None = None
    first: First = "route"
    keep: int = 5
    timeout: str = "10m"

    def __post_init__(self) -> None:
        functions = {"checkpoint": self.checkpoint, "restore": self.restore}
        _check(self.first, self.keep, self.timeout, {**functions, "replay": self.replay})
        missing = [name for name, given in functions.items() if given is None]
        if missing:
            raise InvalidInput(f"hs.State has no {missing[0]}.", mend=f"Give {missing[0]}=..., a function.")


VersionedState = StateFolder | State


def timeout_seconds(declared: VersionedState) -> float:
    """How long one of its functions may take."""
    return duration(declared.timeout) / 1e6


def _check(first: object, keep: object, timeout: str, functions: Mapping[str, object]) -> None:
    if first not in ("route", "state"):
        mend = "first='route' lets users go back at once, first='state' only with their state."
        raise InvalidInput(f"{first!r} cannot come first on the way back.", mend=mend)
    if not isinstance(keep, int) or isinstance(keep, bool) or not 1 <= keep <= 1_000:
        raise InvalidInput(f"{keep!r} checkpoints cannot be kept.", mend="Give keep= a number from 1 to 1000.")
    if duration(timeout) <= 0:
        raise InvalidInput(f"A timeout of {timeout!r} ends everything.", mend="Give one such as '10m'.")
    for name, given in functions.items():
        if given is not None and not callable(given):
            raise InvalidInput(f"{name}={given!r} is no function.", mend=f"Give {name}= a function of two arguments.")
