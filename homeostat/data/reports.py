"""What callers report of predictions after they were answered: whether they acted, and the chance with which not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from homeostat.data.checks import did_you_mean
from homeostat.data.expressions import Condition, compile_condition, compile_value
from homeostat.data.tables import Table
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.data.feedback import Feedback

PREDICTION_ID = "prediction_id"
REPORT = "_report"
"""Column of a log that reports were joined to: what is wrong with a row's report, as a place in `WRONG`."""
WRONG = ("", "unreported", "no_chance", "acted_on_all_the_same", "left_alone_without_a_chance")
"""``unreported``: nobody has said whether it was acted on. ``no_chance``: a chance that is null or outside 0 to 1.
``acted_on_all_the_same``: acted on, though it was surely to be left alone; ``left_alone_without_a_chance``: the
reverse."""
TOLD, UNREPORTED, NO_CHANCE, ALL_THE_SAME, WITHOUT_A_CHANCE = range(len(WRONG))


@dataclass(frozen=True)
class Reports:
    """How a table of reports is read: ``acts`` says whether the caller acted, ``chance`` with which chance the row was
    to be left alone; without one it is 1 or 0, as was done. ``of_log`` are the columns of a log, and ``keys`` those of
    the table, by which a report finds its prediction."""

    table: Table
    acts: Condition
    chance: Condition | None
    of_log: tuple[str, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, declared: Feedback, question: Table) -> Reports | None:
        """As a feedback declares it; None where nobody reports. Raises: InvalidInput naming what is wrong."""
        table = cast("object", declared.reported)
        if table is None:
            return None
        if not isinstance(table, Table):
            raise InvalidInput(
                f"Feedback(reported={table!r}) is no table.", mend="Give reported=..., the hs.Table(...) itself."
            )
        return cls(table, compile_condition(declared.acts, table), _chance(declared, table), *_keys(table, question))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that are read."""
        read = (*self.keys, *self.acts.columns, *(self.chance.columns if self.chance else ()))
        return tuple(dict.fromkeys(read))


def _chance(declared: Feedback, table: Table) -> Condition | None:
    if declared.explore is not None or declared.drawn is not None or declared.salt:
        raise InvalidInput(
            "Feedback(reported=...) with explore=, drawn= or salt=: where callers report what they drew, nobody else"
            " draws.",
            mend="Leave them out, and say with chance= which column of the reports holds the chance.",
        )
    if declared.chance is None:
        return None
    kind, found = compile_value(declared.chance, table)
    if kind != "number":
        mend = "Give the chance with which a row was to be left alone, such as chance='1 - flagged_with'."
        raise InvalidInput(f"Feedback(chance={declared.chance!r}) is a {kind}, no number.", mend=mend)
    return found


def _keys(table: Table, question: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """By the id of the prediction where that is the key of the reports, else by the question's key."""
    if table.keys == (PREDICTION_ID,) and table.contract[PREDICTION_ID].kind == "text":
        return (PREDICTION_ID,), (PREDICTION_ID,)
    for name in question.keys:
        if name not in table.contract:
            raise InvalidInput(
                f"The reports in {table.name!r} lack the question's key column {name!r}.",
                mend=f"{did_you_mean(name, table.contract)} Or key them by a text 'prediction_id', as replies have it.",
                column=name,
            )
        if table.contract[name].kind != question.contract[name].kind:
            mend = "Give the column one kind in both contracts."
            raise InvalidInput(f"{name!r} differs in kind between question and reports.", mend=mend, column=name)
    return tuple(f"q_{name}" for name in question.keys), question.keys
