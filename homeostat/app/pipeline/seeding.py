"""Chance that is the same in every run, for training functions that draw without saying from what."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np

_MOST = 1 << 32
_LOADED: dict[str, Callable[[Any, int], Any]] = {
    "polars": lambda polars, seed: polars.set_random_seed(seed),
    "torch": lambda torch, seed: torch.manual_seed(seed),
    "tensorflow": lambda tensorflow, seed: tensorflow.random.set_seed(seed),
}


def seed_of(config: Mapping[str, Any]) -> int:
    """The config's ``seed`` where it has one that fits every library, else 0."""
    found = config.get("seed")
    fits = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _MOST
    return int(found) if fits else 0  # type: ignore[arg-type]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, and Polars, PyTorch and TensorFlow: now, or once a function loads them."""
    random.seed(seed)
    np.random.seed(seed)
    for name, seeded in _LOADED.items():
        if name in sys.modules:
            seeded(sys.modules[name], seed)
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _SeedsWhatIsLoaded)]
    sys.meta_path.insert(0, _SeedsWhatIsLoaded(seed))


class _SeedsWhatIsLoaded(MetaPathFinder):
    """Finds these libraries as everybody does. Otherwise the first call that loads one would draw otherwise than the
    second, and which is the first depends on what was kept."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The library's own, whose loader seeds it when it has run."""
        if fullname not in _LOADED:
            return None
        others = (one for one in sys.meta_path if one is not self)
        spec = next((spec for one in others if (spec := one.find_spec(fullname, path, target)) is not None), None)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_seed(module: ModuleType) -> None:
                run(module)
                _LOADED[fullname](module, self._seed)

            spec.loader.exec_module = run_and_seed  # type: ignore[method-assign]
        return spec
