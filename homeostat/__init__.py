"""Homeostat keeps a deployed model right while the world around it moves.

A user's ``loop.py`` needs nothing but the names below: ``import homeostat as hs``. They are imported when the first
one is asked for: processes and commands that read no loop file do not wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeostat.control.words import *  # noqa: F403 - the names are listed there


def __getattr__(name: str) -> object:
    if name.startswith("__") and name != "__all__":
        raise AttributeError(name)
    from homeostat.control import words

    if name != "__all__" and name not in words.__all__:
        raise AttributeError(f"module 'homeostat' has no attribute {name!r}")
    found: object = getattr(words, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    from homeostat.control.words import __all__ as names

    return sorted({*globals(), *names})
