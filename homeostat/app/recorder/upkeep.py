"""What a recorder does by itself: storing after some rows or seconds, and keeping the online store up to date."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from homeostat.app.recorder.drain import Drain
from homeostat.app.recorder.troubles import NOT_STORED, NOT_TAKEN_IN, Troubles
from homeostat.features.ingest import FellBehind
from homeostat.features.online import Damaged, OnlineStore
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import HomeostatError

DRAIN_SECONDS = 5.0
DRAIN_ROWS = 5_000
_PRUNE_EVERY = duration("1d")
_LOG = logging.getLogger("homeostat.recorder")


class Upkeep:
    """Goes on whatever fails: what is known to fail is told ``troubles``, a fault of ours the log, with its trace.

    ``behind`` is called where only a recorder that starts anew can bring the online store up to date.
    """

    def __init__(
        self,
        drain: Drain,
        online: OnlineStore,
        catch_up: Callable[[], None],
        behind: Callable[[], None],
        put_aside: Callable[[], None],
        troubles: Troubles,
    ) -> None:
        self._drain, self._online, self._catch_up, self._behind = drain, online, catch_up, behind
        self._put_aside, self._troubles = put_aside, troubles
        self._many = asyncio.Event()
        self._now: Instant | None = None
        self._pruned: Instant | None = None

    def news(self, now: Instant) -> None:
        """Facts were accepted at ``now``."""
        self._now = now
        if self._drain.backlog >= DRAIN_ROWS:
            self._many.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._many.wait(), DRAIN_SECONDS)
            self._many.clear()
            if not await self.drain():
                await asyncio.sleep(DRAIN_SECONDS)
            self._look()

    def _look(self) -> None:
        """Whether events can be taken in: the online store has all of the journal, and both can be written."""
        try:
            self._catch_up()
            self._prune()
            self._drain.let_go()
            self._troubles.end(NOT_TAKEN_IN)
        except FellBehind as error:
            _LOG.error("%s Starting anew", error.problem)
            self._behind()
        except Damaged as error:
            _LOG.error("%s It is put aside; starting anew", error.problem)
            self._put_aside()
            self._behind()
        except HomeostatError as error:
            self._troubles.begin(NOT_TAKEN_IN, error)
        except Exception:
            _LOG.exception("the online store was not brought up to date")

    async def drain(self) -> bool:
        """Store what waits; trouble is said once, and tried again later."""
        try:
            await self._drain.flush()
        except HomeostatError as error:
            self._troubles.begin(NOT_STORED, error)
            return False
        except Exception:
            _LOG.exception("draining failed")
            return False
        self._troubles.end(NOT_STORED)
        return True

    def _prune(self) -> None:
        """Let the online store forget what is old by the newest event, too: a clock that is ahead for a moment must not
        cost it what is read today."""
        if self._now is None or (self._pruned is not None and abs(self._now - self._pruned) < _PRUNE_EVERY):
            return
        newest = self._drain.newest_event()
        if newest is not None:
            self._online.prune(min(self._now, newest))
        self._pruned = self._now
