"""What makes a retry harmless: one answer per idempotency key, on every replica and across restarts."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import TypeVar

from homeostat.adapters.sqlite.answers import Kept, SqliteAnswers
from homeostat.app.gateway.prediction_ids import new_prediction_id
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, HomeostatError, InvalidInput

KEPT_SECONDS = 86_400
"""How long an answer is kept: a day of processing time."""
_LEASE_SECONDS = 60
"""How long a process is believed to be at a request; none takes as long."""
_PRUNE_SECONDS = 60
_LOG = logging.getLogger("homeostat.doors")
_T = TypeVar("_T")


class KeyReused(InvalidInput):
    """An idempotency key came with another request before."""

    code = "idempotency_key_reused"


class UnderWay(Conflict):
    """The first request with this idempotency key has not been answered yet."""

    code = "request_under_way"


@dataclass(slots=True)
class Attempt:
    """One try at a request; ``again`` says that an earlier one may have recorded its predictions already.

    ``now`` is the present of the first try, and the present of all others.
    """

    key: bytes
    now: Instant
    again: bool

    def names(self, purpose: str) -> Callable[[Instant], str]:
        """Makes the same ids, in the same order, in every try."""
        chance = _Derived(self.key + purpose.encode())
        return lambda now: new_prediction_id(now, chance)


class Answers:
    """Remembers answers for a day; its file is opened by the first request that has a key, and used in a thread.

    ``durable`` answers survive a power cut too, at the price of two more flushes to disk per request; ``clock`` tells
    seconds of processing time.
    """

    def __init__(self, path: Path, *, durable: bool = True, clock: Callable[[], float] = time.time) -> None:
        self._path, self._durable, self._clock = path, durable, clock
        self._store: SqliteAnswers | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._open: set[bytes] = set()
        self._pruned_at = -inf

    async def claim(self, key: bytes, asked: bytes, now: Instant) -> Attempt | bytes:
        """The remembered answer, or leave to make one; ``asked`` is a digest of the whole request.

        Raises: KeyReused for another request under the same key; UnderWay while another try is being made;
        Unavailable when the disk refuses.
        """
        return await self._in_thread(self._claim, key, asked, now)

    async def keep(self, attempt: Attempt, answer: bytes) -> None:
        """Remember what an attempt has led to; should that fail, the next try finds its predictions in the log."""
        try:
            await self._in_thread(self._opened().keep, attempt.key, answer)
        except HomeostatError as error:
            _LOG.warning("an answer is not remembered: %s", error)

    async def forget(self, attempt: Attempt) -> None:
        """An attempt led to an error: the next try is as the first, unless something may have been recorded."""
        try:
            store = self._opened()
            await self._in_thread(store.free if attempt.again else store.drop, attempt.key)
        except HomeostatError as error:
            _LOG.warning("an attempt is not forgotten: %s", error)

    def ended(self, attempt: Attempt) -> None:
        """Nobody is at it any more here."""
        self._open.discard(attempt.key)

    def close(self) -> None:
        """Let go of the file."""
        self._thread.shutdown()
        if self._store is not None:
            self._store.close()

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _claim(self, key: bytes, asked: bytes, now: Instant) -> Attempt | bytes:
        store, at = self._opened(), self._clock()
        if abs(at - self._pruned_at) >= _PRUNE_SECONDS:
            self._pruned_at = at
            store.prune(int(at) - KEPT_SECONDS)
        found = store.take(key, asked, now, int(at), os.getpid())
        if found is not None:
            if found.asked != asked:
                raise _reused()
            if found.answer is not None:
                return found.answer
            if self._is_running(key, found, at) or not store.retake(key, found, int(at), os.getpid()):
                raise _under_way()
        self._open.add(key)
        return Attempt(key, now if found is None else found.now, again=found is not None)

    def _opened(self) -> SqliteAnswers:
        if self._store is None:
            self._store = SqliteAnswers(self._path, durable=self._durable)
        return self._store

    def _is_running(self, key: bytes, found: Kept, at: float) -> bool:
        if found.owner is None:
            return False
        if found.owner == os.getpid():
            return key in self._open
        # Where the clock was set back, a lease of before lies ahead and would last as long.
        return abs(at - found.since) < _LEASE_SECONDS and _lives(found.owner)


class _Derived:
    """Bytes that look like chance and are the same for the same seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._count = seed, 0

    def __call__(self, count: int) -> bytes:
        self._count += 1
        return blake2b(self._seed + self._count.to_bytes(8, "big"), digest_size=count).digest()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reused() -> KeyReused:
    return KeyReused(
        "This idempotency key came with another request before.",
        mend="Give each request a key of its own, such as a UUID; send a retry exactly as it was sent first.",
    )


def _under_way() -> UnderWay:
    return UnderWay(
        "The first request with this idempotency key is still being answered.",
        mend="Send it again after a second; it then gets the same answer.",
    )
