"""Labels: the truth about a prediction, which arrives late and is read from a table of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column, boolean, instant
from homeostat.data.expressions import Condition, compile_value, places_of
from homeostat.data.tables import NAME, Table
from homeostat.kernel.clock import Duration, duration
from homeostat.kernel.errors import InvalidInput

Answers = Literal["binary", "regression", "multiclass"]
"""What a label asks a model for."""
_ANSWERS: Mapping[str, Answers] = {"truth": "binary", "number": "regression", "text": "multiclass"}


@dataclass(frozen=True)
class Label:
    """Reads the truth from ``table``, of a fact of the question's key; what ``condition`` is decides what is predicted.

    A condition (``"arr_delay > 15"``) makes a yes-or-no answer, a number (``"arr_delay"``, ``"(ended - began) / 60"``)
    a regression, a text column (``"outcome"``) one of several classes: ``classes``, or the categories of its contract.
    A number that is infinite and a text that is none of the classes are no label.
    ``matures`` says how long to wait for the fact: ``"24h after scheduled_arrival"``, where the column is the
    question's. After that, a missing fact means that there is no label.
    Raises: InvalidInput when the condition or the maturity cannot be read, or classes are not known.

    >>> from homeostat.data.contracts import instant, number, text
    >>> landed = Table("landed", key="id", event_time="at",
    ...                contract={"id": text(), "at": instant(), "delay": number(nullable=True)})
    >>> label = Label(landed, "delay > 15", matures="24h after due")
    >>> label.truth({"delay": np.array([20.0, 3.0, np.nan])}).tolist()
    [1.0, 0.0, nan]
    >>> Label(landed, "delay", matures="24h after due").answers
    'regression'
    """

    table: Table
    condition: str
    matures: str
    classes: tuple[str, ...] = field(default=(), kw_only=True)
    is_posted: bool = field(default=False, kw_only=True)
    answers: Answers = field(init=False, repr=False, compare=False)
    _compiled: Condition = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kind, compiled = compile_value(self.condition, self.table)
        object.__setattr__(self, "_compiled", compiled)
        object.__setattr__(self, "answers", _ANSWERS[kind])
        object.__setattr__(self, "classes", self._classes() if kind == "text" else self._no_classes())
        _ = self.maturity_delay, self.maturity_column

    @staticmethod
    def posted(*, matures: str, truth: Column | None = None) -> Any:
        """A label that is posted to ``POST /loops/{loop}/labels`` for a prediction or a question.

        For a loop whose truth does not come as events of its own. The loop keeps it in a table ``<loop>_labels``.
        ``truth`` promises what is posted: true or false where it is left out, ``hs.number(...)`` for a regression,
        ``hs.text(categories=[...])`` for classes.
        """
        return PostedLabel(matures, boolean() if truth is None else truth)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the label table that the condition reads."""
        return self._compiled.columns

    @property
    def maturity_delay(self) -> Duration:
        """How long after the maturity column a fact is waited for, in microseconds."""
        return duration(self._maturity()[0])

    @property
    def maturity_column(self) -> str:
        """The question's instant column from which maturity counts."""
        return self._maturity()[1]

    def truth(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Float64: 1.0 where the condition holds and 0.0 where not, the number, or the place of the class.

        NaN where there is no label: a column that is needed is missing, a number infinite, a text none of the classes.
        """
        if self.answers == "multiclass":
            return places_of(np.asarray(columns[self.columns[0]], dtype=object), self.classes)
        found = self._compiled.evaluate(columns)
        return np.where(np.isfinite(found), found, np.nan)

    def typed(self, truth: np.ndarray) -> np.ndarray:
        """Known truths as figures take them: booleans, numbers, or places of classes as whole numbers."""
        if self.answers == "regression":
            return truth
        return truth == 1.0 if self.answers == "binary" else truth.astype(np.int64)

    def told(self, truth: float) -> bool | float | str:
        """One known truth as people and predictions say it: yes or no, the number, or the class by its name."""
        if self.answers == "multiclass":
            return self.classes[int(truth)]
        return bool(truth == 1.0) if self.answers == "binary" else float(truth)

    def check_question(self, question: Table) -> None:
        """Refuse, naming the mend, a question whose rows this label can never be joined to."""
        for name in question.keys:
            if name not in self.table.contract:
                raise InvalidInput(
                    f"The label's table {self.table.name!r} lacks the question's key column {name!r}.",
                    mend=did_you_mean(name, self.table.contract),
                )
            if self.table.contract[name].kind != question.contract[name].kind:
                mend = "Give the column one kind in both contracts."
                raise InvalidInput(f"{name!r} differs in kind between question and label.", mend=mend)
        column = question.contract.get(self.maturity_column)
        if column is None or column.kind != "instant" or column.nullable:
            raise InvalidInput(
                f"Labels mature after {self.maturity_column!r}, no instant column of {question.name!r}.",
                mend="Name an instant() column of the question that is not nullable: "
                + did_you_mean(self.maturity_column, question.contract),
            )

    def _classes(self) -> tuple[str, ...]:
        """Declared, or the categories of the column's contract."""
        column = self.table.contract[self.columns[0]]
        if self.condition.strip() != self.columns[0]:
            raise InvalidInput(f"Label {self.condition!r} is a text.", mend="Name a text column, or compare it.")
        found = tuple(self.classes) or column.categories or ()
        if column.open and not self.classes:
            found = ()
        if len(found) < 2 or len(set(found)) < len(found) or not all(isinstance(one, str) and one for one in found):
            raise InvalidInput(
                f"The classes of label {self.condition!r} are not known: {list(found)}.",
                mend="Give hs.Label(..., classes=[...]), or the column's contract as hs.text(categories=[...]): at"
                " least two texts, each once.",
            )
        return found

    def _no_classes(self) -> tuple[str, ...]:
        if self.classes:
            raise InvalidInput(
                f"Label {self.condition!r} has classes, but is no text.",
                mend="Leave classes= out, or name a text column.",
            )
        return ()

    def _maturity(self) -> tuple[str, str]:
        delay, after, column = self.matures.partition(" after ")
        if not after or not column.strip():
            mend = "Write such as '24h after scheduled_arrival'."
            raise InvalidInput(f"{self.matures!r} does not say when a label matures.", mend=mend)
        return delay.strip(), column.strip()


TRUTH, TRUE_AT, PREDICTION = "label", "at", "prediction_id"
"""What a posted label says: the truth, when it came true, and, instead of a key, the prediction that it is about."""


@dataclass(frozen=True)
class PostedLabel:
    """A label before its loop has given it a table."""

    matures: str
    truth: Column = field(default_factory=boolean)

    def of(self, loop: str, question: Table) -> Label:
        """The label of a loop, with a table that its posts are kept in: the question's key, the truth and its time.

        Raises: InvalidInput where the key needs one of these names itself, or the table's name would be too long.
        """
        for name in (TRUTH, TRUE_AT, PREDICTION):
            if name in question.keys:
                raise InvalidInput(
                    f"Labels of loop {loop!r} cannot be posted: the key of {question.name!r} has a column {name!r}.",
                    mend="Declare a table for the label: hs.Label(table, condition, matures=...).",
                )
        name = f"{loop.replace('-', '_')}_labels"
        if not NAME.fullmatch(name):
            mend = "Give the loop a name of at most 56 characters."
            raise InvalidInput(f"The labels of loop {loop!r} need a table {name!r}, which is too long.", mend=mend)
        contract = {key: Column(question.contract[key].kind) for key in question.keys}
        contract |= {TRUTH: self.truth, TRUE_AT: instant()}
        table = Table(name, question.key, TRUE_AT, contract, now_by_default=True)
        return Label(table, TRUTH, self.matures, is_posted=True)
