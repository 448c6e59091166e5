"""Writes down, from inside every Python process, each address it wants to reach; refuses all but this machine's."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

_HOOK = """
import json, os, sys

_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
_HERE = ("127.0.0.1", "::1", "localhost")


def _tell(event, address):
    line = json.dumps({"pid": os.getpid(), "command": sys.orig_argv, "event": event, "address": address})
    handle = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line.encode() + b"\\n")
    os.close(handle)


def _hook(event, arguments):
    if event not in _EVENTS:
        return
    address = arguments[0] if event.startswith("socket.get") else arguments[1]
    shown = address[0] if isinstance(address, tuple) else address
    shown = shown.decode(errors="replace") if isinstance(shown, bytes) else shown
    _tell(event, shown)
    if shown not in _HERE and not str(shown).startswith(("/", "\\0")):
        raise PermissionError(f"{event} to {shown!r}: tests stay on this machine")


_tell("started", None)
sys.addaudithook(_hook)
"""
HERE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt to reach an address, or the start of a process (``event`` is ``started``)."""

    command: tuple[str, ...]
    event: str
    address: str | None

    @property
    def local(self) -> bool:
        """True when nothing left this machine."""
        return self.address is None or self.address in HERE or self.address.startswith(("/", "\0"))


@dataclass(frozen=True, slots=True)
class Watch:
    """The environment that makes processes tell, and what they told."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What to start processes with."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sitecustomize.py").write_text(f"LOG = {str(self._log)!r}\n{_HOOK}")
        paths = [str(self.folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(paths)}

    def calls(self) -> list[Call]:
        """Everything told so far."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [Call(tuple(told["command"]), told["event"], told["address"]) for told in lines]

    @property
    def _log(self) -> Path:
        return self.folder / "calls.jsonl"
