"""Public clients of the protocol over gRPC, unchanged, against a real gateway process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from homeostat.adapters.files.routes import write_route
from homeostat.serving.routing import Route
from tests.harness.ports import free_ports
from tests.harness.running import PATIENCE, ROOT, until
from tests.service.test_gateway import Gateway, furnished, gateway
from tests.unit.serving.grpc_rig import NOW, raw, typed
from tests.unit.serving.late import question
from tests.unit.serving.oip import inputs
from tests.unit.serving.parts import expected

pytestmark = pytest.mark.service

HOURS, CARRIERS = [8, 12, 23], ["UA", "DL", "AA"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that serves v1, with v2 standing by."""
    return serving(tmp_path)


def serving(folder: Path) -> Path:
    write_route(furnished(folder) / "routes", Route("late", 1, "v1", standby="v2"))
    return folder


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a client's program prints, a warning of ours or theirs ends it; and what the plain door says of its rows."""
    port = free_ports()
    with gateway(serving(tmp_path_factory.mktemp("home")), grpc_port=port) as served:
        command = [sys.executable, "-W", "error", "-m", "tests.service.oip_triton_grpc", f"127.0.0.1:{port}"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        each = zip(HOURS, CARRIERS, strict=True)
        rows = [question(place, hour=hour, carrier=carrier) for place, (hour, carrier) in enumerate(each)]
        plain = [one["probability"] for one in served.predict(*rows).json()["predictions"]]
        yield {**json.loads(done.stdout), "plain": plain}


def service(port: int) -> Any:
    """The interface as its published stubs speak it."""
    return service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}"))


def test_tritonclient_sees_health_and_metadata(triton: dict[str, Any]) -> None:
    assert (triton["live"], triton["ready"], triton["model_ready"]) == (True, True, [True, True])
    assert triton["other_ready"] == [False, False]
    assert triton["server"]["name"] == "homeostat"
    assert (triton["model"]["name"], triton["model"]["versions"]) == ("late", ["v1", "v2"])
    assert {one["name"]: one["datatype"] for one in triton["model"]["inputs"]}["hour"] == "INT64"
    assert [one["version"] for one in triton["index"]["models"]] == ["v1", "v2"]


@pytest.mark.parametrize("way", ["all", "some", "matrix", "gzip", "asynchronous"])
def test_tritonclient_is_answered_as_the_plain_door_answers(triton: dict[str, Any], way: str) -> None:
    found = triton[way]
    assert found["model_version"] == "v1"
    assert found["outputs"]["probability"] == triton["plain"]
    if way == "all":
        assert found["id"] == "q"
        assert found["outputs"]["prediction"] == [one >= 0.5 for one in triton["plain"]]
        assert (found["outputs"]["arm"], found["outputs"]["version"]) == (["champion"] * 3, ["v1"] * 3)


def test_tritonclient_gets_the_version_that_it_names_and_its_parameters_back(triton: dict[str, Any]) -> None:
    found = triton["pinned"]
    assert (found["model_version"], found["outputs"]["arm"]) == ("v2", ["pinned"] * 3)
    assert found["parameters"]["mine"] == "x"
    delays = zip(HOURS, CARRIERS, strict=True)
    assert found["outputs"]["probability"] == pytest.approx([expected(1, h, c, 20) for h, c in delays], abs=1e-6)


def test_tritonclient_shows_the_mend(triton: dict[str, Any]) -> None:
    status, message = triton["unknown_version"]
    assert (status, "Known: v1, v2" in message) == ("StatusCode.NOT_FOUND", True)
    status, message = triton["bad_hour"]
    assert (status, "Send a whole number" in message) == ("StatusCode.INVALID_ARGUMENT", True)
    status, message = triton["bad_name"]
    assert (status, "Did you mean 'hour'" in message) == ("StatusCode.INVALID_ARGUMENT", True)


def test_typed_contents_canaries_metrics_and_memory(home: Path) -> None:
    with gateway(home, port := free_ports(), grpc_port=(other := free_ports())) as running:
        assert port == running.port
        ask = service(other).ModelInfer
        running.route(2, "v1", canary="v2", share=1.0, salt="s")
        rows = inputs([question(place, hour=9) for place in range(20)])
        for request in (typed(rows), raw(rows)):
            assert ask(request, metadata=NOW, timeout=PATIENCE).model_version == "v2"
        for _ in range(300):
            ask(raw(inputs([question(1)])), metadata=NOW, timeout=PATIENCE)
        said = running.client.get("/metrics").text
        assert 'homeostat_requests_total{replica="r1",door="grpc_infer",loop="late",status="200"} 302.0' in said
        assert running.memory() < 130
        status, out, err = running.end()
        assert (status, out.splitlines()) == (0, ["heavy: ['grpc', 'google.protobuf']", "called: []"]), err
        assert "Traceback" not in err


def test_open_calls_are_finished_and_new_ones_refused_when_it_stops(home: Path) -> None:
    with gateway(home, grpc_port=(port := free_ports())) as running:
        whole = raw(inputs([question(1)])).SerializeToString()
        go, channel = threading.Event(), grpc.insecure_channel(f"127.0.0.1:{port}")

        def slowly() -> Iterator[bytes]:
            go.wait(PATIENCE)
            yield whole

        call = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer").future(slowly(), metadata=NOW)
        until(lambda: 'homeostat_requests_open{replica="r1"} 2.0' in running.client.get("/metrics").text)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: not running.alive())
        until(lambda: refused(port))
        go.set()
        assert pb.ModelInferResponse.FromString(call.result(PATIENCE)).model_version == "v1"
        assert running.process.wait(PATIENCE) == 0
        channel.close()


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def answering(port: int, running: Gateway) -> set[str]:
    """The replicas that have answered calls, after one more over a connection of its own."""
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
        service_pb2_grpc.GRPCInferenceServiceStub(channel).ServerLive(pb.ServerLiveRequest(), timeout=PATIENCE)
    said = running.client.get("/metrics").text
    return set(re.findall(r'homeostat_requests_total{replica="(\w+)",door="grpc_live"', said))


def test_replicas_share_the_port_and_one_alone_has_it_for_itself(home: Path, tmp_path: Path) -> None:
    port, other = free_ports(), free_ports()
    with (
        gateway(home, port, grpc_port=other, shared=True) as first,
        gateway(home, port, grpc_port=other, shared=True, replica="r2"),
    ):
        until(lambda: len(answering(other, first)) == 2)
        (alone := tmp_path / "alone").mkdir()
        with gateway(serving(alone), grpc_port=other) as third:
            assert third.process.wait(PATIENCE) != 0
            assert third.process.stderr is not None
            assert f"Port {other} on 127.0.0.1 is in use" in third.process.stderr.read()


def test_silent_connections_are_let_go(home: Path) -> None:
    with gateway(home, grpc_port=(port := free_ports()), slowest_sender_seconds=1):
        for first in (b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", os.urandom(64)):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(first)
                try:
                    while connection.recv(4_096):
                        pass
                except ConnectionError:
                    pass
        assert service(port).ServerLive(pb.ServerLiveRequest(), timeout=PATIENCE).live
