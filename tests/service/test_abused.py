"""Raw bytes against a real gateway process: whatever comes is answered or dropped in time, and harms nobody else."""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.files.routes import write_route
from homeostat.serving.routing import Route
from tests.harness.running import PATIENCE, until
from tests.service.test_gateway import Gateway, asking, furnished, gateway
from tests.unit.serving.late import question
from tests.unit.serving.rig import GOOD, PREDICT

pytestmark = pytest.mark.service

LIMIT = 2 * 1024 * 1024
"""Bytes of a body, as the gateway is told."""
READ = 8 * LIMIT
"""What is read of a body that is refused, before the server hangs up."""
SLOWEST, LONGER = 1, 20
"""Seconds that a sender has here, and fewer than it would have if the gateway had not been told so."""
DOORS = [PREDICT, "/invocations"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway; at the end nothing is open, nothing failed and it still answers."""
    with unharmed(tmp_path_factory.mktemp("abused"), max_body_bytes=LIMIT) as found:
        yield found


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Another, which gives a sender one second: those of long bodies may need more where others hold the cores."""
    with unharmed(tmp_path_factory.mktemp("hasty"), slowest_sender_seconds=SLOWEST) as found:
        yield found


@contextmanager
def unharmed(folder: Path, **settings: object) -> Iterator[Gateway]:
    home = furnished(folder)
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home, **settings) as found:
        assert found.predict(question()).status_code == 200
        yield found
        assert found.predict(question()).status_code == 200
        assert 'status="500"' not in found.client.get("/metrics").text
        status, _, err = found.end()
        assert status == 0, err
        assert "Traceback" not in err, err
        assert "still open" not in err, err


def connect(running: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE)


def head(line: str = f"POST {PREDICT} HTTP/1.1", **headers: object) -> bytes:
    named = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return "\r\n".join([line, *(f"{name}: {value}" for name, value in named.items()), "", ""]).encode("latin-1")


def request(body: bytes, path: str = PREDICT) -> bytes:
    return head(f"POST {path} HTTP/1.1", Content_Length=len(body)) + body


def answers(connection: socket.socket, count: int = 1) -> list[tuple[int, Any]]:
    """So many answers: status and JSON. Ends early, with fewer, when the other side closes."""
    found = []
    with connection.makefile("rb") as stream:
        while len(found) < count:
            try:
                line = stream.readline()
            except ConnectionError:
                break
            if not line:
                break
            length = 0
            while (header := stream.readline().strip().lower()) != b"":
                if header.startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            body = stream.read(length)
            found.append((int(line.split()[1]), json.loads(body) if body[:1] in (b"{", b"[") else body))
    return found


def asked(running: Gateway, data: bytes) -> tuple[int, Any]:
    """The one answer to some bytes."""
    with connect(running) as connection:
        with suppress(ConnectionError):
            connection.sendall(data)
        (found,) = answers(connection)
    return found


def worked(running: Gateway) -> float:
    """Seconds of processor time that the gateway has used; how long others held the cores says nothing of it."""
    told = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def row(**changed: str) -> bytes:
    """A row whose values are JSON texts."""
    values = {name: json.dumps(value) for name, value in question().items()} | changed
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in values.items()) + "}").encode()


def bodies(of: bytes) -> dict[str, bytes]:
    """The same rows for each door."""
    return {PREDICT: b'{"rows": [' + of + b"]}", "/invocations": b'{"inputs": [' + of + b"]}"}


WIDE = json.dumps({f"c{number}": 1 for number in range(100_000)}).encode()
ROWS = {
    "deep": (b"[" * 100_000 + b"]" * 100_000, {400, 422}),
    "deep and open": (b'{"a":' * 100_000, {400}),
    "deep beside NaN": (b"NaN, " + b"[" * 100_000 + b"]" * 100_000, {400, 422}),
    "100,000 columns": (WIDE, {422}),
    "1e400": (row(distance="1e400"), {400, 422}),
    "-1e400 beside NaN": (row(distance="-1e400", hour="NaN"), {400, 422}),
    "5000 digits": (row(distance="9" * 5_000), {400, 422}),
    "5000 digits beside NaN": (row(distance="9" * 5_000, hour="NaN"), {400, 422}),
    "5000 digits behind the point": (row(distance="0." + "3" * 5_000), {200}),
    "a large exponent": (row(distance="1e-99999999999"), {200, 400, 422}),
    "400 digits": (row(hour="9" * 400), {400, 422}),
    "Infinity": (row(distance="Infinity"), {400}),
    "half a surrogate pair": (row(origin='"\\ud800"'), {400, 422}),
    "a zero byte": (row(origin='"\\u0000"'), {200, 422}),
    "a long text": (row(origin='"' + "x" * 100_000 + '"'), {422}),
    "the same column 10,000 times": (b"{" + b'"hour": 1, ' * 10_000 + row()[1:], {200}),
}


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("name", ROWS)
def test_rows_beyond_reason_are_answered_at_once(running: Gateway, name: str, path: str) -> None:
    of, statuses = ROWS[name]
    began = worked(running)
    status, told = asked(running, request(bodies(of)[path], path))
    assert status in statuses, told
    assert worked(running) - began < 3
    if status != 200:
        assert set(told["error"]) == {"code", "problem", "mend", "facts"}
        assert len(json.dumps(told)) < 100_000


