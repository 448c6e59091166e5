"""A start with a gRPC port: it is told, announced and answered on; a taken one is refused in words."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from homeostat.app.processes.supervisor import module_command
from tests.harness.ports import free_ports
from tests.harness.running import ROOT
from tests.harness.world import LOOP, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(120)]


def up(folder: Path, grpc_port: int) -> subprocess.Popen[str]:
    """A start on a home in a folder."""
    told = ["up", str(write_loop(folder)), "--home", str(folder / "home"), "--port", str(free_ports())]
    command = module_command("homeostat.cli.main", *told, "--json", "--replicas", "2", "--grpc-port", str(grpc_port))
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True)


def test_the_port_is_told_announced_and_answered_on(tmp_path: Path) -> None:
    port = free_ports()
    with up(tmp_path, port) as process, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            ask = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            index = ask.RepositoryIndex(pb.RepositoryIndexRequest(), wait_for_ready=True, timeout=60)
            assert [(one.name, one.state) for one in index.models] == [(LOOP, "UNAVAILABLE")]
            assert json.loads((tmp_path / "home" / "run.json").read_bytes())["grpc"] == f"127.0.0.1:{port}"
        finally:
            process.terminate()
            out, err = process.communicate(timeout=60)
    assert json.loads(out)["grpc"] == f"127.0.0.1:{port}"
    assert f"127.0.0.1:{port}" in err


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with up(tmp_path, taken.getsockname()[1]) as process:
            out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--grpc-port" in json.loads(out)["error"]["mend"]
    assert not (tmp_path / "home" / "run.json").exists()
