"""Predictions that are acted on, and so shape the labels they are judged by; and the share that is left alone.

A flagged transaction is blocked: whether it was fraud is never seen. Of those that would be acted on, a share drawn by
chance is left alone; each of them stands for as many as one was drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from homeostat.data.contracts import Column, Row, number
from homeostat.data.expressions import Condition, compile_condition
from homeostat.data.tables import Table
from homeostat.data.weights import chosen
from homeostat.kernel.errors import InvalidInput

PROBABILITY = "probability"
ACTS, EXPLORED, PROPENSITY = "acts", "explored", "propensity"
"""Columns of the log: whether the caller acts on it by declaration, was asked to leave it alone, and with what chance
its label comes as if there were no model."""
_MOST, _ROUNDING = 1_000, 1e-3


class Drawn(NamedTuple):
    """What became of one prediction. ``acts``: the caller is to act on it; ``explored``: it would have been acted on,
    and is left alone by chance. ``propensity`` is the chance with which it was to be left alone, in [0, 1]."""

    acts: bool
    explored: bool
    propensity: float


Draw = Callable[[float, Row, str], Drawn]
"""Of a probability, its row and its unit."""


@dataclass(frozen=True)
class Feedback:
    """Declares that callers act on predictions in a way that shapes their labels, and how the truth is seen even so.

    ``acts``: when they act, as a condition over ``probability`` and columns of the question. ``explore``: so many of
    these units are left alone, drawn by a hash that stays the same for a unit, such as ``"2%"``: one in a whole number.
    None: nobody is, and whatever is judged stays unknown while anything is acted on. ``weighted``: training gives each
    row that was explored the weight of those it stands for, as ``rows.weight``; without, it counts as one. ``salt``
    draws other units.
    Raises: InvalidInput for such a share that there is not.

    >>> Feedback(acts="probability >= 0.8", explore="2%").one_in
    50
    """

    acts: str
    explore: str | float | None = None
    weighted: bool = True
    salt: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.acts, str) or not isinstance(self.salt, str):  # pyright: ignore
            raise InvalidInput(
                f"Feedback(acts={self.acts!r}) is no condition.", mend="Write such as acts='probability >= 0.8'."
            )
        _ = self.one_in

    @cached_property
    def one_in(self) -> int | None:
        """Of how many that would be acted on one is left alone; None where nobody is."""
        if self.explore is None:
            return None
        share = _share(self.explore)
        number_of = round(1 / share) if 0.0 < share <= 0.5 else 0
        if not 2 <= number_of <= _MOST or abs(number_of * share - 1) > _ROUNDING:
            raise InvalidInput(
                f"Feedback(explore={self.explore!r}) is no share of one in 2 to {_MOST}.",
                mend="Give 1 divided by a whole number, such as '2%', '5%', 0.1 or 1 / 3; None for no exploration.",
                explore=str(self.explore),
            )
        return number_of

    def condition(self, question: Table) -> Condition:
        """When callers act. Raises: InvalidInput naming the part that is wrong."""
        if PROBABILITY in question.contract:
            raise InvalidInput(
                f"{question.name!r} has a column {PROBABILITY!r}, which a feedback means of the prediction.",
                mend="Name the column otherwise.",
                column=PROBABILITY,
            )
        found = compile_condition(self.acts, _Answered(question))
        if PROBABILITY not in found.columns:
            raise InvalidInput(
                f"{self.acts!r} does not ask what was predicted: then nothing that is predicted shapes a label.",
                mend="Write such as 'probability >= 0.8', or leave feedback= out.",
                acts=self.acts,
            )
        return found

    def drawing(self, loop: str, question: Table) -> Draw:
        """The draw of a loop: a compare, and a hash for those that would be acted on."""
        condition = self.condition(question)
        holds, alone = condition.for_rows(_nullable(question)), condition.columns == (PROBABILITY,)
        one_in, seed = self.one_in, f"{loop}\x00{self.salt}\x00"
        spared, free, caught = _spared(one_in), Drawn(False, False, 1.0), _caught(one_in)

        def draw(probability: float, row: Row, unit: str) -> Drawn:
            asked: Row = {PROBABILITY: probability} if alone else {**row, PROBABILITY: probability}
            if not holds(asked):
                return free
            return spared if one_in is not None and chosen(seed + unit, one_in, b"explore") else caught

        return draw


def _spared(one_in: int | None) -> Drawn:
    return Drawn(False, True, 1.0 / (one_in or 1))


def _caught(one_in: int | None) -> Drawn:
    return Drawn(True, False, 0.0 if one_in is None else 1.0 / one_in)


@dataclass(frozen=True)
class _Answered:
    """A question with its probability, as a condition reads it."""

    question: Table

    @property
    def name(self) -> str:
        return self.question.name

    @cached_property
    def contract(self) -> Mapping[str, Column]:
        return {**self.question.contract, PROBABILITY: number(0, 1)}


def _nullable(question: Table) -> list[str]:
    return [name for name, column in question.contract.items() if column.nullable]


def _share(told: str | float) -> float:
    try:
        text = str(told).strip()
        return float(text[:-1]) / 100.0 if text.endswith("%") else float(text)
    except ValueError:
        return 0.0