@pytest.mark.parametrize("path", ["/loops/late/predict", "/loops/late/invocations"])
def test_nan_is_refused_by_the_plain_door_and_missing_to_mlflow(running: Gateway, path: str) -> None:
    plain = path.endswith("predict")
    body = bodies(row(distance="NaN"))[PREDICT if plain else "/invocations"]
    assert asked(running, request(body, path))[0] == (400 if plain else 200)


@pytest.mark.parametrize("path", [*DOORS, "/tables/arrivals/events", "/events"])
def test_a_chunked_body_without_end_is_read_to_its_bound_and_answered(running: Gateway, path: str) -> None:
    part = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with connect(running) as connection:
        connection.sendall(head(f"POST {path} HTTP/1.1", Transfer_Encoding="chunked"))
        sent = 0
        with suppress(ConnectionError):
            while sent < 8 * READ and not select.select([connection], [], [], 0)[0]:
                connection.sendall(part)
                sent += 0x10000
        assert LIMIT < sent < 3 * READ
        (found,) = answers(connection)
    assert (found[0], found[1]["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("framing", [{"Content_Length": len(GOOD)}, {"Transfer_Encoding": "chunked"}])
def test_a_slow_sender_is_told_so_after_its_time(hasty: Gateway, framing: dict[str, object]) -> None:
    with connect(hasty) as connection:
        connection.sendall(head(**framing))
        began = time.monotonic()
        with suppress(ConnectionError):
            while not select.select([connection], [], [], 0.05)[0] and time.monotonic() - began < LONGER:
                connection.sendall(b"1\r\n \r\n" if "Transfer_Encoding" in framing else b" ")
        assert SLOWEST <= time.monotonic() - began < LONGER
        (found,) = answers(connection)
        assert (found[0], found[1]["error"]["code"]) == (408, "too_slow")


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: 127", head("GET /health/live HTTP/1.1")])
def test_a_connection_that_sends_no_whole_head_is_let_go_after_its_time(hasty: Gateway, sent: bytes) -> None:
    with connect(hasty) as connection:
        connection.sendall(sent)
        connection.settimeout(LONGER)
        if sent.endswith(b"\r\n\r\n"):
            assert answers(connection)[0][0] == 200
        while connection.recv(65_536):  # until the other side closes
            pass


FLOODS = {
    "a large header": {"X": "x" * LIMIT},
    "many headers": {f"X{number}": "x" for number in range(5_000)},
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_headers_is_431(running: Gateway, name: str) -> None:
    assert asked(running, head("GET /health/live HTTP/1.1", **FLOODS[name]))[0] == 431


ODD_PATHS = [
    "/loops/%2e%2e/predict",
    "/loops/../predict",
    "/loops/late/../../etc/passwd",
    "/loops/%2e%2e%2f%2e%2e%2fetc%2fpasswd/predict",
    "/loops/late%00/predict",
    "/loops/%00/predict",
    "/loops/%ff%fe/predict",
    "/loops/%c0%ae%c0%ae/predict",
    "/loops/late%0d%0aX:1/predict",
    "/loops//predict",
    "//loops/late/predict",
    "/loops/late/predict/",
    "/loops/" + "a" * 20_000 + "/predict",
    "/loops/%zz/predict",
    "/loops/LATE/predict",
    "/loops/late;x=1/predict",
    "/loops/..%2f..%2finvocations/invocations",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/tables/%2e%2e/events",
    "/tables/%00/events",
    "/tables/%ff/events",
    "/tables/" + "a" * 20_000 + "/events",
    "/static/%2e%2e/%2e%2e/etc/passwd",
]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_no_trick_in_a_path_leads_anywhere(running: Gateway, path: str) -> None:
    status, told = asked(running, request(GOOD, path))
    expected = {400, 404, 414, 431}
    if path.startswith("/tables/"):
        expected |= {503}  # no recorder runs here; it would be 404
    if path.startswith("/static/"):
        expected = {307}
    assert status in expected, told
    assert b"root:" not in json.dumps(told, default=str).encode()
    assert 'loop="late"' not in str(told)


def test_percents_in_a_path_are_read_once(running: Gateway) -> None:
    """The server decodes them before a door is looked for; no name of ours holds a slash that could be smuggled in."""
    assert asked(running, request(GOOD, "/loops/l%61te/predict"))[0] == 200
    assert asked(running, request(GOOD, "/loops/late%2fpredict"))[0] == 200
    assert asked(running, request(GOOD, "/loops/l%2561te/predict"))[0] == 404


def test_names_that_callers_make_up_become_no_labels(running: Gateway) -> None:
    for path in ("/loops/made-up/predict", "/loops/made-up/invocations"):
        assert asked(running, request(GOOD, path))[0] == 404
    assert "made-up" not in running.client.get("/metrics").text


def test_http_1_0_is_answered(running: Gateway) -> None:
    assert asked(running, b"GET /health/live HTTP/1.0\r\n\r\n")[0] == 200
    data = f"POST {PREDICT} HTTP/1.0\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD
    assert asked(running, data)[0] == 200


def test_pipelined_requests_are_answered_in_order(running: Gateway) -> None:
    with connect(running) as connection:
        connection.sendall((request(GOOD) + head("GET /health/live HTTP/1.1") + request(b"{")) * 20)
        assert [status for status, _ in answers(connection, 60)] == [200, 200, 400] * 20


def test_a_length_that_lies_harms_nobody(running: Gateway) -> None:
    short = head(Content_Length=len(GOOD) - 1) + GOOD
    with connect(running) as connection:
        connection.sendall(short)
        assert answers(connection, 2)[0][0] == 400
    for lie in ("-1", "1e3", "0x10", "99999999999999999999999", "7, 8", ""):
        assert asked(running, head(Content_Length=lie) + GOOD)[0] in (400, 413), lie
    doubled = head().replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\n") + b"{} {}"
    assert asked(running, doubled)[0] == 400
    both = head(Content_Length=5, Transfer_Encoding="chunked") + b"0\r\n\r\n"
    assert asked(running, both)[0] == 400
    with connect(running) as connection:
        connection.sendall(head(Content_Length=len(GOOD) + 9) + GOOD)
        connection.shutdown(socket.SHUT_WR)
        assert [status for status, _ in answers(connection)] == [400]


def test_clients_that_leave_at_any_moment_leave_nothing_behind(running: Gateway) -> None:
    whole, chunked = request(GOOD), head(Transfer_Encoding="chunked") + b"f0\r\n" + GOOD[:100]
    predicted = _predictions(running)
    for number in range(300):
        data = whole if number % 3 else chunked
        with connect(running) as connection:
            if number % 2:  # the other side sees a reset, not an end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.sendall(data[: 1 + number * 7 % len(data)])
    assert running.predict(question()).status_code == 200
    until(lambda: _open(running) == 1)  # the one that asks
    assert _predictions(running) - predicted < 300


def test_many_connections_that_send_nothing_keep_nobody_waiting(running: Gateway) -> None:
    with ExitStack() as stack:
        for number in range(400):
            connection = stack.enter_context(connect(running))
            if number % 2:
                connection.sendall(head(Content_Length=100))
        for _ in range(20):
            assert running.client.post(PREDICT, content=GOOD).status_code == 200
        with asking(running.port) as fresh:
            assert fresh.post(PREDICT, content=GOOD).status_code == 200
    until(lambda: _open(running) == 1)


def _open(running: Gateway) -> float:
    return _sample(running, "homeostat_requests_open")


def _predictions(running: Gateway) -> float:
    return _sample(running, "homeostat_predictions_total")


def _sample(running: Gateway, name: str) -> float:
    lines = running.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_connections_are_bounded_by_what_the_machine_allows_and_not_by_a_shell(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = furnished(tmp_path_factory.mktemp("limited"))
    write_route(home / "routes", Route("late", 1, "v1"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    with ExitStack() as stack:
        try:
            running = stack.enter_context(gateway(home))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(200):
            stack.enter_context(connect(running))
        with asking(running.port) as fresh:
            assert fresh.post(PREDICT, content=GOOD).status_code == 200
