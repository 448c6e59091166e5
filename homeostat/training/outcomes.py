"""What later turned out about each labelled question: when it happened, when it was known, and its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.labels import Label
from homeostat.data.tables import KNOWN_AT, SEQUENCE, Table
from homeostat.features.columns import integers
from homeostat.training.training_set import LabelledQuestions, Sources, key_index, label_values, latest_facts


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One entry per labelled question. ``happened`` and ``known`` are instants of the fact that is its label.

    ``columns`` are those that the label's condition reads; ``visible`` marks questions one of whose own label
    facts the join already shows at the time and sequence of asking.
    """

    happened: NDArray[np.int64]
    known: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    visible: NDArray[np.bool_]


def outcomes_of(questions: LabelledQuestions, question: Table, label: Label, sources: Sources) -> Outcomes:
    """Find the label facts of each question, as known at the pin."""
    table, keys = label.table, question.keys
    facts = sources.facts(table.name, [*table.keys, *keys, table.event_time, *label.columns, KNOWN_AT])
    counts = latest_facts(latest_facts(facts, table.keys), keys)
    place = key_index(counts, keys).get_indexer(key_index(questions.asked, keys))
    return Outcomes(
        happened=integers(counts.column(table.event_time), table.event_time)[place],
        known=integers(counts.column(KNOWN_AT), KNOWN_AT)[place],
        columns={name: label_values(counts.column(name), table, name)[place] for name in label.columns},
        visible=_visible(questions, question, table, facts),
    )


def _visible(questions: LabelledQuestions, question: Table, table: Table, facts: Any) -> NDArray[np.bool_]:
    asked = key_index(questions.asked, question.keys)
    place = asked.get_indexer(key_index(facts, question.keys))
    mine = place >= 0
    place = place[mine]
    seen = integers(facts.column(table.event_time), table.event_time)[mine] <= questions.asked_at[place]
    seen &= integers(facts.column(SEQUENCE), SEQUENCE)[mine] <= questions.sequence[place]
    found = np.zeros(questions.label.size, dtype=np.bool_)
    found[place[seen]] = True
    return found
