"""How seldom a process of ours looks for garbage: what it imports stays for good."""

from __future__ import annotations

import atexit
import gc

_ALLOCATIONS = 10_000
_OF_A_COMMAND = 100_000


def collect_seldom() -> None:
    """Called before the heavy imports: to look through half-imported libraries again and again, after every 700 objects
    as Python does by itself, takes a sixth of the processor time of a start."""
    gc.set_threshold(_ALLOCATIONS, 10, 10)


def collect_hardly() -> None:
    """For a command, of which nobody asks answers within a millisecond: it looks still more seldom, and not at its end,
    where to look through all that was imported takes a seventh of its processor time; the system takes it back."""
    gc.set_threshold(_OF_A_COMMAND, 10, 10)
    atexit.register(gc.freeze)
