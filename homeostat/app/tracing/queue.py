"""The way to the collector: a bounded queue and one thread, so that no collector is ever waited for."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from homeostat.kernel.traces import Span

MOST_WAITING = 16_384
"""Spans, some 15 MB; those of a request are kept together or dropped together."""
_BATCH = 512
_LOOK_SECONDS, _REST_SECONDS = 1.0, 5.0
_LOG = logging.getLogger("homeostat.traces")


class Export(Protocol):
    """Takes spans to wherever they are read."""

    def send(self, spans: Sequence[Span]) -> str | None:
        """Send them; why they were not taken, or None."""
        ...

    def close(self) -> None:
        """Send no more."""
        ...


class SpanQueue:
    """Spans on their way; ``put`` never waits and never fails.

    A collector that takes nothing is said once in the log, and again once it has taken something; meanwhile it is
    tried every ``rest`` seconds, spans wait up to ``most``, and the rest are dropped and counted.
    """

    def __init__(self, export: Export, *, most: int = MOST_WAITING, rest: float = _REST_SECONDS) -> None:
        self._export, self._most, self._rest = export, most, rest
        self._waiting: deque[Span] = deque()
        self._lock = threading.Lock()
        self._news, self._stop = threading.Event(), threading.Event()
        self._counts = {"sent": 0, "failed": 0, "dropped": 0}
        self._ailing = False
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def put(self, spans: Sequence[Span]) -> None:
        """Take spans that belong together, all or none."""
        with self._lock:
            fits = len(self._waiting) + len(spans) <= self._most
            if fits:
                self._waiting.extend(spans)
            else:
                self._counts["dropped"] += len(spans)
        if len(self._waiting) >= _BATCH:
            self._news.set()

    def counts(self) -> Mapping[str, int]:
        """Spans that were sent, that the collector did not take, and that found no room here."""
        with self._lock:
            return dict(self._counts)

    def close(self, patience: float) -> None:
        """Send what waits, for at most ``patience`` seconds; the rest is dropped."""
        self._stop.set()
        self._news.set()
        self._thread.join(patience)
        self._export.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.wait(_LOOK_SECONDS)
            self._news.clear()
            if not self._send_all():
                self._stop.wait(self._rest)
        self._send_all()

    def _send_all(self) -> bool:
        """False once a batch is not taken: the next would not be either."""
        while batch := self._taken():
            why = self._sent(batch)
            with self._lock:
                self._counts["failed" if why else "sent"] += len(batch)
            self._say(why)
            if why:
                return False
        return True

    def _taken(self) -> list[Span]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def _sent(self, batch: Sequence[Span]) -> str | None:
        try:
            return self._export.send(batch)
        except Exception as error:  # traces are worth no request, and no thread that ends unseen
            return f"{type(error).__name__}: {error}"

    def _say(self, why: str | None) -> None:
        if bool(why) == self._ailing:
            return
        self._ailing = bool(why)
        if why:
            _LOG.warning("the collector takes no traces; it is tried again, and what is lost is counted: %s", why)
        else:
            _LOG.info("the collector takes traces again")
