"""Figures of a candidate on its held-out rows as a file keeps them, whole and by slice; their unit is the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.profiles import Profile
from homeostat.kernel.canonical import plain
from homeostat.monitoring.kept_slices import Slice
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.slice_figures import Cells, Day, cells_of, figure, figures_in, named
from homeostat.monitoring.slices import Judged, sliced
from homeostat.registry.models import Form
from homeostat.stats.tasks import BINARY, Task
from homeostat.training.evaluation import Evaluation, HeldOut

Json = dict[str, Any]
_WHOLE: tuple[Slice, ...] = (("",),)
"""A slice by a column that nothing has: only that of all rows is then kept."""


def measured_on(
    rows: HeldOut,
    columns: Mapping[str, NDArray[Any]],
    scores: NDArray[np.float64],
    *,
    slices: Sequence[Slice],
    profiles: Mapping[str, Profile],
    threshold: float,
    task: Task = BINARY,
) -> Json:
    """Every figure of all rows, and of every value of ``slices``: value and bounds, or why it is unknown."""
    days: list[Day] = []
    for day in np.unique(rows.days):
        here = rows.days == day
        judged = Judged.of(rows.labels[here], scores[here], threshold, 1, task)
        days.append(sliced(slices or _WHOLE, {name: one[here] for name, one in columns.items()}, profiles, judged))
    (whole,) = cells_of(days, ())
    found = [cells for of in slices for cells in cells_of(days, of)]
    return {"figures": _figures(whole), "slices": [_told(cells) for cells in sorted(found, key=lambda one: -one.rows)]}


def metrics_file(evaluation: Evaluation, form: Form, measured: Json) -> Json:
    """What ``metrics.json`` holds: figures and slices, the comparison with the champion, and the conversion's proof."""
    return {**measured, "evaluation": plain(evaluation), "proof": plain(form.proof), "served_by": form.runtime}


def _told(cells: Cells) -> Json:
    return {
        "of": list(cells.of),
        "value": cells.value,
        "name": named(cells.of, cells.value),
        "rows": cells.rows,
        "days": cells.days,
        "figures": _figures(cells),
    }


def _figures(cells: Cells) -> Json:
    return {name: _figure(figure(cells, name)) for name in figures_in(cells)}


def _figure(found: Any) -> Json:
    return {"unknown": found.reason} if isinstance(found, Unknown) else plain(found)
