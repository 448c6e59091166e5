"""Runs the retrainings of a review in a child process, within its time."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from homeostat.app.processes.supervisor import module_command
from homeostat.app.processes.user_code import environment_of_user_code
from homeostat.app.settings import Settings
from homeostat.kernel.errors import Unavailable
from homeostat.stats.intervals import Interval

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
MEMORY_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the retrainings told: ``rise`` of log-loss by the name of what was left out, as far as they came.

    ``error`` is why there was none, as any error is shown. ``whole`` describes the training with everything.
    """

    whole: Json | None
    rise: Mapping[str, Interval]
    error: Json | None


def leave_out(
    settings: Settings,
    loop: str,
    groups: Mapping[str, Sequence[str]],
    *,
    days: int,
    rows: int,
    seconds: float,
    confidence: float,
    progress: Progress,
) -> LeftOut:
    """Train once with everything and once without each group, in their order, until ``seconds`` are over.

    Raises: Unavailable when the child dies of anything but the time.
    """
    bounds = {"days": days, "rows": rows, "seconds": seconds, "confidence": confidence, "memory": MEMORY_BYTES}
    command = module_command("homeostat.app.features.review_child", str(settings.home), loop, str(os.getpid()))
    log = settings.paths.process_logs / "review.log"
    with log.open("ab") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment_of_user_code(),
        )
    late = threading.Timer(seconds * 1.5, child.kill)
    late.start()
    try:
        _tell(child, {"groups": {name: list(group) for name, group in groups.items()}, **bounds})
        found = _collect(child, len(groups), progress)
        status = child.wait()
    finally:
        ran_out = late.finished.is_set()
        late.cancel()
        child.kill()
        child.wait()
    if status and not ran_out:
        raise Unavailable(
            "The retrainings of the review ended in the middle.",
            mend=f"Read {log}, or review with --fast.",
            status=status,
        )
    return found


def _tell(child: subprocess.Popen[str], ask: Json) -> None:
    if child.stdin is not None:
        with suppress(BrokenPipeError), child.stdin as asking:
            asking.write(json.dumps(ask))


def _collect(child: subprocess.Popen[str], groups: int, progress: Progress) -> LeftOut:
    whole: Json | None = None
    error: Json | None = None
    rise: dict[str, Interval] = {}
    progress("retraining without a feature", 0, groups)
    for line in child.stdout or ():
        told = json.loads(line)
        if "error" in told:
            error = told["error"]
        elif "without" in told:
            rise[told["without"]] = Interval(**told["rise"])
        else:
            whole = told
        progress("retraining without a feature", len(rise), groups)
    return LeftOut(whole, rise, error)
