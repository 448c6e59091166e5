"""Keeps one process running for each shadow that the routes name, and what they count."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from homeostat.app.arms.shadow import ShadowConfig, ShadowCounts
from homeostat.app.processes.supervisor import module_command, quiet_environment
from homeostat.serving.live import LiveRoutes

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_PATIENCE = 5.0
_LOG = logging.getLogger("homeostat.arms")
Wanted = tuple[str, str]
"""Loop and version."""


@dataclass(slots=True)
class _Kept:
    """A shadow, what its processes counted so far, ``before`` by those that have ended, and why the last is none."""

    task: asyncio.Task[None]
    counts: ShadowCounts = field(default_factory=ShadowCounts)
    before: ShadowCounts = field(default_factory=ShadowCounts)
    refused: str | None = None


class Shadows:
    """Starts, restarts and ends shadows as the routes change. ``config`` says what one is told."""

    def __init__(self, live: LiveRoutes, config: Callable[[str, str], ShadowConfig], log: Path) -> None:
        self._live, self._config, self._log = live, config, log
        self._kept: dict[Wanted, _Kept] = {}

    def follow(self) -> None:
        """Look at the routes: begin what is new, end what is gone."""
        wanted = set()
        for loop in self._live.loops:
            serving = self._live.current(loop)
            wanted |= {(loop, shadow.version) for shadow in (serving.route.shadows if serving else ())}
        for who in self._kept.keys() - wanted:
            self._kept.pop(who).task.cancel()
        for who in wanted - self._kept.keys():
            self._kept[who] = _Kept(asyncio.create_task(self._keep(who)))

    def counts(self) -> Mapping[Wanted, ShadowCounts]:
        """What every shadow counted since it was begun."""
        return {who: _sum(one.before, one.counts) for who, one in self._kept.items()}

    def refused(self, loop: str) -> list[str]:
        """Why shadows of a loop see nothing: nobody trusted has signed what they would load."""
        return [one.refused for (of, _), one in self._kept.items() if of == loop and one.refused]

    async def close(self) -> None:
        """End them all, each with what it has begun."""
        tasks = [one.task for one in self._kept.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, who: Wanted) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                await self._run(who)
            except OSError as error:
                _LOG.warning("the shadow %s of loop %s cannot be started: %s", who[1], who[0], error)
            kept = self._kept[who]
            kept.before, kept.counts = _sum(kept.before, kept.counts), ShadowCounts()
            _LOG.warning("the shadow %s of loop %s ended; it is started again in %g s", who[1], who[0], pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _run(self, who: Wanted) -> None:
        config = msgspec.json.encode(self._config(*who)).decode()
        self._log.parent.mkdir(exist_ok=True)
        with open(self._log, "ab") as log:
            process = await asyncio.create_subprocess_exec(
                *module_command("homeostat.app.arms.shadow", config),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=quiet_environment(),
            )
        try:
            assert process.stdout is not None
            async for line in process.stdout:
                counts = msgspec.json.decode(line, type=ShadowCounts)
                self._kept[who].counts, self._kept[who].refused = counts, counts.refused
            await process.wait()
        finally:
            await asyncio.shield(_end(process))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its stdin, which it ends by; kill it when it does not."""
    if process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


def _sum(one: ShadowCounts, other: ShadowCounts) -> ShadowCounts:
    return ShadowCounts(one.rows + other.rows, one.failed + other.failed, one.dropped + other.dropped)
