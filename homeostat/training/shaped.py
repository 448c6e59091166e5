"""Questions whose label a prediction has shaped: left out of training, and stood for by those left alone by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from homeostat.data.shaped import Shaped
from homeostat.data.tables import Table
from homeostat.stats.arrays import Booleans, Integers

FROM_LOG = ("prediction_id", "acts", "explored", "propensity")
"""Columns of the log that are needed beside the question's key."""


@dataclass(frozen=True, slots=True, eq=False)
class ShapedQuestions:
    """By key of the question, of how many rows it is one: 0 where any answer to it was acted on, or nobody told whether
    the first one was. A question that nobody was asked about, such as one from before the loop served, stands for
    itself. ``acted`` counts answers that were acted on, ``spared`` those that were left alone by chance, and ``untold``
    those of ``due`` ones of which callers should have reported what they did, and have not."""

    keys: tuple[str, ...]
    times: pd.Series[int]
    acted: int = 0
    spared: int = 0
    untold: int = 0
    due: int = 0

    @classmethod
    def of(cls, log: pa.Table, question: Table, due: Booleans | None = None) -> ShapedQuestions:
        """From the answers of a log that may be acted on, in the order in which they were given; where callers report
        what they did, ``due`` are those whose reports should be in."""
        keys = question.keys
        frame = log.select([f"q_{key}" for key in keys]).to_pandas().set_axis(list(keys), axis="columns")
        shaped = Shaped.of(log)
        frame["_times"], frame["_acted"] = shaped.stands_for, shaped.acted
        answers = frame.groupby(list(keys), sort=False)
        times = answers["_times"].first().where(~answers["_acted"].any(), 0)
        due = np.ones(log.num_rows, dtype=np.bool_) if due is None else due
        counts = (shaped.acted, shaped.explored, shaped.untold & due, due)
        return cls(keys, times, *(int(one.sum()) for one in counts))

    @property
    def unseen(self) -> bool:
        """Whether questions were acted on, and none left alone stands for them."""
        return bool(self.acted and not self.spared)

    def stands_for(self, asked: pa.Table) -> Integers:
        """Of how many rows each question is one whose label is not shaped."""
        frame = asked.select(list(self.keys)).to_pandas()
        index = pd.Index(frame[self.keys[0]]) if len(self.keys) == 1 else pd.MultiIndex.from_frame(frame)
        return np.asarray(self.times.reindex(index, fill_value=1).to_numpy(), dtype=np.int64)
