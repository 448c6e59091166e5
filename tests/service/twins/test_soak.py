"""Kill -9 at any moment, for as long as one likes: HOMEOSTAT_SOAK=20 makes twenty rounds, each of another seed."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.harness.evidence import decided, registered, served
from tests.harness.killing import RandomKiller
from tests.harness.twins import Twin, grow, installed

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(1800)]

ROUNDS = int(os.environ.get("HOMEOSTAT_SOAK", "0"))
FIRST_SEED = int(os.environ.get("HOMEOSTAT_SOAK_SEED", "0"))


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_killed_at_random_it_decides_what_an_undisturbed_run_decides(calm: Twin, tmp_path: Path, seed: int) -> None:
    mean = float(np.random.default_rng(seed).uniform(3, 9))
    with installed(tmp_path / "soaked") as twin:
        grow(twin, RandomKiller(twin.running, seed, mean))
        assert twin.killed
        assert decided(twin.running) == decided(calm.running)
        assert served(twin.running) == served(calm.running)
        once = Counter(["visits/v1", "visits/v2"])
        assert registered(twin.running) == {"runs": once, "versions": once}
        assert twin.running.command("ledger", "verify")["intact"]
        assert twin.running.failed == 0
