"""How seldom a process of ours looks for garbage: what it imports stays for good."""

from __future__ import annotations

import gc

_ALLOCATIONS = 10_000


def collect_seldom() -> None:
    """Called before the heavy imports: to look through half-imported libraries again and again, after every 700 objects
    as Python does by itself, takes a sixth of the processor time of a start."""
    gc.set_threshold(_ALLOCATIONS, 10, 10)
