"""A client of the recorder that blocks: it loads nothing of asyncio, which a command would wait for.

Every call may safely be sent twice, so a call on a connection that has gone away is tried once more on a new
one: a recorder that was restarted in between is not noticed.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence

from homeostat.app.processes.sockets import read_exactly
from homeostat.app.recorder.frames import LENGTH, LONGEST_BODY, LONGEST_HEADER, Header, frame, length_of
from homeostat.app.recorder.replies import GONE, Flushed, Reply, down, result, slow
from homeostat.kernel.clock import Instant


class BlockingRecorderClient:
    """For a process that asks now and then; threads take turns.

    Raises, from every call, what ``RecorderClient`` does.
    """

    def __init__(self, path: str, *, timeout: float = 60.0) -> None:
        self._path, self._timeout = path, timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def events(self, table: str, body: bytes, now: Instant) -> Reply:
        """Record the facts of ``{"rows": [...]}``; durable when this returns."""
        return self._call({"call": "events", "table": table, "now": now}, body)

    def events_of_several(self, body: bytes, now: Instant) -> Reply:
        """Record the facts of ``{"table": [...], ...}``: durable together when this returns, or none of them."""
        return self._call({"call": "events_of_several", "now": now}, body)

    def flush(self) -> Flushed:
        """Store everything acknowledged so far in the tables and logs."""
        return Flushed(**self._call({"call": "flush"}))

    def status(self, since: Instant | None = None, until: Instant | None = None) -> Reply:
        """What has come per table, in all or within whole hours of known time."""
        return self._call({"call": "status", "since": since, "until": until})

    def quarantine(self, table: str, limit: int = 100) -> list[Reply]:
        """The newest rows of a table that were kept apart, newest first."""
        return list(self._call({"call": "quarantine", "table": table, "limit": limit})["rows"])

    def readmit(
        self, table: str, now: Instant | None, *, reason: str | None = None, ids: Sequence[int] | None = None
    ) -> Reply:
        """Take in kept rows that keep today's contract: all, or those of a reason or with these ids.

        Without a present, as in a replay that pauses, they are known at the newest known time.
        """
        chosen = {"reason": reason, "ids": None if ids is None else list(ids)}
        return self._call({"call": "readmit", "table": table, "now": now, **chosen})

    def vacuum(self, hours: int, *, dry_run: bool) -> Reply:
        """Remove files that no kept version needs and that were let go ``hours`` ago; or only say which."""
        return self._call({"call": "vacuum", "hours": hours, "dry_run": dry_run})

    def rebuild(self) -> Reply:
        """Begin to rebuild the online store from the tables; returns how far it is."""
        return self._call({"call": "rebuild"})

    def rebuilding(self) -> Reply:
        """How far the last rebuild of the online store is, or how it ended."""
        return self._call({"call": "rebuilding"})

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()

    def _call(self, header: Header, body: bytes = b"") -> Reply:
        message = frame(header, body)
        with self._lock:
            try:
                answer = self._asked(message)
            except TimeoutError as error:
                self._drop()
                raise slow(self._timeout) from error
            except GONE as error:
                self._drop()
                raise down() from error
            except BaseException:
                self._drop()  # half an answer may be on the way: the next call must not read it
                raise
        return result(*answer)

    def _asked(self, message: bytes) -> tuple[bytes, bytes]:
        if self._socket is not None:
            try:
                return self._ask(self._socket, message)
            except TimeoutError:
                raise
            except GONE:
                self._drop()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(self._timeout)
        self._socket.connect(self._path)
        return self._ask(self._socket, message)

    def _ask(self, connection: socket.socket, message: bytes) -> tuple[bytes, bytes]:
        connection.sendall(message)
        head = read_exactly(connection, length_of(read_exactly(connection, LENGTH.size), LONGEST_HEADER))
        return head, read_exactly(connection, length_of(read_exactly(connection, LENGTH.size), LONGEST_BODY))

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
