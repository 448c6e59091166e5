"""Features of a running loop, reviewed and audited: what decides is kept, and what is noise is not needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.first import FIRST, first_home
from tests.harness.running import started
from tests.harness.world import World, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
LAST = 14
"""The day at whose start the looking back begins."""


def test_a_loop_is_reviewed_and_audited_while_it_runs(tmp_path: Path) -> None:
    world = World()
    with started(first_home(tmp_path / "home"), write_loop(tmp_path)) as running:
        running.live(world, FIRST, LAST)
        told = running.command("features", "review", "--days", "8")
        fast = running.command("features", "review", "--fast")
        audited = running.command("features", "audit")
    features = {one["feature"]: one for one in told["features"]}
    assert told["live"] == ["v1"]
    assert list(features) == ["x", "shop", "shop_spent_6h", "shop_bought_6h"]
    assert features["x"]["verdict"] == "KEEP"
    assert features["x"]["importance"]["v1"]["low"] > 0.1
    assert features["x"]["without"]["low"] > 0.1
    assert {features[name]["verdict"] for name in ("shop", "shop_bought_6h")} <= {"DROP", "INCONCLUSIVE"}
    assert told["retrained"]["done"] == told["retrained"]["of"] == 6
    (_, window) = told["definitions"]
    assert (window["table"], window["shared_with"]) == ("purchases", ["the label"])
    assert 0 < window["lookup_us"]["p50"] <= window["lookup_us"]["p99"]
    assert window["table_bytes"] > 10_000
    assert fast["retrained"] is None
    assert {one["without"] for one in fast["features"]} == {None}
    assert next(one["verdict"] for one in fast["features"]) == "KEEP"
    assert {one["verdict"] for one in audited["features"]} == {"CLEAR"}
