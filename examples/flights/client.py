"""A plain HTTP client of the doors: one kept-alive connection, patient when a part is away."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import msgspec

from examples.flights.source import TABLES, Quarter, Row
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import InvalidInput, Unavailable

_PAUSE_SECONDS, _TRIES = 0.5, 600


class Doors:
    """One address, one connection; ``post`` waits for a part that is restarting."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: object, headers: dict[str, str] | None = None) -> tuple[Any, int]:
        """The decoded reply, and how often the request had failed before.

        Raises: InvalidInput when the doors refuse it; Unavailable when they stay away for minutes.
        """
        data = msgspec.json.encode(body)
        for failures in range(_TRIES):
            status, reply = self._try(path, data, headers or {})
            if status == 200:
                return msgspec.json.decode(reply), failures
            if 400 <= status < 500:
                raise InvalidInput(f"{path} answered {status}: {reply[:2000]!r}.", mend="Mend what the reply names.")
            _stop_if_hopeless(status, reply)
            threading.Event().wait(_PAUSE_SECONDS)
        raise Unavailable(f"{path} stayed away.", mend="Look into the process logs.", status=status)

    def _try(self, path: str, data: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=900)
            self._connection.request("POST", path, data, {"Content-Type": "application/json", **headers})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, b""

    def close(self) -> None:
        """Let go of the connection; the next ``post`` makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _stop_if_hopeless(status: int, reply: bytes) -> None:
    """A version that was turned away is tried again later in event time, which this replay alone moves on."""
    error = msgspec.json.decode(reply)["error"] if status == 503 else {"facts": {}}
    if error["facts"].get("reason") in ("rejected", "failed"):
        raise Unavailable(error["problem"], mend=error["mend"], **error["facts"])


class Client:
    """What the replay does, in the words of the doors. ``failed`` counts questions that had to be asked again."""

    def __init__(self, doors: str, control: str, loop: str) -> None:
        self._events, self._questions, self._control = Doors(doors), Doors(doors), Doors(control)
        self._beside = ThreadPoolExecutor(1)
        self._loop = loop
        self._calls = 0
        self.failed = 0

    def close(self) -> None:
        """Let go of the connections."""
        self._beside.shutdown()
        for doors in (self._events, self._questions, self._control):
            doors.close()

    def events(self, quarter: Quarter, now: int) -> None:
        """Send what became known: planes, weather and landings first, then the departures."""
        self._send(TABLES, quarter, now)

    def events_and_questions(self, quarter: Quarter, now: int) -> None:
        """Send what became known, and ask about the departures while they are being recorded themselves: no
        feature reads them."""
        self._send(TABLES[:-1], quarter, now)
        recorded = self._beside.submit(self._send, TABLES[-1:], quarter, now)
        self.ask(quarter.departures, now)
        recorded.result()

    def ask(self, rows: list[Row], now: int) -> None:
        """Ask about each departure, all in one request."""
        if rows:
            _, failures = self._questions.post(f"/loops/{self._loop}/predict", {"rows": rows}, _at(now))
            self.failed += failures

    def _send(self, tables: Sequence[str], quarter: Quarter, now: int) -> None:
        """The rows of some tables in one request, in that order."""
        if rows := {table: sent for table in tables if (sent := getattr(quarter, table))}:
            self._events.post("/events", rows, _at(now))

    def barrier(self, now: int) -> None:
        """Wait until everything up to ``now`` is decided."""
        self._control.post("/api/replay/barrier", {"now": format_instant(now)})

    def progress(self, start: int, until: int, at: int, phase: str, *, every: int = 1, done: bool = False) -> None:
        """Tell the dashboard where the replay is, once in ``every`` calls."""
        self._calls += 1
        if self._calls % every == 0 or done:
            body = {"start": start, "until": until, "at": at}
            told = {name: format_instant(value) for name, value in body.items()}
            self._control.post("/api/replay", {**told, "phase": phase, "done": done})


def _at(now: int) -> dict[str, str]:
    return {"Homeostat-Now": format_instant(now)}
