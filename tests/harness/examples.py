"""How many examples a costly property tries."""

from __future__ import annotations

import os

_EXPLORING = 20


def examples(number: int) -> int:
    """So many, the same ones everywhere; twenty times as many, new ones each time, with HYPOTHESIS_PROFILE=explore."""
    return number * (_EXPLORING if os.environ.get("HYPOTHESIS_PROFILE") == "explore" else 1)
