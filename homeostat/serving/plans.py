"""What serving needs to know of a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.data.contracts import Row
from homeostat.data.feedback import Draw, Feedback
from homeostat.data.labels import Label
from homeostat.data.log_policy import KEEP_ALL, Log
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.kept_rows import KeptRows
from homeostat.serving.batching import Batching
from homeostat.stats.tasks import BINARY, Task


@dataclass(frozen=True)
class ServingPlan:
    """A loop as the gateway sees it; a prediction is true from ``threshold`` on, ``tables`` are all that it reads.

    ``unit`` is the column of the question whose values stay with their arm; the key where it is None.
    ``label`` is what its predictions turn out to be; None where nobody is to be told of it.
    ``rows`` are those that may be asked about by key. ``log`` says what the prediction log may keep of a question.
    ``task`` is what it answers. ``batching`` says whether rows of different requests may go to a model in one call.
    ``feedback`` says which predictions are acted on; None where none shapes its label.
    """

    name: str
    question: Table
    features: FeatureSet
    threshold: float = 0.5
    tables: tuple[Table, ...] = ()
    unit: str | None = None
    label: Label | None = None
    rows: KeptRows | None = None
    log: Log = KEEP_ALL
    batching: Batching = "off"
    feedback: Feedback | None = None
    task: Task = BINARY


def units_of(plan: ServingPlan, rows: Sequence[Row], keys: Sequence[str]) -> Sequence[str]:
    """What decides each row's arm, as text; ``keys`` are the rows' keys."""
    return keys if plan.unit is None else [str(row[plan.unit]) for row in rows]


def drawing(plan: ServingPlan) -> Draw | None:
    """Who is left alone of those that would be acted on; None where nothing is acted on."""
    return None if plan.feedback is None else plan.feedback.drawing(plan.name, plan.question, plan.task)
