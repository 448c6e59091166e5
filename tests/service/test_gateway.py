"""A real gateway process over real HTTP: quick to start, hard to disturb, honest when it cannot serve."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeostat.adapters.files.routes import write_route
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.serving.routing import Route
from tests.harness.ports import free_ports
from tests.harness.running import PATIENCE, ROOT, until
from tests.unit.serving.late import question
from tests.unit.serving.parts import expected, two_versions
from tests.unit.serving.rig import GOOD, NOW_HEADER, PREDICT, arrival

pytestmark = pytest.mark.service

HEAVY = (
    *("mlflow", "pandas", "sklearn", "lightgbm", "xgboost", "skops", "pyarrow", "deltalake", "duckdb", "polars"),
    *("sqlalchemy", "grpc", "google.protobuf", "opentelemetry", "requests"),
)
MAIN = f"""
import json, logging, sys
from dataclasses import replace
from pathlib import Path
from homeostat.app.gateway.door_parts import GatewaySettings
from homeostat.app.gateway.process import run
from homeostat.app.tracing.choosing import Traces
from homeostat.web.doors import open_doors
from tests.unit.serving.late import PLAN
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
home, port = Path(sys.argv[1]), int(sys.argv[2])
told = {{"recorder_socket": str(home / "recorder"), "control_url": "http://127.0.0.1:1", "clock": "replay",
        "max_body_bytes": 1024 * 1024, "arm_seconds": 3.0, **json.loads(sys.argv[3])}}
plan = replace(PLAN, batching=told.pop("batching", "off"))
told["traces"] = Traces(**told["traces"]) if "traces" in told else None
settings = GatewaySettings(home, port, **told)
called = []
sys.addaudithook(lambda event, told: called.append(told[1]) if event == "socket.connect" else None)

def doors(parts):
    application = open_doors(parts)
    idle = application.idle

    async def tell(patience):
        print("heavy:", [name for name in {HEAVY!r} if name in sys.modules])
        print("called:", [address for address in called if isinstance(address, tuple)])
        await idle(patience)

    application.idle = tell
    return application

run(settings, [plan], doors)
"""


def asking(port: int) -> httpx.Client:
    """A client of a gateway that has time."""
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=NOW_HEADER, trust_env=False, timeout=PATIENCE)


class Gateway:
    """A gateway process on a home, and a client of it."""

    def __init__(self, home: Path, port: int, settings: Mapping[str, Any]) -> None:
        self.home, self.port = home, port
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, str(home), str(port), json.dumps(settings)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.client = asking(port)

    def predict(self, *rows: object) -> httpx.Response:
        return self.client.post(PREDICT, json={"rows": list(rows)})

    def ready(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/health/ready").json()["loops"]["late"]
        return found

    def alive(self) -> bool:
        try:
            return self.client.get("/health/live").status_code == 200
        except httpx.TransportError:
            return False

    def route(self, generation: int, champion: str | None, **parts: Any) -> None:
        """Publish a route and wait until it is served."""
        write_route(self.home / "routes", Route("late", generation, champion, **parts))
        until(lambda: self.ready()["generation"] == generation)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; the exit status and what was said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        self.client.close()
        return self.process.returncode, out, err

    def memory(self) -> float:
        """Resident megabytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose recorder has taken in two arrivals, with versions v1 and v2."""
    return furnished(tmp_path)


def furnished(tmp_path: Path) -> Path:
    """A folder as a home with two arrivals and two versions."""
    landed = [arrival("a", minutes_before=60, delay=30.0), arrival("b", minutes_before=20, delay=10.0)]
    return two_versions(tmp_path, landed)


@contextmanager
def gateway(home: Path, port: int | None = None, **settings: Any) -> Iterator[Gateway]:
    running = Gateway(home, port or free_ports(), settings)
    try:
        until(lambda: running.alive() or running.process.poll() is not None)
        yield running
    finally:
        running.client.close()
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate(timeout=PATIENCE)


def raw(port: int, data: bytes) -> bytes:
    """Send bytes as they are, and no more; what comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := _received(connection):
            answer += part
        return answer


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionError:
        return b""


def test_it_serves_light_in_memory_and_modules(home: Path) -> None:
    with gateway(home) as running:
        before = running.predict(question())
        assert before.status_code == 503
        assert "nothing was said of a first version" in before.json()["error"]["problem"]
        running.route(1, "v1")
        answer = running.predict(question(0), question(1, hour=12))
        assert answer.status_code == 200
        found = [one["probability"] for one in answer.json()["predictions"]]
        assert found == pytest.approx([expected(-1, 8, "UA", 20), expected(-1, 12, "UA", 20)], abs=1e-6)
        for _ in range(200):
            assert running.predict(question(2)).status_code == 200
        assert running.client.get("/", follow_redirects=False).headers["location"] == "http://127.0.0.1:1/"
        assert "homeostat_predictions_total" in running.client.get("/metrics").text
        assert running.memory() < 130
        status, out, err = running.end()
        assert (status, out.splitlines()) == (0, ["heavy: []", "called: []"]), err
    records = SpoolReader(home / "spool" / "predictions" / "r1").read(-1).records
    assert len(records) == 202


