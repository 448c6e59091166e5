"""What feature definitions cost: time at the online store, and room for the facts that they read."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.data.contracts import Value
from homeostat.features.definitions import feature_set
from homeostat.features.online import lookup
from homeostat.features.views import View
from homeostat.kernel.errors import HomeostatError

Json = dict[str, Any]
ASKED = 300
"""Newest questions that each view is asked about, one at a time."""


def lookup_times(settings: Settings, loop: Loop, view: View, rows: Sequence[dict[str, Value]]) -> Json:
    """Median and 99th percentile of one row's lookup in the online store, in microseconds; why not, where unknown."""
    if loop.log.hidden & set(view.entity):
        return {"p50": None, "p99": None, "why": "the log does not keep what was looked up"}
    alone = feature_set(loop.question, [view])
    online = SqliteOnlineReader(settings.home / "online.sqlite")
    taken = []
    try:
        for row in rows:
            began = time.perf_counter()
            with online.snapshot() as snapshot:
                lookup(alone, [row], [int(row[loop.question.event_time])], snapshot)  # type: ignore[arg-type]
            taken.append((time.perf_counter() - began) * 1e6)
    except HomeostatError as error:
        return {"p50": None, "p99": None, "why": error.problem}
    finally:
        online.close()
    if not taken:
        return {"p50": None, "p99": None, "why": "nothing was asked lately"}
    p50, p99 = np.percentile(taken, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "why": None}


def bytes_below(folder: Path) -> int:
    """What the files of a table take on disk, older versions of it included."""
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)
