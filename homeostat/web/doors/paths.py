"""From a path to its door: patterns of segments, looked up once per path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from homeostat.web.doors.replies import Response, Shape, plain_shape
from homeostat.web.doors.requests import Request

Names = tuple[str, ...]
Handle = Callable[[Request, Names], Awaitable[Response]]
_REMEMBERED = 1024
"""Paths; callers can make up any number."""
READ = ("GET", "HEAD")
WRITE = ("POST",)


@dataclass(frozen=True, slots=True)
class Door:
    """One door: ``pattern`` such as ``/loops/{loop}/predict``; its ``{...}`` segments are handed over in order.

    ``name`` is what metrics call it. A door without ``methods`` takes any. ``below`` takes all paths below, too.
    ``errors`` shapes what goes wrong as the clients of the door's protocol read it.
    """

    name: str
    pattern: str
    methods: tuple[str, ...]
    handle: Handle
    below: bool = False
    errors: Shape = plain_shape

    def names(self, path: str) -> Names | None:
        """The values of the pattern's names in a path; None when it does not fit."""
        wanted, given = self.pattern.split("/"), path.split("/")
        if len(given) != len(wanted) and not (self.below and len(given) > len(wanted)):
            return None
        found = []
        for one, value in zip(wanted, given, strict=False):
            if one.startswith("{"):
                if not value:
                    return None
                found.append(value)
            elif one != value:
                return None
        return tuple(found)

    def __str__(self) -> str:
        return f"{'/'.join(self.methods[:1]) or 'GET'} {self.pattern}"


class DoorTable:
    """All doors of an application; ``otherwise`` is entered where none fits."""

    def __init__(self, doors: Iterable[Door], otherwise: Handle) -> None:
        self.doors: Sequence[Door] = tuple(doors)
        self._otherwise = Door("none", "*", (), otherwise)
        self._found: dict[str, tuple[Door, Names]] = {}

    def find(self, path: str) -> tuple[Door, Names]:
        """The door of a path and the names in it."""
        found = self._found.get(path)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[path] = self._search(path)
        return found

    def _search(self, path: str) -> tuple[Door, Names]:
        for door in self.doors:
            names = door.names(path)
            if names is not None:
                return door, names
        return self._otherwise, ()
