"""Online, offline and the definition agree on random definitions and random streams, at every ingest sequence."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from homeostat.adapters.duckdb.offline import DuckDbEngine
from tests.unit.features.streams import EXAMPLES, keeps_the_promise, play, promise, worlds

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def test_online_in_memory_and_the_definition_agree():
    promise(EXAMPLES, Phase.generate, Phase.shrink)()


@given(worlds())
@settings(max_examples=10, deadline=None, suppress_health_check=SLOW)
def test_online_out_of_core_and_the_definition_agree(world):
    with tempfile.TemporaryDirectory() as folder:
        keeps_the_promise(play(*world), DuckDbEngine(Path(folder), memory=10_000))
