"""A door before an MLflow server, as a company's gateway is one: it lets those in who bear the token."""

from __future__ import annotations

import base64
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.harness.mlflow_server import PASSWORD, USER, MlflowServer
from tests.harness.registered import Home, home_on

TOKEN = "a token of these tests"
_OURS = {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


@contextmanager
def bearing(server: MlflowServer, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose registry is the server behind its door; all that it knows is the token."""
    with _door(server) as url:
        home = home_on(server, root, monkeypatch, url)
        for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
        yield home


@contextmanager
def _door(server: MlflowServer) -> Iterator[str]:
    door = ThreadingHTTPServer(("127.0.0.1", 0), _passing(server.port))
    thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.server_port}"
    finally:
        door.shutdown()
        thread.join()
        door.server_close()


def _passing(port: int) -> type[BaseHTTPRequestHandler]:
    class Passing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._reply(401, "text/plain", b"Who are you?")
                return
            kept = {name: value for name, value in self.headers.items() if name not in ("Host", "Authorization")}
            far = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            far.request(self.command, self.path, body, {**kept, **_OURS})
            answer = far.getresponse()
            self._reply(answer.status, answer.getheader("Content-Type", "application/json"), answer.read())
            far.close()

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (http.server asks by these names)

        def _reply(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:
            """Nothing: tests say what they find."""

    return Passing
