"""The labelled rows of a day by declared slice, from the prediction log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.app.control.scoring import answers_of
from homeostat.control.loop import Loop
from homeostat.data.profiles import Profile
from homeostat.features.views import FeatureKind
from homeostat.monitoring.kept_slices import KeptSlice
from homeostat.monitoring.served import served_columns
from homeostat.monitoring.slices import Judged, sliced


def slices_of_rows(
    loop: Loop, log: pa.Table, labels: Any, profiles: Mapping[str, Profile], one_in: int
) -> tuple[KeptSlice, ...]:
    """The sums of labelled rows by slice; without those of which the log lacks a column."""
    if not loop.sliced_by or not log.num_rows:
        return ()
    names = list(dict.fromkeys(name for of in loop.sliced_by for name in of))
    judged = Judged.of(labels, answers_of(log, loop.task), loop.threshold, one_in, loop.task, loop.own_metrics)
    return sliced(loop.sliced_by, _columns(loop, log, names), profiles, judged)


def _columns(loop: Loop, log: pa.Table, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    kinds = loop.feature_set.kinds
    features = {name: kinds[name] for name in names if name in kinds and _is(kinds[name], f"x_{name}", log)}
    found = served_columns(log, features)
    for name in names:
        if name not in kinds and f"q_{name}" in log.column_names:
            found[name] = np.array(log[f"q_{name}"].to_pylist(), dtype=object)
    return found


def _is(kind: FeatureKind, column: str, log: pa.Table) -> bool:
    """Whether a log has a feature's column, and in it what the loop now takes the feature to be."""
    if column not in log.column_names:
        return False
    of = log.schema.field(column).type
    texts = pa.types.is_string(of) or pa.types.is_large_string(of)
    return bool(pa.types.is_null(of) or texts == (kind == "text"))
