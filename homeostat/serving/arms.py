"""Every row answered: each arm scores its rows as one batch; the champion stands in for an arm that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Value
from homeostat.kernel.errors import NotFound, Unavailable
from homeostat.serving.live import Serving
from homeostat.serving.routing import Arm, arm_of
from homeostat.serving.runtimes import Runtime, probabilities
from homeostat.serving.waiting import no_version

Columns = Mapping[str, Sequence[Value]]
Failed = Callable[[str, Arm, int, Exception | None], None]
"""Told of (version, arm, rows, why) whenever an arm did not answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One row's probability, and who gave it; ``arm`` is the arm that answered, not the one that failed."""

    probability: float
    version: str
    arm: Arm
    fell_back: bool


def answer(serving: Serving, units: Sequence[str], columns: Columns, failed: Failed) -> list[Answer]:
    """Answers in the order of ``units``; ``columns`` holds each feature's values in the same order.

    Raises: Unavailable when there is no champion, or the champion itself fails.
    """
    route = serving.route
    champion = serving.runtimes.get(route.champion or "")
    if champion is None:
        raise no_version(route.loop)
    canaries = [index for index, unit in enumerate(units) if arm_of(route, unit) == "canary"]
    answers: list[Answer | None] = [None] * len(units)
    if canaries:
        _fill(answers, canaries, "canary", _canary(serving, canaries, columns, failed))
    rest = [index for index, found in enumerate(answers) if found is None]
    if rest:
        fell_back = set(canaries)
        found_by = _must_answer(champion, "champion", rest, columns, route.loop, failed)
        for index, probability in zip(rest, found_by, strict=True):
            answers[index] = Answer(probability, champion.version, "champion", index in fell_back)
    return [found for found in answers if found is not None]


def pinned(serving: Serving, version: str, rows: int, columns: Columns, failed: Failed) -> list[Answer]:
    """Answers of one version, whatever the route says of it.

    Raises: NotFound when it is not loaded; Unavailable when it fails: nobody stands in for it.
    """
    loop, runtime = serving.route.loop, serving.runtimes.get(version)
    if runtime is None:
        raise NotFound(
            f"Version {version!r} of loop {loop!r} is not loaded here.",
            mend=did_you_mean(version, serving.runtimes),
            loop=loop,
            version=version,
        )
    found = _must_answer(runtime, "pinned", range(rows), columns, loop, failed)
    return [Answer(probability, version, "pinned", False) for probability in found]


def _fill(
    answers: list[Answer | None], indices: Sequence[int], arm: Arm, found: tuple[str, list[float]] | None
) -> None:
    if found is None:
        return
    version, values = found
    for index, probability in zip(indices, values, strict=True):
        answers[index] = Answer(probability, version, arm, False)


def _canary(serving: Serving, rows: Sequence[int], columns: Columns, failed: Failed) -> tuple[str, list[float]] | None:
    """The canary's version and probabilities; None when the champion has to answer."""
    name = serving.route.canary or ""
    runtime = serving.runtimes.get(name)
    if runtime is None:
        failed(name, "canary", len(rows), None)
        return None
    try:
        return name, _score(runtime, rows, columns)
    except Exception as error:  # whatever a candidate does, its users get an answer
        failed(name, "canary", len(rows), error)
        return None


def _must_answer(
    runtime: Runtime, arm: Arm, rows: Sequence[int], columns: Columns, loop: str, failed: Failed
) -> list[float]:
    try:
        return _score(runtime, rows, columns)
    except Exception as error:
        failed(runtime.version, arm, len(rows), error)
        raise Unavailable(
            f"Version {runtime.version} of loop {loop!r} failed: {type(error).__name__}.",
            mend="Send it again; if it goes on, roll back: 'homeostat rollback'.",
            loop=loop,
            version=runtime.version,
        ) from error


def _score(runtime: Runtime, rows: Sequence[int], columns: Columns) -> list[float]:
    total = len(next(iter(columns.values())))
    batch = columns
    if len(rows) < total:
        batch = {name: [values[index] for index in rows] for name, values in columns.items()}
    return probabilities(runtime.predict(batch), len(rows))
