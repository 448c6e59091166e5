"""Which column a value is of, where a body gives rows of bare values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homeostat.data.checks import shown
from homeostat.data.contracts import Column
from homeostat.data.tables import Table
from homeostat.kernel.errors import InvalidInput
from homeostat.serving.refusing import check_size

_NUMBERS = ("number", "integer", "boolean")


class Positions:
    """The orders in which a question's values may come without names; their number tells which one is meant.

    All columns; those that are not filled in when they are left out; the numbers among these, where every other one
    may be null.
    """

    def __init__(self, question: Table, filled_in: Sequence[str]) -> None:
        contract = question.contract
        asked = [name for name in contract if name not in filled_in]
        numbers = [name for name in asked if contract[name].kind in _NUMBERS]
        alone = all(contract[name].nullable for name in asked if name not in numbers)
        orders = [list(contract), asked, *([numbers] if alone and numbers else [])]
        self._by_count = {len(order): order for order in orders}
        self._asked = asked

    def rows(self, values: Sequence[object]) -> list[object]:
        """Rows of bare values, with their names. Raises: InvalidInput where the columns cannot be told."""
        return self.named(self._order(values[0]), values) if values else []

    def named(self, names: Sequence[str], values: Sequence[object]) -> list[object]:
        """Rows of values of named columns. Raises: InvalidInput for another length or a name twice; TooLarge."""
        check_not_many(values)
        if len(set(names)) < len(names):
            raise InvalidInput("A column is named twice.", mend="Name each column once.")
        for place, row in enumerate(values):
            if not isinstance(row, list) or len(row) != len(names):
                raise InvalidInput(
                    f"Row {place} is {shown(row)}.", mend=f"Send {len(names)} values in each row.", row=place
                )
        return [dict(zip(names, row, strict=True)) for row in values]  # type: ignore[call-overload]

    def _order(self, first: object) -> Sequence[str]:
        count = len(first) if isinstance(first, list) else None
        if count is not None and count in self._by_count:
            return self._by_count[count]
        held = "no list of values" if count is None else f"{count} values without names"
        raise InvalidInput(
            f"The first row holds {held}; the columns are {', '.join(self._asked)}.",
            mend=f"Name the columns, or send {' or '.join(map(str, sorted(self._by_count)))} values in their order.",
            columns=self._asked,
        )


def check_not_many(values: Sequence[object]) -> None:
    """Before rows are made of values, which takes far more memory. Raises: TooLarge."""
    if values:
        check_size(values)


def without_nat(rows: Sequence[object], contract: Mapping[str, Column]) -> list[object]:
    """MLflow's clients write a missing time of pandas as the text NaT: it is null."""
    times = {name for name, column in contract.items() if column.kind == "instant"}
    return [
        {name: None if value == "NaT" and name in times else value for name, value in row.items()}
        if isinstance(row, dict)
        else row
        for row in rows
    ]
