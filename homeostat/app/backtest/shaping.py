"""Of how many rows each question of a history is one, as was known at any time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.prediction_log.reported import Reported, reports_of
from homeostat.app.prediction_log.shaped import answers_of_questions, shaped_questions
from homeostat.control.loop import Loop
from homeostat.data.matching import key_codes
from homeostat.data.reported import with_reports
from homeostat.data.reports import Reports
from homeostat.data.shaped import Shaped
from homeostat.data.tables import SEQUENCE
from homeostat.monitoring.kept_feedback import MOST_UNTOLD
from homeostat.training.shaped import ShapedQuestions
from homeostat.training.training_set import key_index

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Rows in the order of the questions they are about, with the ``place`` of each; those about none are left out."""

    rows: pa.Table
    place: Places

    @classmethod
    def of(cls, rows: pa.Table, place: Places) -> Placed:
        order = np.argsort(place, kind="stable")
        order = order[place[order] >= 0]
        return cls(rows.take(pa.array(order)), place[order])

    def about(self, questions: slice) -> pa.Table:
        """The rows about some of the questions."""
        first, last = np.searchsorted(self.place, [questions.start, questions.stop]).tolist()
        return self.rows.slice(first, last - first)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What callers reported of ``answers``: more was known later."""

    reports: Reports
    answers: Placed
    facts: Placed

    def by(self, questions: slice, sequence: int) -> pa.Table:
        """The answers to some questions with what was reported by an ingest sequence."""
        facts = self.facts.about(questions).filter(pc.field(SEQUENCE) <= sequence)
        return with_reports(self.answers.about(questions), self.reports, facts)


@dataclass(frozen=True, slots=True, eq=False)
class Shaping:
    """``drawn`` says of questions that were drawn when they were answered of how many rows each is one; ``told`` of
    which callers report what they did."""

    loop: Loop
    asked: pa.Table
    drawn: ShapedQuestions | None = None
    told: Told | None = None

    def at(self, questions: slice, sequence: int) -> Places:
        """Of some questions, as known by an ingest sequence: 0 where a prediction has shaped the label, or may have."""
        asked, answers = self.asked.slice(questions.start, questions.stop - questions.start), None
        if self.told is not None:
            answers = self.told.by(questions, sequence)
        shaped = self.drawn if answers is None else ShapedQuestions.of(answers, self.loop.question)
        return np.ones(asked.num_rows, dtype=np.int64) if shaped is None else shaped.stands_for(asked)

    def of_day(self, questions: slice, sequence: int) -> Places:
        """The same of the questions of a day: none counts where too few of its answers were reported."""
        each = self.at(questions, sequence)
        if self.told is None:
            return each
        untold = Shaped.of(self.told.by(questions, sequence)).untold
        return np.zeros_like(each) if untold.sum() > MOST_UNTOLD * untold.size else each


def read_shaping(loop: Loop, asked: pa.Table, tables: DeltaTables, log: DeltaTables) -> Shaping:
    """From the newest log and all reports of the questions ``asked``, in their order."""
    reports, reported = reports_of(loop), Reported(tables)
    if reports is None:
        return Shaping(loop, asked, shaped_questions(log, loop, reported))
    answers = answers_of_questions(log, loop)
    if answers is None:
        return Shaping(loop, asked)
    keys = loop.question.keys
    of = answers.select([f"q_{key}" for key in keys]).rename_columns(list(keys))
    places = key_index(asked, keys).get_indexer(key_index(of, keys)).astype(np.int64)
    told = _placed(reported.facts(reports), reports, answers, places)
    return Shaping(loop, asked, told=Told(reports, Placed.of(answers, places), told))


def _placed(facts: pa.Table, reports: Reports, answers: pa.Table, places: Places) -> Placed:
    """Reports by the question of the answer that each is about."""
    of_answer, of_fact = key_codes(answers, reports.of_log, facts, reports.keys)
    place = np.full(max(of_answer.max(initial=-1), of_fact.max(initial=-1)) + 1, -1, dtype=np.int64)
    place[of_answer] = places
    return Placed.of(facts, place[of_fact])
