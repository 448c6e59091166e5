"""Labelled rows rebuilt from pinned tables: the same pin always gives the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.data.labels import Label
from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.columns import integers, numbers, plain
from homeostat.features.definitions import FeatureSet
from homeostat.features.offline import ASKED_AT, InMemoryEngine, OfflineEngine, Source, columns_read
from homeostat.features.views import feature_kind
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotFound
from homeostat.training.rows import TrainingRows, model_frame
from homeostat.training.shaped import ShapedQuestions

ReadTable = Callable[[str, int, Sequence[str]], pa.Table]
"""Reads columns of a table at a version, in the order of acceptance."""
ScanTable = Callable[[str, int], Source]
"""Gives a table at a version where it lies, to be read in parts."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What may be read: tables at their versions, facts up to ``sequence``, labels matured by ``as_of``.

    ``engine`` joins features; with ``scan`` it is given facts where they lie, so that they need not fit memory.
    ``shaped`` says of questions whether a prediction has shaped their label; None where none does.
    """

    read: ReadTable
    table_versions: Mapping[str, int]
    sequence: int
    as_of: Instant
    engine: OfflineEngine = field(default_factory=InMemoryEngine)
    scan: ScanTable | None = None
    shaped: ShapedQuestions | None = None

    def stands_for(self, asked: pa.Table) -> NDArray[np.int64]:
        """Of how many rows each question is one whose label is its own: 0 where a prediction has shaped it."""
        return np.ones(asked.num_rows, dtype=np.int64) if self.shaped is None else self.shaped.stands_for(asked)

    def joined(self, table: str, columns: Sequence[str]) -> Source:
        """The facts of a table as the engine takes them."""
        if self.scan is None:
            return self.facts(table, columns)
        return self.scan(table, self._version(table))

    def facts(self, table: str, columns: Sequence[str]) -> pa.Table:
        """Columns and the sequence of the facts accepted by the pin."""
        wanted = list(dict.fromkeys([*columns, SEQUENCE]))
        stored = self.read(table, self._version(table), wanted)
        return stored.filter(pc.field(SEQUENCE) <= self.sequence)

    def _version(self, table: str) -> int:
        if table not in self.table_versions:
            mend = "Send its first events; then train again."
            raise NotFound(f"Table {table!r} is not in the pin: it has no version yet.", mend=mend, table=table)
        return self.table_versions[table]


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Matured, labelled questions in the order asked, with their features as known when asked.

    ``columns`` are features as float64 with NaN, or objects with None; ``sequence`` is the ingest sequence of
    each question, ``stands_for`` how many rows each is one of: more than 1 where it was left alone by chance.
    """

    columns: Mapping[str, NDArray[Any]]
    label: NDArray[np.bool_]
    asked_at: NDArray[np.int64]
    sequence: NDArray[np.int64]
    stands_for: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> LabelledRows:
        """Some of the rows, by mask or place."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        parts = (self.label[chosen], self.asked_at[chosen], self.sequence[chosen], self.stands_for[chosen])
        return LabelledRows(columns, *parts)

    def drawn(self) -> LabelledRows:
        """Each row as often as it stands for rows: what can be counted without weights."""
        if (self.stands_for == 1).all():
            return self
        found = self.where(np.repeat(np.arange(self.label.size), self.stands_for))
        return replace(found, stands_for=np.ones_like(found.stands_for))

    def asked(self, since: Instant | None = None, until: Instant | None = None) -> LabelledRows:
        """Rows asked at or after ``since`` and before ``until``."""
        chosen = np.ones(self.label.size, dtype=bool)
        if since is not None:
            chosen &= self.asked_at >= since
        if until is not None:
            chosen &= self.asked_at < until
        return self.where(chosen)

    def rows(self, features: FeatureSet) -> TrainingRows:
        """In the form in which a training function takes them."""
        frame = model_frame(self.columns, features.kinds)
        return TrainingRows(frame, self.label, self.asked_at, self.stands_for)


@dataclass(frozen=True, slots=True)
class LabelledQuestions:
    """Matured, labelled questions in the order asked, without their features.

    ``asked`` holds the question's columns as stored, its ``_sequence``, and ``_time``: when it was asked.
    ``stands_for`` as in `LabelledRows`.
    """

    asked: pa.Table
    label: NDArray[np.bool_]
    asked_at: NDArray[np.int64]
    stands_for: NDArray[np.int64]

    @property
    def sequence(self) -> NDArray[np.int64]:
        """The ingest sequence of each question."""
        return integers(self.asked.column(SEQUENCE), SEQUENCE)

    def where(self, chosen: NDArray[np.bool_]) -> LabelledQuestions:
        """Some of the questions."""
        asked = self.asked.filter(pa.array(chosen))
        return LabelledQuestions(asked, self.label[chosen], self.asked_at[chosen], self.stands_for[chosen])


def labelled_rows(question: Table, features: FeatureSet, label: Label, sources: Sources) -> LabelledRows:
    """Join questions, labels and features as known at the pin.

    Of several facts with one key the one accepted last by the pin counts; of a question that came again the
    first, for that is what could be answered then, from what was known then. A row is taken when its label has
    had its time to mature and is there: taking early labels sooner would favour whatever comes true quickly. One whose
    label a prediction has shaped is not taken; one that was left alone by chance stands for it.
    """
    found = labelled_questions(question, label, sources)
    columns = joined_features(found.asked, features, sources)
    return LabelledRows(columns, found.label, found.asked_at, found.sequence, found.stands_for)


def labelled_questions(question: Table, label: Label, sources: Sources, extra: Sequence[str] = ()) -> LabelledQuestions:
    """The rows of `labelled_rows` before features are joined to them; ``extra`` stored columns come with them."""
    asked = matured_questions(question, label, sources, extra)
    truth = truth_of(asked, question, label, sources)
    each = sources.stands_for(asked)
    known = ~np.isnan(truth) & (each > 0)
    asked = asked.filter(pa.array(known))
    return LabelledQuestions(asked, truth[known] == 1.0, integers(asked.column(ASKED_AT), ASKED_AT), each[known])


def matured_questions(question: Table, label: Label, sources: Sources, extra: Sequence[str] = ()) -> pa.Table:
    """Questions whose label had its time to mature, whether it came or not, in the order asked.

    They carry ``_sequence``, and ``_time``: when each was asked.
    """
    asked = _of_key(sources.facts(question.name, [*question.contract, *extra]), question.keys, keep="first")
    asked = asked.filter(pa.array(_matured(asked, label, sources.as_of)))
    times = integers(asked.column(question.event_time), question.event_time)
    order = np.lexsort((integers(asked.column(SEQUENCE), SEQUENCE), times))
    return asked.take(pa.array(order)).append_column(ASKED_AT, pa.array(times[order]))


def joined_features(asked: pa.Table, features: FeatureSet, sources: Sources) -> dict[str, NDArray[Any]]:
    """The features of questions that carry ``_time`` and ``_sequence``, joined by the engine of the pin."""
    tables = {view.table.name: view.table for view in features.views}
    given = {name: sources.joined(name, columns_read(features, table)) for name, table in tables.items()}
    return dict(sources.engine.answer(features, asked, given).columns)


def feature_facts(features: FeatureSet, sources: Sources, extra: Sequence[str] = ()) -> dict[str, pa.Table]:
    """The facts that the views read, in memory, as known at the pin; ``extra`` stored columns come with them."""
    tables = {view.table.name: view.table for view in features.views}
    return {name: sources.facts(name, [*columns_read(features, table), *extra]) for name, table in tables.items()}


def local_days(instants: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Number the local day of each instant: days since 1970-01-01 as the clock on the wall says.

    >>> local_days(np.array([0, 3 * 3_600_000_000]), "Etc/GMT+2").tolist()
    [-1, 0]
    """
    moments = pd.DatetimeIndex(pd.to_datetime(instants, unit="us", utc=True))
    on_the_wall = moments.tz_convert(timezone).tz_localize(None).to_numpy()
    return on_the_wall.astype("datetime64[D]").astype(np.int64)


