"""Predictions that are acted on, and so shape the labels they are judged by; and the share that is left alone.

A flagged transaction is blocked: whether it was fraud is never seen. Of those that would be acted on, a share drawn by
chance is left alone; each of them stands for as many as one was drawn from.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

from homeostat.data.contracts import Column, Row, number, text
from homeostat.data.expressions import Condition, compile_condition, compile_value
from homeostat.data.tables import Table
from homeostat.data.weights import chosen, within
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

PROBABILITY, PREDICTION = "probability", "prediction"
ACTS, EXPLORED, PROPENSITY = "acts", "explored", "propensity"
"""Columns of the log: whether the caller acts on it by declaration, was asked to leave it alone, and with what chance
its label comes as if there were no model."""
_MOST, _ROUNDING = 1_000, 1e-3


class Drawn(NamedTuple):
    """What became of one prediction. ``acts``: the caller is to act on it, None where they report it; ``explored``: it
    would have been acted on, and is left alone by chance. ``propensity`` is the chance with which it was to be left
    alone, in [0, 1]: 1 where nobody would act."""

    acts: bool | None
    explored: bool
    propensity: float


TO_BE_REPORTED = Drawn(None, False, 0.0)
"""Of a prediction of which callers report later what they did: until then no label of it is known to be its own."""
Draw = Callable[[Row, Row, str], Drawn]
"""Of what was predicted (`predicted`), its row and its unit."""


def predicted(prediction: bool | float | str, score: float | list[float] | None) -> Row:
    """What a condition may read of an answer: the probability of a yes or no, the number, or the likeliest class and
    its chance.

    >>> predicted(True, 0.9), predicted("late", [0.2, 0.8]), predicted(12.5, None)
    ({'probability': 0.9}, {'prediction': 'late', 'probability': 0.8}, {'prediction': 12.5})
    """
    if isinstance(score, list):
        return {PREDICTION: prediction, PROBABILITY: max(score)}
    return {PREDICTION: prediction} if score is None else {PROBABILITY: score}


def _read_of(task: Task) -> Mapping[str, Column]:
    if isinstance(task, Regression):
        return {PREDICTION: number()}
    if isinstance(task, Multiclass):
        return {PREDICTION: text(categories=list(task.classes)), PROBABILITY: number(0, 1)}
    return {PROBABILITY: number(0, 1)}


@dataclass(frozen=True)
class Feedback:
    """Declares that callers act on predictions in a way that shapes their labels, and how the truth is seen even so.

    ``acts``: when they act, as a condition over columns of the question and what was predicted: ``probability`` of a
    yes or no, ``prediction`` of a number, both of one of several classes. ``explore``: so many of these units are left
    alone, drawn by a hash that stays the same for a unit, such as ``"2%"``: one in a whole number. None: nobody is, and
    whatever is judged stays unknown while anything is acted on. ``chance`` instead of it: a number over the same
    columns, the chance with which each one is left alone, so that some are explored more than others; it is kept with
    every answer. ``drawn``: callers have drawn themselves, before they ask; a column of the question that is true where
    they leave the row alone, with the chance that ``explore`` or ``chance`` says. ``reported``: callers decide after
    they were answered, and send what they did to this table; ``acts`` and ``chance`` are over its columns then
    (`data.reports`). ``weighted``: training gives each
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
    chance: str | None = None
    drawn: str | None = None
    reported: Table | None = None

    def __post_init__(self) -> None:
        if self.chance is not None and (self.explore is not None or not isinstance(self.chance, str)):  # pyright: ignore
            raise InvalidInput(
                f"Feedback(explore={self.explore!r}, chance={self.chance!r}) says twice, or not, who is left alone.",
                mend="Give explore='2%' for all alike, or chance='0.02 + 0.1 * (1 - probability)'.",
            )
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

    @property
    def explores(self) -> bool:
        """Whether anybody is left alone."""
        return self.one_in is not None or self.chance is not None

    @property
    def draws(self) -> bool:
        """Whether replies say what callers are to do; otherwise they report what they did."""
        return self.reported is None

    @property
    def declared(self) -> dict[str, Any]:
        """What it declares, as JSON values; the table of reports by its name."""
        told = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "reported"}
        return told if self.reported is None else {**told, "reported": self.reported.name}

    def condition(self, question: Table, task: Task = BINARY) -> Condition:
        """When callers act. Raises: InvalidInput naming the part that is wrong."""
        names = _read_of(task)
        for taken in names.keys() & question.contract.keys():
            raise InvalidInput(
                f"{question.name!r} has a column {taken!r}, which a feedback means of the prediction.",
                mend="Name the column otherwise.",
                column=taken,
            )
        found = compile_condition(self.acts, _Answered(question, task))
        _known_classes(self.acts, found, task)
        if not names.keys() & set(found.columns):
            raise InvalidInput(
                f"{self.acts!r} does not ask what was predicted: then nothing that is predicted shapes a label.",
                mend=f"Write such as '{_EXAMPLES[task.name]}', or leave feedback= out.",
                acts=self.acts,
            )
        return found

    def chances(self, question: Table, task: Task = BINARY) -> Condition | None:
        """With what chance one is left alone; None for all alike. Raises: InvalidInput naming what is wrong."""
        if self.drawn is not None and (
            self.drawn not in question.contract or question.contract[self.drawn].kind != "boolean" or not self.explores
        ):
            raise InvalidInput(
                f"Feedback(drawn={self.drawn!r}) names no boolean column of {question.name!r} with a chance.",
                mend="Let the question say who is left alone as true or false, and give explore= or chance=.",
                column=self.drawn,
            )
        if self.chance is None:
            return None
        kind, found = compile_value(self.chance, _Answered(question, task))
        if kind != "number":
            raise InvalidInput(
                f"Feedback(chance={self.chance!r}) is a {kind}, no number.", mend="Give a chance in (0, 1]."
            )
        return found

    def drawing(self, loop: str, question: Table, task: Task = BINARY) -> Draw:
        """The draw of a loop: a compare, and a hash for those that would be acted on; none where callers report."""
        if not self.draws:
            return lambda told, row, unit: TO_BE_REPORTED
        condition, chances = self.condition(question, task), self.chances(question, task)
        holds = condition.for_rows(_nullable(question))
        alone = chances is None and set(condition.columns) <= _read_of(task).keys()
        seed, free, leaves = f"{loop}\x00{self.salt}\x00", Drawn(False, False, 1.0), self._leaving(question, chances)

        def draw(told: Row, row: Row, unit: str) -> Drawn:
            asked: Row = told if alone else {**row, **told}
            return leaves(asked, row, seed + unit) if holds(asked) else free

        return draw

    def _leaving(self, question: Table, chances: Condition | None) -> Callable[[Row, Row, str], Drawn]:
        """Of one that would be acted on, whether it is left alone."""
        one_in, drawn = self.one_in, self.drawn
        spared, caught = _spared(one_in), _caught(one_in)
        of_row = None if chances is None else chances.for_rows(_nullable(question))

        def leaves(asked: Row, row: Row, unit: str) -> Drawn:
            chance = None if of_row is None else _chance(of_row(asked))
            if drawn is not None:
                left = bool(row[drawn])
            elif chance is not None:
                left = within(unit, chance, b"explore")
            else:
                left = one_in is not None and chosen(unit, one_in, b"explore")
            if chance is None:
                return spared if left else caught
            return Drawn(not left, left, chance)

        return leaves


