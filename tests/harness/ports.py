"""Ports that tests may listen on."""

from __future__ import annotations

import random
import socket

_FIRST, _LAST = 10_000, 32_000
"""Below those that the system takes for outgoing connections: one that was free a moment ago is free still."""
_CHANCE = random.SystemRandom()


def free_ports() -> int:
    """The first of two neighbouring free ports."""
    while True:
        port = _CHANCE.randrange(_FIRST, _LAST, 2)
        if all(_free(one) for one in (port, port + 1)):
            return port


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
