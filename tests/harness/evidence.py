"""What an installation leaves behind, read from its stores: decisions, registrations, served rows."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.kernel.clock import format_instant
from tests.harness.running import Running
from tests.harness.twins import PROMOTED
from tests.harness.world import LOOP, day

Json = dict[str, Any]
_TIMED = ("manifest", "diagnosis", "steps", "code")


def decided(running: Running) -> list[Json]:
    """The decisions up to the promotion of the second version, without what follows from table versions.

    How often the recorder stores depends on the machine's speed; so do table versions, a manifest that names
    them, and the hashes over it. A diagnosis tells of rows that were recomputed, which are chosen by their ids. What
    steps cost, and whether one was kept, hangs on when a training was killed. Each twin is watched by code of its own,
    which lies beside its loop file.
    """
    last = format_instant(day(PROMOTED))
    return [_untimed(one) for one in running.decisions() if one["at"] <= last]


def _untimed(decision: Json) -> Json:
    evidence = {name: value for name, value in decision["evidence"].items() if name not in _TIMED}
    return {**{name: value for name, value in decision.items() if name != "hash"}, "evidence": evidence}


def registered(running: Running) -> dict[str, Counter[str]]:
    """How often each of Homeostat's ids is in MLflow, as a run and as a model version; "None" is no id at all."""
    queries = {
        "runs": "SELECT value FROM runs r LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'homeostat.id'",
        "versions": "SELECT value FROM model_versions m LEFT JOIN model_version_tags t"
        " ON t.name = m.name AND t.version = m.version AND t.key = 'homeostat.id'",
    }
    with closing(sqlite3.connect(running.home / "mlflow.sqlite")) as store:
        return {name: Counter(str(row[0]) for row in store.execute(query)) for name, query in queries.items()}


def served(running: Running) -> list[tuple[Any, ...]]:
    """Every row of the prediction log up to the promotion, but for what is unique to a request."""
    columns = ["key", "asked_at", "version", "arm", "generation", "probability", "fell_back"]
    log = DeltaTables(running.home / "log").read(LOOP, columns=columns).to_pylist()
    return sorted(tuple(row.values()) for row in log if row["asked_at"].timestamp() * 1e6 < day(PROMOTED))
