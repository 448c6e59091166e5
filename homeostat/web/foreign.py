"""Keeps other web sites out of the loopback address: no foreign host name, no change asked for by a foreign page."""

from __future__ import annotations

from homeostat.kernel.errors import Refused

_NAMES = ("127.0.0.1", "localhost", "[::1]")


def refuse_foreign(host: str | None, origin: str | None, *, changes: bool) -> None:
    """Check a request's ``Host`` and ``Origin``; browsers send both, other clients need not.

    A name that is not ours means that a foreign name was made to point here (DNS rebinding).
    Raises: Refused.

    >>> refuse_foreign("127.0.0.1:8400", None, changes=True)
    """
    if host is not None and host.rsplit(":", 1)[0] not in _NAMES:
        raise Refused(f"This is not {host}.", mend="Use the address that Homeostat printed, on 127.0.0.1.", host=host)
    if changes and origin is not None and origin.partition("//")[2] != host:
        raise Refused(
            "This request comes from a page of another site.",
            mend="Send it from a program, or from the dashboard at its own address.",
            origin=origin,
        )
