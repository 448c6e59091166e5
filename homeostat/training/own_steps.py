"""Steps that users add to training: functions of rows, after ``split``, and reports, after ``evaluate``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from homeostat.data.tables import NAME
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.places import at_place, place_of_function

Place = Literal["split", "evaluate"]
PLACES: Mapping[str, tuple[str, ...]] = {
    "split": ("rows", "config"),
    "evaluate": ("rows", "scores", "config", "evaluation"),
}
"""After which steps one may come, and what a function there may take, by the names of its parameters."""


@dataclass(frozen=True, eq=False)
class OwnStep:
    """A user's step; made by ``step``. ``takes`` are the names of its function's parameters. 0 ``seconds`` and
    ``memory_mib`` are no limits of its own."""

    name: str
    after: Place
    takes: tuple[str, ...]
    function: Callable[..., Any]
    retries: int = 0
    seconds: float = 0.0
    memory_mib: int = 0

    def __call__(self, *values: Any) -> Any:
        """The undecorated function, for trying it out."""
        return self.function(*values)

    @property
    def described(self) -> str:
        """The step as a message names it."""
        return f"step {self.name!r}{at_place(place_of_function(self.function))}"


def step(
    *, after: str, retries: int = 0, timeout: str | None = None, memory_mib: int | None = None
) -> Callable[[Callable[..., Any]], OwnStep]:
    """Add a step to training: list it in the loop's ``steps=[...]``.

    After ``"split"`` a function takes ``rows``, those that will be trained on, and returns those that shall be: some
    of them, some more than once, in any order, with the same columns. Rows that are held out never pass through it.
    After ``"evaluate"`` it takes ``rows``, the held-out ones, and ``scores``, what the candidate answers to them, and
    returns JSON values that are kept with the version. Either may also take ``config``, a report ``evaluation``. One
    that raises is tried again ``retries`` times; what it prints is in the training's log. One that takes longer than
    ``timeout``, such as ``"10m"``, or with which training holds more than ``memory_mib``, ends the training.
    Raises: InvalidInput for a function that does not fit its place.

    >>> @step(after="split")
    ... def known_size(rows):
    ...     return rows.where(rows.features["size"].notna())
    >>> known_size.name, known_size.takes
    ('known_size', ('rows',))
    """
    if after not in PLACES:
        raise InvalidInput(
            f"No step of one's own can come after {after!r}.",
            mend='Say after="split" for a function of the rows to train on, after="evaluate" for a report.',
            after=after,
        )
    if retries < 0:
        raise InvalidInput(f"A step cannot be tried again {retries} times.", mend="Give retries of 0 or more.")
    if memory_mib is not None and memory_mib < 1:
        raise InvalidInput(f"A step cannot hold {memory_mib} MiB.", mend="Give memory_mib of 1 or more.")
    seconds = 0.0 if timeout is None else duration(timeout) / 1_000_000

    def made(function: Callable[..., Any]) -> OwnStep:
        name = getattr(function, "__name__", "")
        takes = tuple(inspect.signature(function).parameters)
        found = OwnStep(name, cast("Place", after), takes, function, retries, seconds, memory_mib or 0)
        if not NAME.fullmatch(name):
            mend = "Decorate a function whose name is of small letters, digits and '_'."
            raise InvalidInput(f"{name!r} cannot name a step.", mend=mend)
        unknown = [name for name in takes if name not in PLACES[after]]
        if unknown or "rows" not in takes:
            may = ", ".join(PLACES[after])
            what = f"takes {unknown[0]!r}" if unknown else "does not take 'rows'"
            raise InvalidInput(
                f"The {found.described} {what}.", mend=f"After {after!r} a step takes rows, and may take: {may}."
            )
        return found

    return made


_TAKEN = re.compile(
    r"snapshot|questions|validated?|features|labelled|split|training|held_out|pin|repeat(ed)?|trial_\d+|search(ed)?|found"
    r"|train|estimator|code|config|convert|form|model|compared?|evaluat(e|ion)|scores|profile|companions|card|sign"
    r"|register|daily|probes|environment|steps|manifest|columns"
)
"""Names of built-in steps, of what they give, and of files of a version."""


def check_own_steps(loop: str, steps: Sequence[object]) -> tuple[OwnStep, ...]:
    """Raises: InvalidInput for what is no step, for two of one name, and for a name that training has itself."""
    names: list[str] = []
    for one in steps:
        if not isinstance(one, OwnStep):
            mend = 'Decorate a function with @hs.step(after="split") and list it.'
            raise InvalidInput(f"Loop {loop!r}: {one!r} is no step.", mend=mend)
        if _TAKEN.fullmatch(one.name):
            mend = "Give the function another name."
            raise InvalidInput(f"Loop {loop!r}: training has a step or an output {one.name!r} itself.", mend=mend)
        if one.name in names:
            raise InvalidInput(f"Loop {loop!r}: two steps are named {one.name!r}.", mend="Give each its own name.")
        names.append(one.name)
    return tuple(cast("Sequence[OwnStep]", steps))
