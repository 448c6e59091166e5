"""Facts and questions of any size, as tables hold them: mostly in order, some late, some corrected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import homeostat as hs
from homeostat.data.tables import SEQUENCE
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.offline import ASKED_AT

DAY = 86_400_000_000
COLUMNS = tuple("abcde")
LATE, CORRECTED = 0.01, 0.001
"""Shares of facts that are accepted up to a day late, and that replace an earlier one."""

readings = hs.Table(
    "readings",
    key="id",
    event_time="at",
    contract={"id": hs.text(), "at": hs.instant(), "device": hs.text(), **{name: hs.number() for name in COLUMNS}},
)
asked = hs.Table(
    "asked", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "device": hs.text()}
)
LATEST: FeatureSet = feature_set(asked, [hs.Latest(readings, by="device", columns=COLUMNS, max_age="30d")])
WEEK: FeatureSet = feature_set(
    asked,
    [
        hs.Window(
            readings,
            by="device",
            over=["7d"],
            values={"total": hs.sum_("a"), "n": hs.count(), "average": hs.mean("a")},
        )
    ],
)


@dataclass(frozen=True)
class Made:
    """One size: ``question`` and ``facts`` as an offline engine takes them."""

    question: pa.Table
    facts: pa.Table


def made(questions: int, facts: int, entities: int, seed: int = 7) -> Made:
    """A year of readings of some devices, and questions about them."""
    rng = np.random.default_rng(seed)
    happened = np.sort(rng.integers(0, 365 * DAY, facts))
    accepted = happened + np.where(rng.random(facts) < LATE, rng.integers(0, DAY, facts), 0)
    order = np.argsort(accepted, kind="stable")
    happened, accepted = happened[order], accepted[order]
    number = np.arange(facts)
    again = rng.random(facts) < CORRECTED
    number[again] = rng.integers(0, number[again] + 1)
    stored = {
        "id": _texts("r", number),
        "at": _instants(happened),
        "device": _texts("d", rng.integers(0, entities, facts)),
        **{name: pa.array(rng.normal(size=facts)) for name in COLUMNS},
        SEQUENCE: pa.array(np.arange(facts)),
    }
    asked_at = rng.integers(30 * DAY, 365 * DAY, questions)
    known = np.searchsorted(accepted, asked_at, side="right") - 1
    asking = {
        "device": _texts("d", rng.integers(0, entities, questions)),
        ASKED_AT: pa.array(asked_at),
        SEQUENCE: pa.array(known),
    }
    return Made(pa.table(asking), pa.table(stored))


def _texts(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(prefix), pa.array(numbers).cast(pa.string()), "")


def _instants(micros: np.ndarray) -> pa.Array:
    return pa.array(micros).cast(pa.timestamp("us", tz="UTC"))
