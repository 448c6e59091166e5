"""What a person is told of latency and of cost, read from doors that count."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from homeostat.app.gateway.latency import sped_up
from homeostat.app.home import Home, Running
from homeostat.app.settings import Settings
from homeostat.kernel.errors import InvalidInput
from tests.harness.counting import counting
from tests.harness.world import LOOP
from tests.unit.cli.conftest import Command

COUNTED = f"""\
# TYPE homeostat_predictions counter
homeostat_predictions_total{{replica="r1",loop="{LOOP}",version="v1",arm="champion"}} 1000
# TYPE homeostat_predict_seconds histogram
homeostat_predict_seconds_bucket{{replica="r1",loop="{LOOP}",le="0.002"}} 1000
homeostat_predict_seconds_bucket{{replica="r1",loop="{LOOP}",le="+Inf"}} 1000
homeostat_predict_seconds_count{{replica="r1",loop="{LOOP}"}} 1000
homeostat_predict_seconds_sum{{replica="r1",loop="{LOOP}"}} 2
# TYPE homeostat_stage_seconds histogram
homeostat_stage_seconds_bucket{{replica="r1",loop="{LOOP}",version="v1",arm="champion",stage="log",le="+Inf"}} 1000
homeostat_stage_seconds_sum{{replica="r1",loop="{LOOP}",version="v1",arm="champion",stage="log"}} 1.5
# TYPE homeostat_batching_rows gauge
homeostat_batching_rows{{replica="r1",loop="{LOOP}",version="v1",why="pays"}} 64
homeostat_batching_rows{{replica="r2",loop="{LOOP}",version="v1",why="quick"}} 1
# TYPE homeostat_row_seconds gauge
homeostat_row_seconds{{replica="r1",loop="{LOOP}",version="v1",rows="1"}} 0.000305
homeostat_row_seconds{{replica="r1",loop="{LOOP}",version="v1",rows="16"}} 0.00006
homeostat_row_seconds{{replica="r2",loop="{LOOP}",version="v1",rows="1"}} 0.00002
# TYPE homeostat_batched_calls counter
homeostat_batched_calls_total{{replica="r1",loop="{LOOP}",version="v1"}} 10
homeostat_batched_requests_total{{replica="r1",loop="{LOOP}",version="v1"}} 52
# TYPE homeostat_uptime_seconds gauge
homeostat_uptime_seconds{{replica="r1"}} 1000
# TYPE homeostat_processor_seconds counter
homeostat_processor_seconds_total{{replica="r1"}} 10
"""


@pytest.fixture
def running(home: Home) -> Iterator[Home]:
    """A home whose doors run, as far as anyone can tell."""
    with counting(COUNTED) as doors:
        home.announce(Running(os.getpid(), doors.url, "", "", "", "system"))
        yield home


def cost(command: Command, home: Home, *words: str) -> Any:
    """The cost that is told, if any."""
    return json.loads(command("latency", "--home", home.root, "--json", *words).stdout)["cost"]


def test_the_price_of_the_installation_is_used_and_another_may_be_given(command: Command, running: Home) -> None:
    assert cost(command, running) is None
    Settings.load(running.root).model_copy(update={"hourly_price": 3.6}).save()
    assert cost(command, running)["per_thousand_as_deployed"] == pytest.approx(1.0)
    assert cost(command, running)["per_thousand_by_processor"] == pytest.approx(0.01)
    assert cost(command, running, "--price", "7.2")["hourly_price"] == 7.2
    assert cost(command, running, "--price", "0")["per_thousand_as_deployed"] == 0.0


def test_the_stages_add_up_to_the_request_and_the_slowest_is_the_one_to_attack(command: Command, running: Home) -> None:
    told = json.loads(command("latency", "--home", running.root, "--json").stdout)
    assert (told["requests"], told["request"]["mean_ms"], told["other_ms"]) == (1000, 2.0, pytest.approx(0.5))
    assert told["attack"]["stage"] == "log"
    assert told["attack"]["if_twice_as_fast_ms"] == pytest.approx(1.25)
    assert told["attack"]["times_as_fast"] == pytest.approx(1.6)
    shown = command("latency", "--home", running.root).stdout
    assert "1,000 requests. Most time goes into log." in shown
    assert "Were it twice as fast, a request would take 1.250 ms: 1.60 times as fast." in shown


def test_a_faster_stage_makes_a_request_as_much_faster_as_was_worked_out() -> None:
    stages = {"network": 15, "features": 25, "parsing": 5, "inference": 45, "postprocessing": 5, "serialization": 5}
    assert sped_up(stages, "inference", 2) == pytest.approx((77.5, 1.2903225806451613))
    with pytest.raises(InvalidInput, match="0 times as fast"):
        sped_up(stages, "inference", 0)


def test_each_replica_tells_whether_it_predicts_requests_together_and_why(command: Command, running: Home) -> None:
    told = json.loads(command("latency", "--home", running.root, "--json").stdout)["batching"]
    assert [(one["replica"], one["rows"], one["why"]) for one in told] == [("r1", 64, "pays"), ("r2", 1, "quick")]
    shown = " ".join(command("latency", "--home", running.root).stdout.split())
    assert "v1 on r1: at most 64 rows of waiting requests in a call: a row takes 305 µs alone and 60 µs" in shown
    assert "5.2 requests a call so far." in shown
    assert "v1 on r2: each request by itself: a row takes 20 µs, less than the request around it." in shown


def test_a_price_below_zero_is_refused_before_anything_starts(command: Command, running: Home) -> None:
    done = command("up", "loop.py", "--home", running.root, "--hourly-price", "-1")
    assert done.exit_code == 2
    assert "--hourly-price" in done.stderr
