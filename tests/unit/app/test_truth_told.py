"""What a prediction turned out to be is told in the words of its loop: yes or no, a number, a class."""

from __future__ import annotations

import pytest

import homeostat as hs

CONTRACT = {"id": hs.text(), "at": hs.instant(), "delay": hs.number(), "kind": hs.text(categories=["late", "on time"])}
FACTS = hs.Table("landed", key="id", event_time="at", contract=CONTRACT)


@pytest.mark.parametrize(
    ("condition", "truth", "told"),
    [("delay > 15", 1.0, True), ("delay > 15", 0.0, False), ("delay", -2.5, -2.5), ("kind", 1.0, "on time")],
)
def test_a_truth_is_told_as_predictions_are(condition: str, truth: float, told: object) -> None:
    found = hs.Label(FACTS, condition, matures="24h after at").told(truth)
    assert (found, type(found)) == (told, type(told))
