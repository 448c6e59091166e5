"""Libraries are seeded whether they are loaded before a training function is called or by it."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from homeostat.app.pipeline.seeding import seed_everything, seed_of


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that is called as PyTorch is, and keeps the seed that it was given."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("seeds = []\n\ndef manual_seed(seed):\n    seeds.append(seed)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)
    assert "torch" not in sys.modules
    yield
    sys.modules.pop("torch", None)
    sys.meta_path[:] = before


@pytest.mark.usefixtures("library")
def test_a_library_that_a_function_loads_is_seeded_when_it_is_and_once_for_each_call_after() -> None:
    seed_everything(3)
    seed_everything(7)
    torch = importlib.import_module("torch")
    assert torch.seeds == [7]
    seed_everything(8)
    assert (importlib.import_module("torch") is torch, torch.seeds) == (True, [7, 8])
    assert sum(type(one).__name__ == "_SeedsWhatIsLoaded" for one in sys.meta_path) == 1


def test_the_same_seed_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    drawn = []
    for _ in range(2):
        seed_everything(seed_of({"seed": 5}))
        drawn.append((random.random(), float(np.random.normal())))
    assert drawn[0] == drawn[1]
    assert [seed_of({"seed": one}) for one in (True, -1, 1 << 32, "5", 5)] == [0, 0, 0, 0, 5]
