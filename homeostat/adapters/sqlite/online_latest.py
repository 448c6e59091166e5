"""The newest fact of an entity, read from the online store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from homeostat.adapters.sqlite.online_names import about, listed, matches, quoted, residue
from homeostat.data.contracts import Kind, Value
from homeostat.features.kept_rows import KeptRows
from homeostat.features.online import Ask
from homeostat.features.views import Entity, Latest, describe
from homeostat.kernel.errors import NotEnoughData

_EARLIEST = -(2**63)


class LatestPlan:
    """How one view is read; made once for each."""

    def __init__(self, view: Latest) -> None:
        self._view = view
        at = quoted(view.table.event_time)
        self._select = (
            f"SELECT {at}, {listed(view.columns)} {about(view)} AND {at} BETWEEN ? AND ?"
            f" ORDER BY {at} DESC, _sequence DESC LIMIT 1"
        )
        self._pruned = f"SELECT pruned FROM {residue(view)} WHERE {matches(view.entity)}"
        kinds = [view.table.contract[name].kind for name in view.columns]
        self._plain = _parsed(kinds) if isinstance(view, KeptRows) else _as_features(kinds)
        self._none = (None,) * len(kinds)

    def read(self, db: sqlite3.Connection, asks: Sequence[Ask], pruned: bool) -> list[Sequence[Value]]:
        """Per ask the values of the view's features; ``pruned``: whether facts were ever forgotten."""
        answers: list[Sequence[Value]] = []
        longest, select = self._view.longest, self._select
        for entity, at in asks:
            earliest = _EARLIEST if longest is None else at - longest
            found = db.execute(select, (*entity, earliest, at)).fetchone()
            if pruned and longest is None:
                self._check_residue(db, entity, found)
            answers.append(self._none if found is None else self._plain(found))
        return answers

    def _check_residue(self, db: sqlite3.Connection, entity: Entity, found: Sequence[Any] | None) -> None:
        """A correction may have taken away the fact for whose sake older ones were forgotten."""
        pruned = db.execute(self._pruned, entity).fetchone()
        if pruned is not None and (found is None or found[0] < pruned[0]):
            view = describe(self._view)
            raise NotEnoughData(
                f"{view} of {entity} needs a fact pruned before its successor was corrected.",
                mend="Rebuild the online store from the tables.",
                definition=view,
            )


def _parsed(kinds: Sequence[Kind]) -> Callable[[Sequence[Any]], Sequence[Value]]:
    """From a row of event time and columns to what was parsed."""
    truths = [kind == "boolean" for kind in kinds]
    return lambda row: [
        bool(value) if truth and value is not None else value for value, truth in zip(row[1:], truths, strict=True)
    ]


def _as_features(kinds: Sequence[Kind]) -> Callable[[Sequence[Any]], Sequence[Value]]:
    """From a row of event time and columns to features; SQLite gives integers and booleans as integers."""
    numbers = [kind in ("integer", "boolean") for kind in kinds]
    if not any(numbers):
        return lambda row: row[1:]
    return lambda row: [
        float(value) if number and value is not None else value for value, number in zip(row[1:], numbers, strict=True)
    ]