def _matured(asked: pa.Table, label: Label, as_of: Instant) -> NDArray[np.bool_]:
    since = integers(asked.column(label.maturity_column), label.maturity_column)
    return since + label.maturity_delay <= as_of


def truth_of(asked: pa.Table, question: Table, label: Label, sources: Sources) -> NDArray[np.float64]:
    """Per question 1.0, 0.0, or NaN without a label, as known at the pin."""
    table = label.table
    facts = sources.facts(table.name, [*table.keys, *question.keys, *label.columns])
    facts = latest_facts(latest_facts(facts, table.keys), question.keys)
    columns = {name: label_values(facts.column(name), table, name) for name in label.columns}
    labels = pd.Series(label.truth(columns), index=key_index(facts, question.keys))
    found: NDArray[np.float64] = labels.reindex(key_index(asked, question.keys)).to_numpy(dtype=np.float64)
    return found


def latest_facts(facts: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Of the facts of one key the one accepted last."""
    return _of_key(facts, keys, keep="last")


def _of_key(facts: pa.Table, keys: Sequence[str], *, keep: Literal["first", "last"]) -> pa.Table:
    """Of the facts of one key the one accepted first or last."""
    order = np.argsort(integers(facts.column(SEQUENCE), SEQUENCE), kind="stable")
    facts = facts.take(pa.array(order))
    others = facts.select(list(keys)).to_pandas().duplicated(keep=keep).to_numpy(dtype=bool)
    return facts.filter(pa.array(~others))


def key_index(facts: pa.Table, keys: Sequence[str]) -> pd.Index[Any]:
    frame = facts.select(list(keys)).to_pandas()
    return pd.Index(frame[keys[0]]) if len(keys) == 1 else pd.MultiIndex.from_frame(frame)


def label_values(values: pa.ChunkedArray, table: Table, name: str) -> NDArray[Any]:
    return numbers(values) if feature_kind(table.contract[name]) == "number" else plain(values, "text")
