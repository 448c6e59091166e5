"""The port behind which a version computes answers, and what every answer of it must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.data.contracts import Value
from homeostat.registry.binding import Binding
from homeostat.registry.models import Kind
from homeostat.serving.answers import Score
from homeostat.stats.tasks import Binary, Multiclass

Probabilities = NDArray[np.float64]
"""One answer per row: probabilities or numbers, [n]; of several classes their chances, [n, classes]."""
_ROUNDING = 1e-6


class Loaded(Protocol):
    """What is known of a version that is loaded somewhere."""

    @property
    def version(self) -> str:
        """Its name, such as "v3"."""
        ...

    @property
    def inputs(self) -> tuple[tuple[str, Kind], ...]:
        """The features it needs, in order."""
        ...

    @property
    def binding(self) -> Binding:
        """The definitions it was trained with."""
        ...


class Runtime(Loaded, Protocol):
    """A version loaded in this process."""

    def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """The answer to each row; columns it does not need are ignored."""
        ...


class Candidate(Loaded, Protocol):
    """A version in a process of its own: whatever it does to time and memory, the champion goes on answering."""

    async def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """The answer to each row; columns it does not need are ignored.

        Raises: whatever keeps it from answering in time. A breaker stops the asking while it keeps failing.
        """
        ...

    def close(self) -> None:
        """End its process once what it was asked is answered or late; safe where requests are answered."""
        ...

    def end(self) -> None:
        """End its process now, and wait until it has."""
        ...


LoadRuntime = Callable[[str, str], Runtime]
"""Load a version by loop and version; raises a HomeostatError when its files are missing or changed."""
StartCandidate = Callable[[str, str], Candidate]
"""Start a version in its own process, loaded and warm; raises a HomeostatError when it cannot be."""


class BadAnswer(Exception):
    """A runtime answered something that is no answer to each row."""


def answers(runtime: Loaded, answer: Any, rows: int) -> list[Score]:
    """Take a version's answer only when it is what its task says, one for each row; else raise BadAnswer."""
    task = runtime.binding.task
    if isinstance(task, Binary):
        return probabilities(answer, rows)  # type: ignore[return-value]
    found = np.asarray(answer, dtype=np.float64)
    shape = (rows, len(task.classes)) if isinstance(task, Multiclass) else (rows,)
    if found.shape != shape:
        raise BadAnswer(f"shape {found.shape}, not {shape}")
    if not bool(np.isfinite(found).all()):
        raise BadAnswer("not finite numbers")
    if isinstance(task, Multiclass):
        found = _chances(found)
    taken: list[Score] = found.tolist()
    return taken


def _chances(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float32 rounding away; else raise BadAnswer."""
    sums = found.sum(axis=1, keepdims=True)
    if bool((found < -_ROUNDING).any()) or bool((np.abs(sums - 1.0) > 1e-3).any()):
        raise BadAnswer("not a chance for each class that add up to 1")
    kept = np.clip(found, 0.0, 1.0)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


def probabilities(answer: Any, rows: int) -> list[float]:
    """Take an answer only when it is one finite probability per row; else raise BadAnswer.

    Float32 rounding just outside [0, 1] is cut off.
    """
    if rows == 1 and type(answer) is np.ndarray and answer.shape == (1,) and answer.dtype == np.float64:
        only: float = answer.item()  # most requests hold one row, and NumPy's way takes as long as a small model
        if 0.0 <= only <= 1.0:
            return [only]
    found = np.asarray(answer, dtype=np.float64)
    if found.shape != (rows,):
        raise BadAnswer(f"shape {found.shape}, not ({rows},)")
    if not bool(np.all((found >= -_ROUNDING) & (found <= 1.0 + _ROUNDING))):  # False for NaN too
        raise BadAnswer("not a finite probability in [0, 1]")
    clipped: list[float] = np.clip(found, 0.0, 1.0).tolist()
    return clipped
