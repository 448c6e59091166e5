"""What is told before anything starts."""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path

import pytest

from homeostat.app.processes import installation
from homeostat.app.processes.ports import check_grpc_port
from homeostat.app.settings import Settings
from homeostat.kernel.errors import Conflict, InvalidInput, Unavailable
from tests.harness.world import LOOP, write_loop


@pytest.mark.parametrize(("limit", "told"), [(0.0, 1), (60.0, 0)])
def test_a_file_that_takes_long_to_import_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float, told: int
) -> None:
    monkeypatch.setattr(installation, "LONG_IMPORT_SECONDS", limit)
    notices: list[str] = []
    assert list(installation.loops_of(write_loop(tmp_path), notices.append)) == [LOOP]
    assert len(notices) == told
    assert all("inside train()" in one for one in notices)


def test_sockets_find_a_short_folder_wherever_temporary_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    found = installation._folder_of_sockets()
    found.rmdir()
    assert found.parent == Path("/tmp")
    assert not list(long.iterdir())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(Unavailable, match="gone"):
        installation._folder_of_sockets()


@pytest.mark.parametrize("port", [80, 70_000, 9_000, 9_001])
def test_a_grpc_port_that_cannot_be_used_is_told(port: int) -> None:
    with pytest.raises(InvalidInput, match="cannot be used for gRPC"):
        check_grpc_port(port, 9_000)


def test_a_grpc_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        doors = 20_000 if port > 40_000 else 50_000
        told = Settings(home=tmp_path / "home", loop_file=write_loop(tmp_path), port=doors, grpc_port=port)
        with pytest.raises(Conflict, match=f"Port {port} on 127.0.0.1 is in use. .*--grpc-port"):
            installation.Installation(told, print)


def test_the_grpc_address_is_announced_where_there_is_one(tmp_path: Path) -> None:
    told = Settings(home=tmp_path, loop_file=tmp_path, grpc_port=9_500)
    assert installation.announced(told).grpc == "127.0.0.1:9500"
    assert installation.announced(told.model_copy(update={"grpc_port": None})).grpc is None


def test_grpc_that_is_not_installed_is_told_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(InvalidInput, match=r"homeostat\[grpc\]"):
        check_grpc_port(9_500, 9_000)
