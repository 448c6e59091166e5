"""Doors that only tell what they have counted; what they tell can be changed, and they can go away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class Counting(HTTPServer):
    """``text`` is their exposition; while ``away``, they answer nothing of use."""

    text = ""
    away = False

    @property
    def url(self) -> str:
        """Their address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Counting

    def do_GET(self) -> None:
        self.send_response(503 if self.server.away else 200)
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the tests say what matters."""


@contextmanager
def counting(text: str = "") -> Iterator[Counting]:
    """Such doors until the block ends."""
    server = Counting(("127.0.0.1", 0), _Handler)
    server.text = text
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
