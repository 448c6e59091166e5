"""Whether ports can be opened: asked before anything is started, so that it is said in words."""

from __future__ import annotations

import socket

from homeostat.kernel.errors import Conflict, InvalidInput


def check_ports_free(port: int) -> None:
    """Raises: InvalidInput for a port that cannot be used, Conflict when one of the two is taken."""
    if not 1024 <= port <= 65_534:
        raise InvalidInput(f"Port {port} cannot be used.", mend="Choose one from 1024 to 65534.", port=port)
    for wanted in (port, port + 1):
        check_port_free(wanted)


def check_port_free(port: int) -> None:
    """Raises: Conflict when something listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Conflict(
                f"Port {port} on 127.0.0.1 is in use.",
                mend="Stop what uses it, or choose another with --port (two in a row are needed).",
                port=port,
            ) from error
