"""The account of a loop's money, from what its home holds; whether or not an instance runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from homeostat.app.by_hand.operations import Operations
from homeostat.app.settings import Settings
from homeostat.control.days import Day
from homeostat.control.economics.account import account_of
from homeostat.control.economics.inputs import Economics
from homeostat.control.economics.observed import Observed
from homeostat.control.loop import Loop
from homeostat.stats.tasks import BINARY
from homeostat.training.jobs import JobFolder

Json = dict[str, Any]
_STOPWATCH = re.compile(r"^ *(\d+\.\d) s  ", re.MULTILINE)


def economics(operations: Operations, loop: Loop, prices: Economics | None = None) -> Json:
    """Everything that can be said of the loop's money; ``prices`` stand in for those that its file declares."""
    seen = observed(operations, loop, operations.days(loop.name))
    return {"loop": loop.name, **account_of(seen, prices or loop.economics, loop.feature_set.names)}


def training_seconds(log: Path) -> float | None:
    """How long the training that wrote this log worked, one that was taken up again included; None where unknown.

    Its stopwatch begins at 0 with every process that took the training up.
    """
    try:
        times = [float(one) for one in _STOPWATCH.findall(log.read_text(errors="replace"))]
    except OSError:
        return None
    ends = [now for now, after in zip(times, [*times[1:], -1.0], strict=False) if after < now]
    return sum(ends) if times else None


def observed(operations: Operations, loop: Loop, days: Sequence[Day]) -> Observed:
    """What the loop's history says of its money; ``days`` oldest first."""
    state, home = operations.state(loop.name), operations.home
    drafts = [entry.draft for entry in operations.store.entries(loop.name)]
    released = {draft.version for draft in drafts if draft.kind == "canary"}
    back = {draft.version for draft in drafts if draft.kind == "rollback"} & released
    logs = {name: JobFolder(home.jobs / loop.name / name).log for name in state.versions}
    took = {name: seconds for name, log in logs.items() if (seconds := training_seconds(log)) is not None}
    return Observed(
        days=days,
        versions=operations.manifests.all(loop.name),
        champion=state.serving,
        trainings=took,
        released=len(released),
        taken_back=len(back),
        retrained_at=[draft.at for draft in drafts if draft.kind in ("bootstrap", "retrain")],
        replicas=Settings.load(home.root).replicas,
        threshold=loop.threshold,
        retrain=loop.retrain,
        gate=loop.gate,
        yes_or_no=loop.task == BINARY,
    )
