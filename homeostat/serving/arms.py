"""Every row answered: each arm scores its rows as one batch; the champion stands in for an arm that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Value
from homeostat.kernel.errors import NotFound, Unavailable
from homeostat.serving.answers import Score
from homeostat.serving.live import Serving
from homeostat.serving.routing import Arm, place_for
from homeostat.serving.runtimes import Runtime, answers
from homeostat.serving.waiting import no_version

Columns = Mapping[str, Sequence[Value]]
Failed = Callable[[str, Arm, int, Exception | None], None]
"""Told of (version, arm, rows, why) whenever an arm did not answer."""


class Answer(msgspec.Struct, frozen=True):
    """A row's answer, and who gave it; ``arm`` is the arm that answered, not the one that failed."""

    score: Score
    version: str
    arm: Arm
    fell_back: bool


async def answer(serving: Serving, units: Sequence[str], columns: Columns, failed: Failed) -> list[Answer]:
    """Answers in the order of ``units``; ``columns`` holds each feature's values in the same order.

    Raises: Unavailable when there is no champion, or the champion itself fails.
    """
    route = serving.route
    champion = serving.runtimes.get(route.champion or "")
    if champion is None:
        raise no_version(route.loop)
    if not route.divided:
        scores = await _must_answer(serving, champion, "champion", range(len(units)), columns, failed)
        return [Answer(score, champion.version, "champion", False) for score in scores]
    arms = _places(serving, units)
    made: list[Answer | None] = [None] * len(units)
    found = await asyncio.gather(*(_try(serving, arm, version, rows, columns, failed) for (arm, version), rows in arms))
    for answered in found:
        for row, one in answered:
            made[row] = one
    rest = [row for row, one in enumerate(made) if one is None]
    if rest:
        meant = {row for _, rows in arms for row in rows}
        scores = await _must_answer(serving, champion, "champion", rest, columns, failed)
        for row, score in zip(rest, scores, strict=True):
            made[row] = Answer(score, champion.version, "champion", row in meant)
    return [one for one in made if one is not None]


async def pinned(serving: Serving, version: str, rows: int, columns: Columns, failed: Failed) -> list[Answer]:
    """Answers of one version, whatever the route says of it.

    Raises: NotFound when it is not loaded; Unavailable when it fails: nobody stands in for it.
    """
    loop, runtime = serving.route.loop, serving.runtimes.get(version)
    if runtime is not None:
        scores = await _must_answer(serving, runtime, "pinned", range(rows), columns, failed)
        return [Answer(score, version, "pinned", False) for score in scores]
    if version not in serving.candidates:
        raise NotFound(
            f"Version {version!r} of loop {loop!r} is not loaded here.",
            mend=did_you_mean(version, [*serving.runtimes, *serving.candidates]),
            loop=loop,
            version=version,
        )
    found = await _try(serving, "pinned", version, range(rows), columns, failed)
    if len(found) < rows:
        raise _failed(version, loop, "it did not answer")
    return [one for _, one in found]


def _places(serving: Serving, units: Sequence[str]) -> list[tuple[tuple[Arm, str], list[int]]]:
    """The rows of every arm but the champion's."""
    arms: dict[tuple[Arm, str], list[int]] = {}
    for row, unit in enumerate(units):
        arm, version = place_for(serving.route, unit)
        if arm != "champion" and version is not None and version not in serving.route.halted:
            arms.setdefault((arm, version), []).append(row)
    return list(arms.items())


async def _try(
    serving: Serving, arm: Arm, version: str, rows: Sequence[int], columns: Columns, failed: Failed
) -> list[tuple[int, Answer]]:
    """The rows that an arm answers, all or none; when none, the champion has to."""
    try:
        runtime = serving.runtimes.get(version)  # an arm of an experiment may be the champion's own version
        if runtime is not None:
            scores = await _scores(serving, runtime, rows, columns)
        elif version in serving.candidates:
            candidate = serving.candidates[version]
            scores = answers(candidate, await candidate.predict(_of(rows, columns)), len(rows))
        else:
            failed(version, arm, len(rows), None)
            return []
    except Exception as error:  # whatever a candidate does, its users get an answer
        failed(version, arm, len(rows), error)
        return []
    return [(row, Answer(score, version, arm, False)) for row, score in zip(rows, scores, strict=True)]


async def _must_answer(
    serving: Serving, runtime: Runtime, arm: Arm, rows: Sequence[int], columns: Columns, failed: Failed
) -> list[Score]:
    try:
        return await _scores(serving, runtime, rows, columns)
    except Exception as error:
        failed(runtime.version, arm, len(rows), error)
        raise _failed(runtime.version, serving.route.loop, type(error).__name__) from error


async def _scores(serving: Serving, runtime: Runtime, rows: Sequence[int], columns: Columns) -> list[Score]:
    """At once, or with others that wait for the same version."""
    batches = serving.batches.get(runtime.version)
    if batches is None:
        return answers(runtime, runtime.predict(_of(rows, columns)), len(rows))
    return await batches.predict(_of(rows, columns), len(rows))


def _failed(version: str, loop: str, how: str) -> Unavailable:
    return Unavailable(
        f"Version {version} of loop {loop!r} failed: {how}.",
        mend="Send it again; if it goes on, roll back: 'homeostat rollback'.",
        loop=loop,
        version=version,
    )


def _of(rows: Sequence[int], columns: Columns) -> Columns:
    if len(rows) == len(next(iter(columns.values()))):
        return columns
    return {name: [values[row] for row in rows] for name, values in columns.items()}
