"""Chance that is the same in every run, for training functions that draw without saying from what."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

_MOST = 1 << 32


def seed_of(config: Mapping[str, Any]) -> int:
    """The config's ``seed`` where it has one that fits every library, else 0."""
    found = config.get("seed")
    fits = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _MOST
    return int(found) if fits else 0  # type: ignore[arg-type]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, and those of Polars, PyTorch and TensorFlow that are loaded."""
    random.seed(seed)
    np.random.seed(seed)
    if "polars" in sys.modules:
        sys.modules["polars"].set_random_seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(seed)