_EXAMPLES = {
    "binary": "probability >= 0.8",
    "regression": "prediction > 100",
    "multiclass": 'prediction == "fraud"',
}


def _known_classes(acts: str, condition: Condition, task: Task) -> None:
    """Raises: InvalidInput where a prediction is compared with what is never predicted."""
    if not isinstance(task, Multiclass):
        return
    for node in ast.walk(condition.tree):
        parts = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        asked = any(isinstance(one, ast.Name) and one.id == PREDICTION for one in parts)
        for one in parts if asked else ():
            if isinstance(one, ast.Constant) and one.value not in task.classes:
                raise InvalidInput(
                    f"{acts!r} waits for {one.value!r}, which is never predicted.",
                    mend=f"Classes: {', '.join(task.classes)}.",
                    acts=acts,
                )


def _chance(told: float | None) -> float:
    """What is no chance leaves nobody alone: figures then say that chances are too small."""
    return min(float(told), 1.0) if told is not None and told > 0.0 else 0.0


def _spared(one_in: int | None) -> Drawn:
    return Drawn(False, True, 1.0 / (one_in or 1))


def _caught(one_in: int | None) -> Drawn:
    return Drawn(True, False, 0.0 if one_in is None else 1.0 / one_in)


@dataclass(frozen=True)
class _Answered:
    """A question with its probability, as a condition reads it."""

    question: Table
    task: Task

    @property
    def name(self) -> str:
        return self.question.name

    @cached_property
    def contract(self) -> Mapping[str, Column]:
        return {**self.question.contract, **_read_of(self.task)}


def _nullable(question: Table) -> list[str]:
    return [name for name, column in question.contract.items() if column.nullable]


def _share(told: str | float) -> float:
    try:
        text = str(told).strip()
        return float(text[:-1]) / 100.0 if text.endswith("%") else float(text)
    except ValueError:
        return 0.0
