"""What a version's card says has to happen before it serves is what its loop file asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

import homeostat as hs
from homeostat.app.pipeline.papers import promises_of
from homeostat.control.gates import Gate
from tests.unit.training.toy import loop


@pytest.mark.parametrize(
    ("gate", "ask", "asked"),
    [
        (Gate(), "never", ["no person's answer: the loop file asks nobody"]),
        (Gate(approval="7d"), "never", ["a person's answer within 7d, from another than the author of its code"]),
        (Gate(), "always", ["a person's answer, before it takes all traffic"]),
        (
            Gate(approval="7d"),
            "inconclusive",
            [
                "a person's answer within 7d, from another than the author of its code",
                "a person's answer, where the evidence of the rollout decides nothing",
            ],
        ),
    ],
)
def test_who_is_asked_is_told(gate: Gate, ask: str, asked: list[str]) -> None:
    told = promises_of(replace(loop, gate=gate, rollout=hs.Canary(ask=ask)))  # type: ignore[arg-type]
    assert [one for one in told if "person" in one] == asked
    assert sum(one.startswith(("a gate", "a rollout")) for one in told) == 2


def test_a_gate_that_wants_committed_code_says_so() -> None:
    assert promises_of(replace(loop, gate=Gate(clean_tree=True)))[0].endswith("; its code is that of a commit")
