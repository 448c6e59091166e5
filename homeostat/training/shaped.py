"""Questions whose label a prediction has shaped: left out of training, and stood for by those left alone by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from homeostat.data.shaped import Shaped
from homeostat.data.tables import Table
from homeostat.stats.arrays import Integers

FROM_LOG = ("prediction_id", "acts", "explored", "propensity")
"""Columns of the log that are needed beside the question's key."""


@dataclass(frozen=True, slots=True, eq=False)
class ShapedQuestions:
    """By key of the question, of how many rows it is one: 0 where any answer to it was acted on. A question that nobody
    was asked about, such as one from before the loop served, stands for itself. ``spared`` counts answers that were
    left alone by chance."""

    keys: tuple[str, ...]
    times: pd.Series[int]
    spared: int = 0

    @classmethod
    def of(cls, log: pa.Table, question: Table) -> ShapedQuestions:
        """From the answers of a log that would be acted on, in the order in which they were given."""
        keys = question.keys
        frame = log.select([f"q_{key}" for key in keys]).to_pandas().set_axis(list(keys), axis="columns")
        shaped = Shaped.of(log)
        frame["_times"] = shaped.stands_for
        answers = frame.groupby(list(keys), sort=False)["_times"]
        return cls(keys, answers.first().where(answers.min() > 0, 0), int(shaped.explored.sum()))

    @property
    def unseen(self) -> bool:
        """Whether questions were acted on, and none left alone stands for them."""
        return bool((self.times == 0).any() and not self.spared)

    def stands_for(self, asked: pa.Table) -> Integers:
        """Of how many rows each question is one whose label is not shaped."""
        frame = asked.select(list(self.keys)).to_pandas()
        index = pd.Index(frame[self.keys[0]]) if len(self.keys) == 1 else pd.MultiIndex.from_frame(frame)
        return np.asarray(self.times.reindex(index, fill_value=1).to_numpy(), dtype=np.int64)
