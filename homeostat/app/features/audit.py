"""Audits a loop's features: joins them as defined, shifted and as known, and judges each one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.app.loops.labelled_loops import LabelledLoop
from homeostat.data.tables import KNOWN_AT
from homeostat.features.columns import integers
from homeostat.features.definitions import FeatureSet
from homeostat.features.offline import point_in_time
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.kernel.verdicts import SUSPICIOUS
from homeostat.stats.causes.association import bins_of
from homeostat.training.audit import AuditLimits, FeatureSeen, judge_feature
from homeostat.training.outcomes import Outcomes, outcomes_of
from homeostat.training.shifts import by_known_time, shifted
from homeostat.training.suspects import Joins, Labels, look_at
from homeostat.training.telling import told_apart
from homeostat.training.training_set import (
    LabelledQuestions,
    Sources,
    feature_facts,
    labelled_questions,
    local_days,
)

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
Columns = Mapping[str, NDArray[Any]]
MOST_ROWS = 100_000
"""Rows that an audit looks at unless told otherwise: the newest, whole days."""


@dataclass(frozen=True, slots=True)
class _Joined:
    """The features of all rows under each way of asking; ``timely`` is None where it is ``base`` for sure."""

    base: Columns
    back: Columns
    ahead: Columns
    timely: Columns | None

    def of(self, name: str, viewed: bool) -> Joins:
        if not viewed:
            return Joins(self.base[name])
        timely = self.base if self.timely is None else self.timely
        return Joins(self.base[name], self.back[name], self.ahead[name], timely[name])


def audit_features(
    loop: LabelledLoop, sources: Sources, limits: AuditLimits, progress: Progress, *, most_rows: int = MOST_ROWS
) -> Json:
    """Everything the audit says, as JSON values.

    Raises: NotEnoughData without a labelled row; NotFound while a table holds nothing.
    """
    progress("reading labelled rows", 0, 1)
    questions = labelled_questions(loop.question, loop.label, sources, extra=[KNOWN_AT])
    questions, days = _newest(questions, loop.timezone, most_rows)
    outcomes = outcomes_of(questions, loop.question, loop.label, sources)
    delay = max(1, int(np.median(outcomes.happened - questions.asked_at)))
    joined = _join(loop.feature_set, questions, sources, delay, progress)
    labels = Labels(
        truth=told_apart(questions.label),
        days=days,
        columns=outcomes.columns,
        groups=_groups(loop, questions),
        testable=integers(questions.asked.column(KNOWN_AT), KNOWN_AT) < outcomes.happened,
    )
    judged = list(_judged(loop, joined, labels, outcomes, limits, progress))
    return {
        "loop": loop.name,
        "rows": int(questions.label.size),
        "days": int(np.unique(days).size),
        "first": format_instant(int(questions.asked_at.min())),
        "last": format_instant(int(questions.asked_at.max())),
        "delay_seconds": delay / 1e6,
        "known_times_testable": float(labels.testable.mean()),
        "limits": plain(limits),
        "told_apart": _TOLD_APART.get(loop.label.answers),
        "suspicious": sum(one["verdict"] == SUSPICIOUS for one in judged),
        "features": judged,
    }


def _newest(questions: LabelledQuestions, timezone: str, most: int) -> tuple[LabelledQuestions, NDArray[np.int64]]:
    """The newest rows of whole days, at most so many unless one day alone has more, and the day of each."""
    if not questions.label.size:
        mend = "Wait until labels are mature; then audit again."
        raise NotEnoughData("No labelled row is there to audit features on.", mend=mend, rows=0)
    days = local_days(questions.asked_at, timezone)
    names, counts = np.unique(days, return_counts=True)
    fits = np.cumsum(counts[::-1])[::-1] <= most
    first = names[fits].min() if fits.any() else names[-1]
    return questions.where(days >= first), days[days >= first]


def _join(
    features: FeatureSet, questions: LabelledQuestions, sources: Sources, delay: int, progress: Progress
) -> _Joined:
    facts = feature_facts(features, sources, extra=[KNOWN_AT])
    asked = questions.asked
    progress("joining features as defined", 0, 4)
    base = point_in_time(features, asked, facts)
    progress("joining features shifted back", 1, 4)
    back = point_in_time(features, shifted(asked, -delay), facts)
    progress("joining features shifted ahead", 2, 4)
    ahead = point_in_time(features, shifted(asked, delay), facts)
    progress("joining features by known time", 3, 4)
    known = by_known_time(asked, facts)
    return _Joined(base, back, ahead, None if known is None else point_in_time(features, *known))


def _judged(
    loop: LabelledLoop, joined: _Joined, labels: Labels, outcomes: Outcomes, limits: AuditLimits, progress: Progress
) -> Iterator[Json]:
    features = loop.feature_set
    selected = {one.name for one in features.selected}
    of_label = {
        one.name for view in features.views if view.table.name == loop.label.table.name for one in view.features
    }
    visible = float(outcomes.visible.mean())
    for done, name in enumerate(features.names):
        progress("measuring features", done, len(features.names))
        joins = joined.of(name, name not in selected)
        own = visible if name in of_label else None
        seen = look_at(name, joins, labels, own=own, confidence=limits.confidence)
        yield _shown(seen, limits)
    progress("measuring features", len(features.names), len(features.names))


def _groups(loop: LabelledLoop, questions: LabelledQuestions) -> dict[str, NDArray[np.int64]]:
    """Columns of the question by whose values a label may have been averaged: texts, and what views look up."""
    texts = [name for name, column in loop.question.contract.items() if column.kind == "text"]
    looked_up = [name for view in loop.feature_set.views for name in view.entity]
    names = dict.fromkeys([*texts, *looked_up])
    return {
        name: bins_of(np.array(questions.asked.column(name).to_pylist(), dtype=object))
        for name in names
        if name not in loop.question.keys
    }


_TOLD_APART = {"regression": "rows with a label above the median", "multiclass": "rows of the commonest class"}
"""Whom the AUC of one feature tells from the others, where labels are no yes or no (`training.checks.told_apart`)."""


def _shown(seen: FeatureSeen, limits: AuditLimits) -> Json:
    verdict = judge_feature(seen, limits)
    shown: Json = plain(seen)
    return {**shown, "verdict": verdict.name, "reasons": list(verdict.texts)}
