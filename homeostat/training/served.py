"""The check before a rollout: what serving produces lately, beside what training computes for the very same rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.data.tables import Table
from homeostat.features.columns import integers, plain
from homeostat.features.definitions import FeatureSet
from homeostat.features.distances import distances
from homeostat.features.offline import ASKED_AT
from homeostat.training.comparison import ServedComparison
from homeostat.training.training_set import Sources, joined_features, latest_facts

MOST_ROWS = 20_000
"""The newest served rows that are compared: enough to see a distance of a hundredth."""


def compare_served(question: Table, features: FeatureSet, log: pa.Table, sources: Sources) -> ServedComparison | None:
    """Compare served features with what this training path computes for the questions that were served.

    Both sides are the same questions, each at its own time, and only the way they were computed differs. So a
    season, a holiday or a changing world cannot tell them apart, as it would a training set of last spring from
    what is served now: a distance means skew and nothing else. Training reads the question's own fact and what
    had been accepted by then; serving read its store when it was asked. Rows served under other definitions
    than these say nothing about them and are left out, as are those whose question was never recorded.
    Returns None where no row can be compared: nothing was served yet.
    """
    served = _first_answers(_ours(log, features), question)
    asked = latest_facts(sources.facts(question.name, list(question.contract)), question.keys)
    mine, theirs = _same_rows(asked, served, question)
    if not mine.num_rows:
        return None
    times = integers(mine[question.event_time], question.event_time)
    columns = joined_features(mine.append_column(ASKED_AT, pa.array(times)), features, sources)
    logged = {name: kind for name, kind in features.kinds.items() if f"x_{name}" in log.column_names}
    given = {name: plain(theirs[f"x_{name}"], kind) for name, kind in logged.items()}
    unseen = tuple(name for name in features.names if name not in logged)
    return ServedComparison(mine.num_rows, int(times.min()), distances(logged, given, columns), unseen)


def _ours(log: pa.Table, features: FeatureSet) -> pa.Table:
    """Rows served under these definitions; rows older than the keeping of definitions are taken at their names."""
    if "definitions" not in log.column_names:
        return log
    named = log["definitions"]
    return log.filter(pc.or_(pc.is_null(named), pc.is_in(named, pa.array(["", features.hash]))))


def _first_answers(log: pa.Table, question: Table) -> pa.Table:
    """Of several answers to one question the first; of all these the newest."""
    log = log.sort_by([("served_at", "ascending"), ("prediction_id", "ascending")])
    keys = log.select([f"q_{key}" for key in question.keys]).to_pandas()
    first = log.filter(pa.array(~keys.duplicated(keep="first").to_numpy(dtype=bool)))
    return first.slice(max(0, first.num_rows - MOST_ROWS))


def _same_rows(asked: pa.Table, served: pa.Table, question: Table) -> tuple[pa.Table, pa.Table]:
    """The questions that both sides have, aligned."""
    keys = list(question.keys)
    recorded = asked.select(keys).to_pandas().assign(_mine=np.arange(asked.num_rows))
    answered = served.select([f"q_{key}" for key in keys]).to_pandas().set_axis(keys, axis="columns")
    both = pd.merge(answered.assign(_theirs=np.arange(served.num_rows)), recorded, on=keys)
    return asked.take(pa.array(both["_mine"].to_numpy())), served.take(pa.array(both["_theirs"].to_numpy()))