def test_no_request_fails_while_routes_change_under_load(home: Path) -> None:
    with gateway(home) as running:
        running.route(1, "v1")
        stop = threading.Event()
        statuses: list[int] = []
        versions: list[str] = []

        def ask() -> None:
            with asking(running.port) as client:
                while not stop.is_set():
                    answer = client.post(PREDICT, json={"rows": [question(len(versions))]})
                    statuses.append(answer.status_code)
                    versions.append(answer.json()["predictions"][0]["version"])

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        running.route(2, "v1", canary="v2", share=0.5, salt="s")
        until(lambda: "v2" in versions)
        running.route(3, "v2", standby="v1")
        running.route(4, "v1")
        write_route(home / "routes", Route("late", 5, "v9"))
        until(lambda: "v9" in str(running.ready()["problem"]))
        assert running.ready()["generation"] == 4
        asked = len(statuses)
        until(lambda: len(statuses) > asked + 50)
        stop.set()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200}


def test_a_restart_serves_from_disk_from_the_first_request_on(home: Path) -> None:
    write_route(home / "routes", Route("late", 7, "v2", standby="v1"))
    acknowledged = []
    for _ in range(3):
        with gateway(home) as running:
            answer = running.predict(question())
            assert answer.status_code == 200
            acknowledged.append(answer.json()["predictions"][0]["prediction_id"])
            running.end(signal.SIGKILL)
    records = [record for _, record in SpoolReader(home / "spool" / "predictions" / "r1").read(-1).records]
    assert [record.prediction_id for record in records] == acknowledged
    assert {record.generation for record in records} == {7}


@pytest.mark.parametrize("batching", ["off", 64])
def test_requests_that_are_under_way_are_finished_before_it_stops(home: Path, batching: str | int) -> None:
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home, batching=batching) as running, ExitStack() as stack:
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: 127.0.0.1\r\nHomeostat-Now: 2013-02-01T13:00:00Z\r\n"
        head += f"Content-Length: {len(GOOD)}\r\n\r\n"
        address = ("127.0.0.1", running.port)
        connections = [stack.enter_context(socket.create_connection(address, timeout=PATIENCE)) for _ in range(5)]
        for connection in connections:
            connection.sendall(head.encode() + GOOD[:30])
        until(lambda: 'homeostat_requests_open{replica="r1"} 6.0' in running.client.get("/metrics").text)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: not running.alive())
        for connection in connections:
            connection.sendall(GOOD[30:])
        assert [one.recv(65_536)[:12] for one in connections] == [b"HTTP/1.1 200"] * 5
        assert running.process.wait(PATIENCE) == 0


def test_events_are_503_while_the_recorder_is_down(home: Path) -> None:
    with gateway(home) as running:
        answer = running.client.post("/tables/arrivals/events", json={"rows": []})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["error"]["code"] == "unavailable"


def test_a_body_over_the_limit_is_413_over_the_wire(home: Path) -> None:
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home) as running:

        def streamed() -> Iterator[bytes]:
            for _ in range(64):
                yield b" " * 64 * 1024

        assert running.client.post(PREDICT, content=b" " * 6_000_000).status_code == 413
        assert running.client.post(PREDICT, content=streamed()).status_code == 413
        announced = f"POST {PREDICT} HTTP/1.1\r\nHost: 127.0.0.1\r\nHomeostat-Now: 2013-02-01T13:00:00Z\r\n"
        announced += f"Content-Length: {10**12}\r\n\r\n"
        assert raw(running.port, announced.encode()).startswith(b"HTTP/1.1 413")
        assert running.predict(question()).status_code == 200


ODD = [
    b"GET /%zz%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /loops/%ff%00/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
    b"POST /loops/late/predict?%ff=%zz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n{",
    b"POST /loops/late/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /loops/late/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90\r\n\r\n{",
    b"BREW /loops/late/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\r\n" * 50,
]


def test_odd_bytes_on_the_wire_are_never_a_fault_of_ours(home: Path) -> None:
    with gateway(home) as running:
        for data in ODD:
            assert not raw(running.port, data).startswith(b"HTTP/1.1 5"), data
            assert running.alive()
        status, _, err = running.end()
        assert status == 0, err


def test_a_taken_port_or_home_is_said_in_words(home: Path) -> None:
    with gateway(home) as running:
        (home / "other").mkdir()
        for folder, port, said in (
            (home, free_ports(), "Another process writes"),
            (home / "other", running.port, f"Port {running.port}"),
        ):
            with gateway(folder, port) as second:
                assert second.process.wait(PATIENCE) != 0
                assert second.process.stderr is not None
                assert said in second.process.stderr.read()
        assert json.loads(running.client.get("/health/live").content) == {"live": True}
