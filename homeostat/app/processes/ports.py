"""Whether ports can be opened: asked before anything is started, so that it is said in words."""

from __future__ import annotations

import importlib.util
import os
import socket
import stat
from contextlib import suppress

from homeostat.kernel.errors import Conflict, InvalidInput


def check_ports_free(port: int) -> None:
    """Raises: InvalidInput for a port that cannot be used, Conflict when one of the two is taken."""
    if not 1024 <= port <= 65_534:
        raise InvalidInput(f"Port {port} cannot be used.", mend="Choose one from 1024 to 65534.", port=port)
    for wanted in (port, port + 1):
        check_port_free(wanted)


_TWO = "Stop what uses it, or choose another with --port (two in a row are needed)."
_GRPC = "Stop what uses it, or choose another with --grpc-port."


def check_grpc_port(port: int, doors: int) -> None:
    """Raises: InvalidInput for a port that cannot be used, or without gRPC installed; Conflict when it is taken."""
    if not 1024 <= port <= 65_535 or port in (doors, doors + 1):
        mend = f"Choose one from 1024 to 65535 that is neither {doors} nor {doors + 1}."
        raise InvalidInput(f"Port {port} cannot be used for gRPC.", mend=mend, port=port)
    if importlib.util.find_spec("grpc") is None:
        raise InvalidInput("gRPC is not installed.", mend="Install it with: pip install 'homeostat[grpc]'")
    check_grpc_port_free(port)


def check_grpc_port_free(port: int) -> None:
    """Raises: Conflict when something listens there."""
    check_port_free(port, _GRPC)


def grpc_port_taken(port: int) -> Conflict:
    """The error for a gRPC port that could not be opened."""
    return _taken(port, _GRPC)


def check_port_free(port: int, mend: str = _TWO) -> None:
    """Raises: Conflict when something listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise _taken(port, mend) from error


def listens(port: int) -> bool:
    """Whether this very process takes connections on a port. A connection would not tell: processes may share it."""
    return any(_listens(int(name), port) for name in os.listdir("/proc/self/fd"))


def _listens(descriptor: int, port: int) -> bool:
    with suppress(OSError):  # what the listing itself was read with is closed by now
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            with socket.socket(fileno=os.dup(descriptor)) as own:
                at = own.family == socket.AF_INET and own.getsockname()[1] == port
                return at and own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    return False


def _taken(port: int, mend: str) -> Conflict:
    return Conflict(f"Port {port} on 127.0.0.1 is in use.", mend=mend, port=port)
