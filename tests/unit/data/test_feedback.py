"""A feedback says when callers act; a hash says who is left alone, the same for a unit whenever it is asked."""

from __future__ import annotations

import pytest

import homeostat as hs
from homeostat.data.feedback import Drawn, Feedback
from homeostat.kernel.errors import InvalidInput
from tests.unit.app.test_hidden_columns import VISITS, loop_of

NULLABLE = hs.Table("asked", key="id", event_time="at", contract={
    "id": hs.text(), "at": hs.instant(), "amount": hs.number(nullable=True)
})  # fmt: skip


def test_of_those_that_would_be_acted_on_the_declared_share_is_left_alone() -> None:
    draw = Feedback(acts="probability >= 0.8", explore="2%").drawing("late", VISITS)
    drawn = [draw({"probability": 0.9}, {}, f"u{unit}") for unit in range(50_000)]
    assert 900 <= sum(one.explored for one in drawn) <= 1_100
    assert all(one.acts != one.explored for one in drawn)
    assert {one.propensity for one in drawn} == {0.02}
    assert draw({"probability": 0.79}, {}, "u0") == Drawn(acts=False, explored=False, propensity=1.0)


def test_a_unit_is_drawn_alike_whenever_it_is_asked_and_otherwise_under_another_salt_or_loop() -> None:
    def explored(loop: str, salt: str) -> list[bool]:
        draw = Feedback(acts="probability > 0.5", explore=0.1, salt=salt).drawing(loop, VISITS)
        return [draw({"probability": 0.9}, {}, f"u{unit}").explored for unit in range(2_000)]

    first = explored("late", "")
    assert first == explored("late", "")
    for other in (explored("late", "again"), explored("early", "")):
        both = sum(a and b for a, b in zip(first, other, strict=True))
        assert both < 45, "a tenth of a tenth, more or less"


def test_a_condition_may_read_the_question_and_one_that_is_unknown_is_not_acted_on() -> None:
    draw = Feedback(acts="probability > 0.5 and amount > 100").drawing("late", NULLABLE)
    assert draw({"probability": 0.9}, {"amount": 200.0}, "u") == Drawn(acts=True, explored=False, propensity=0.0)
    assert not draw({"probability": 0.9}, {"amount": 50.0}, "u").acts
    assert not draw({"probability": 0.9}, {"amount": None}, "u").acts


@pytest.mark.parametrize("share", ["3%", 0.0, 1, "0.7", "many", -0.1, "0.01%", float("nan")])
def test_a_share_that_is_not_one_in_a_number_is_refused(share: str | float) -> None:
    with pytest.raises(InvalidInput, match="no share of one in"):
        Feedback(acts="probability > 0.5", explore=share)


@pytest.mark.parametrize(
    ("acts", "says"),
    [
        ("born > 1980", "does not ask what was predicted"),
        ("probabilty > 0.5", "probabilty"),
        ("probability >", "cannot be read"),
        (0.8, "is no condition"),
    ],
)
def test_a_condition_that_is_none_is_refused_when_the_loop_is_made(acts: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        loop_of([VISITS["shop"]], feedback=hs.Feedback(acts=acts))


def test_what_is_no_feedback_is_refused() -> None:
    with pytest.raises(InvalidInput, match="declares no feedback"):
        loop_of([VISITS["shop"]], feedback="probability > 0.8")


def test_a_question_with_a_probability_of_its_own_is_refused() -> None:
    asked = hs.Table("asked", key="id", event_time="at", contract={
        "id": hs.text(), "at": hs.instant(), "probability": hs.number()
    })  # fmt: skip
    with pytest.raises(InvalidInput, match="has a column 'probability'"):
        Feedback(acts="probability > 0.5").condition(asked)
