"""Steps of a pipeline as values: what each takes, what decides its outcome, what it gives, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.errors import Unavailable

State = Literal["waiting", "running", "done", "kept", "failed"]
"""``kept``: the outcome of an earlier run was taken."""
SIGN, REGISTER = "sign", "register"
"""The last steps of a version, which are control's."""
PASSING = (OSError, Unavailable)
"""What may be gone at the next try."""


class Format(Protocol):
    """How one kind of output is told from another, counted and kept."""

    @property
    def kept(self) -> bool:
        """Whether it can be written down; what cannot is made again when it is needed."""
        ...

    def identity(self, value: Any, key: str) -> str:
        """Equal for equal outputs; ``key`` tells what made it, for what has no content to compare."""
        ...

    def rows(self, value: Any) -> int | None:
        """How many rows it has, if it has any."""
        ...

    def write(self, value: Any, file: Path) -> None:
        """Write it where ``read`` finds it."""
        ...

    def read(self, file: Path) -> Any:
        """What was written. Raises: OSError, ValueError, KeyError or TypeError where it is damaged."""
        ...


class Reads(Protocol):
    """The variables of the environment that a user's functions read."""

    def read_by_now(self) -> Mapping[str, str]:
        """Those read by now, each with what tells its value from another."""
        ...

    def identity(self, name: str) -> str:
        """What tells the value that it has from another."""
        ...


class NoReads:
    """Nobody notes what is read."""

    def read_by_now(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def identity(self, name: str) -> str:
        """Unknown, so that what was kept of a reading step is not taken."""
        return ""


class Notes(Protocol):
    """With what a step talks while it works."""

    def say(self, text: str) -> None:
        """A line for the log."""
        ...

    def warn(self, text: str) -> None:
        """Something that a person should know of the version; kept with it."""
        ...

    def progress(self, done: int, of: int) -> None:
        """How far it is."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One named piece of work: ``work(notes, *taken, *seen)`` gives the values named in ``gives``.

    It is a pure function of what it ``takes`` and of ``decided_by`` (JSON values): with these equal it is not run
    again. What it ``sees`` does not decide: material on which something else is tried. ``sources`` names the files
    that it turned out to depend on, with their hashes, and ``reads`` the variables. It is tried again ``retries`` times
    after ``passing`` errors.
    """

    name: str
    work: Callable[..., Mapping[str, Any]]
    gives: Mapping[str, Format]
    takes: tuple[str, ...] = ()
    decided_by: Mapping[str, Any] = field(default_factory=dict)
    sees: tuple[str, ...] = ()
    retries: int = 0
    passing: tuple[type[Exception], ...] = PASSING
    sources: Callable[[], Mapping[str, str]] = dict
    reads: Reads = field(default_factory=NoReads)

    def key(self, taken: Mapping[str, str]) -> str:
        """Identifies its outcome before it is known: by what it takes and what decides it."""
        return digest({"step": self.name, "takes": taken, "decided_by": self.decided_by})


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier run of a step came to: ``gives`` are identities, ``sources`` hashes of files by path.

    ``variables`` are those that were read, with what told their values from others.
    """

    step: str
    gives: Mapping[str, str]
    rows: Mapping[str, int]
    warnings: tuple[str, ...]
    seconds: float
    memory: int
    sources: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Past:
        """Read what canonical JSON kept; raises TypeError where a part is missing."""
        return cls(**{**values, "warnings": tuple(values["warnings"])})


class StepStore(Protocol):
    """Keeps outcomes of steps by their keys, within a bound; anything in it may be gone at any time."""

    def find(self, key: str) -> Past | None:
        """What a step with this key came to; None where it is not known."""
        ...

    def keep(self, key: str, past: Past, write: Mapping[str, Callable[[Path], None]]) -> None:
        """Keep an outcome whole, or not at all; ``write`` writes each output. Raises: OSError."""
        ...

    def file(self, key: str, output: str) -> Path:
        """Where an output of a kept outcome lies."""
        ...


class NothingKept:
    """A store that keeps nothing: every run begins anew."""

    def find(self, key: str) -> Past | None:
        """Never anything."""
        return None

    def keep(self, key: str, past: Past, write: Mapping[str, Callable[[Path], None]]) -> None:
        """Forget it."""

    def file(self, key: str, output: str) -> Path:
        """A path that does not exist."""
        return Path("/nonexistent", key, output)


class Gauge(Protocol):
    """Measures what a step costs."""

    def begin(self) -> None:
        """Forget the peak of memory so far."""
        ...

    def peak(self) -> int:
        """The most memory held since, in bytes; 0 where that is not known."""
        ...

    def seconds(self) -> float:
        """A clock that only goes forward."""
        ...


class NoGauge:
    """Measures nothing."""

    def begin(self) -> None:
        """Nothing to forget."""

    def peak(self) -> int:
        """Unknown."""
        return 0

    def seconds(self) -> float:
        """Time stands still."""
        return 0.0


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of one run. ``takes`` and ``gives`` are identities; ``memory`` is the process's peak in bytes.

    ``seconds`` and ``memory`` of what was kept are those of the run that made it. ``done`` of ``of`` is how far a
    running step is.
    """

    name: str
    state: State = "waiting"
    takes: Mapping[str, str] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    memory: int = 0
    attempts: int = 0
    warnings: tuple[str, ...] = ()
    done: int = 0
    of: int = 0

    @property
    def lasting(self) -> dict[str, Any]:
        """What is the same in every run that comes to the same: kept in the version's folder."""
        told: dict[str, Any] = plain(
            {
                "name": self.name,
                "takes": self.takes,
                "gives": self.gives,
                "rows": self.rows,
                "warnings": self.warnings,
            }
        )
        return told

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> StepRecord:
        """Read what canonical JSON kept; raises TypeError where a part is missing."""
        return cls(**{**values, "warnings": tuple(values["warnings"])})
