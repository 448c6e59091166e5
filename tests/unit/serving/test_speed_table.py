"""The table of how fast serving is says what missed its goal, and what could not be measured."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from benchmarks.serving.servers import PEERS, interpreters
from benchmarks.serving.shown import missed, shown, undecided

GOOD: dict[str, Any] = {
    "what": "logistic regression",
    "server": "Homeostat",
    "requests_per_second": 7_000.0,
    "least": 6_900.0,
    "most": 7_100.0,
    "cpu_ms": 0.13,
    "p50_ms": 8.0,
    "p99_ms": 12.0,
    "mebibytes": 95.0,
    "cold_seconds": 1.1,
    "failed": 0,
    "ratio": 0.7,
    "cpu_ratio": 0.68,
    "p99_ratio": 1.2,
}


def test_a_table_that_reaches_every_goal_misses_none() -> None:
    assert missed([GOOD]) == []


@pytest.mark.parametrize(
    ("part", "value"),
    [("ratio", 0.59), ("p99_ratio", 2.1), ("mebibytes", 121.0), ("cold_seconds", 1.6), ("failed", 1)],
)
def test_each_missed_goal_is_said_with_what_was_measured(part: str, value: float) -> None:
    (told,) = missed([GOOD | {part: value}])
    assert f"{value:g}" in told


def test_a_peer_that_fails_is_no_failure_of_ours() -> None:
    assert missed([GOOD | {"server": "LitServe", "failed": 7, "ratio": 0.1}]) == []


def test_a_peer_that_is_not_there_is_listed_as_not_installed() -> None:
    lines = list(shown([GOOD, {"what": GOOD["what"], "server": "Ray Serve", "problem": "not installed"}]))
    assert lines[-1].split() == ["Ray", "Serve", "not", "installed"]


def test_peers_are_looked_for_in_the_interpreters_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PEERS, sys.executable)
    assert interpreters(["msgspec", "no_such_server"]) == {"msgspec": sys.executable}


@pytest.mark.parametrize(
    ("low", "high", "misses", "open_ones"), [(-0.02, 0.04, 0, 0), (0.06, 0.09, 1, 0), (-0.3, 0.4, 0, 1)]
)
def test_a_shadow_whose_cost_is_not_known_well_enough_is_said_to_be_undecided(
    low: float, high: float, misses: int, open_ones: int
) -> None:
    one = {
        **{"what": "shadowing", "load": "500 a second", "pairs": 12, "p50_ms": 1.0, "p50_shadowed_ms": 1.1},
        **{"p50_change": (low + high) / 2, "low": low, "high": high, "cpu_change": 0.0, "failed": 0},
    }
    assert (len(missed([one])), len(undecided([one]))) == (misses, open_ones)
    assert f"{low:+.1%} to {high:+.1%}" in list(shown([one]))[-1]
