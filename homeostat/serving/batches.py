"""Requests that wait for one version, on the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from homeostat.serving.answers import Score
from homeostat.serving.batching import Columns, Scores, together
from homeostat.serving.runtimes import Runtime


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request whose rows wait, or some of them: ``scores`` are those of the rows before ``at``."""

    columns: Columns
    rows: int
    answer: asyncio.Future[Scores]
    scores: list[Score] = field(default_factory=list)
    at: int = 0


class Batches:
    """The requests that wait for one version, on the event loop.

    Nobody waits for company: a request that finds nobody is predicted in the next turn of the event loop, and what
    comes while the model computes goes together after it. Requests take turns: of one with more rows than fit, the
    next rows go behind those who came meanwhile. What nobody waits for any more is not predicted.
    """

    def __init__(self, runtime: Runtime, rows: int) -> None:
        self._runtime, self._most = runtime, rows
        self._waiting: deque[_Waiting] = deque()
        self._due = False
        self.calls = 0
        self.requests = 0
        """Of the model, and the requests that they answered."""

    async def predict(self, columns: Columns, rows: int) -> list[Score]:
        """The answers to a request's rows. Raises: whatever the model raises on them, BadAnswer too."""
        loop = asyncio.get_running_loop()
        one = _Waiting(columns, rows, loop.create_future())
        self._waiting.append(one)
        self._call_soon(loop)
        scores = await one.answer
        if isinstance(scores, Exception):
            raise scores
        return scores

    def _call_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._due:
            self._due = True
            loop.call_soon(self._call, loop)

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = False
        parts = self._next()
        found = together(self._runtime, [_cut(one, rows) for one, rows in parts])
        self.calls += bool(parts)
        for (one, rows), scores in zip(parts, found, strict=True):
            self._settle(one, rows, scores)
        if self._waiting:
            self._call_soon(loop)

    def _next(self) -> list[tuple[_Waiting, int]]:
        """Who is next, and with how many rows."""
        parts: list[tuple[_Waiting, int]] = []
        room = self._most
        while self._waiting and room:
            one = self._waiting.popleft()
            if one.answer.done():
                continue
            rows = min(one.rows - one.at, room)
            parts.append((one, rows))
            room -= rows
        return parts

    def _settle(self, one: _Waiting, rows: int, scores: Scores) -> None:
        if not isinstance(scores, Exception):
            one.scores += scores
            one.at += rows
            if one.at < one.rows:
                self._waiting.append(one)
                return
            scores = one.scores
        self.requests += 1
        one.answer.set_result(scores)


def _cut(one: _Waiting, rows: int) -> Columns:
    if rows == one.rows:
        return one.columns
    return {name: values[one.at : one.at + rows] for name, values in one.columns.items()}
