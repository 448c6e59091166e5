"""A webhook on loopback that takes messages, refuses them, or hangs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "s3cret-token"


@dataclass(frozen=True)
class Message:
    """A message as it arrived."""

    path: str
    key: str
    body: dict[str, Any]


class Receiver:
    """What arrived at ``url``; ``status`` is what it answers, ``location`` where it sends on to, and while it
    ``hangs`` it answers nothing. Refused messages are not kept."""

    def __init__(self) -> None:
        self.status, self.location, self.tries = 200, "", 0
        self.hangs = threading.Event()
        self.messages: list[Message] = []
        self._go = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address for Apprise; there is a secret in it."""
        return f"json://user:{SECRET}@127.0.0.1:{self._server.server_port}/hook/{SECRET}"

    def close(self) -> None:
        """Let go of whoever waits, and end."""
        self._go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.tries += 1
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if receiver.hangs.is_set():
                    receiver._go.wait(60)
                    return
                if receiver.status == 200:
                    receiver.messages.append(Message(self.path, self.headers["Idempotency-Key"], body))
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Handler


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver until the block ends."""
    found = Receiver()
    try:
        yield found
    finally:
        found.close()
