"""What a retrain every month on everything earlier would have scored: the yardstick of the report."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from typing import IO, Any

from homeostat.app.home import write_whole
from homeostat.app.prediction_log.served_log import Served
from homeostat.app.processes.supervisor import module_command
from homeostat.app.processes.user_code import environment_of_user_code
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import Unavailable

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _of: int) -> None:
    """Progress for nobody."""


def monthly_figures(settings: Settings, loop: Loop, served: Served, progress: Progress) -> dict[str, Json]:
    """The figures of each served month under a model trained on what was known when the month began.

    Trained in at most two child processes; kept under the home's reports until the month's rows or labels,
    the features or the configuration change. Raises: Unavailable when a child dies.
    """
    folder = settings.paths.reports / loop.name
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: _key(loop, served, name) for name in served.months}
    kept = _kept(folder / "monthly.json")
    wanted = [name for name, key in keys.items() if kept.get(name, {}).get("key") != key]
    for name, found in _train(settings, loop, wanted, progress).items():
        kept[name] = {"key": keys[name], "figures": found}
    write_whole(folder / "monthly.json", json.dumps(kept).encode())
    return {name: kept[name]["figures"] for name in keys}


def _key(loop: Loop, served: Served, month: str) -> str:
    rows = served.rows(month)
    return digest([loop.feature_set.hash, dict(loop.config), int(rows.sum()), int(served.truth[rows].sum())])


def _kept(path: Any) -> dict[str, Json]:
    try:
        found: dict[str, Json] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found


def _train(settings: Settings, loop: Loop, months: list[str], progress: Progress) -> dict[str, Json]:
    """Share the months between two children and collect what they say."""
    found: dict[str, Json] = {}
    shares = _halves(months)
    children = [_child(settings, loop, share) for share in shares if share]
    progress("training monthly yardsticks", 0, len(months))
    lock = threading.Lock()

    def collect(lines: IO[str]) -> None:
        for line in lines:
            with lock:
                found.update(json.loads(line))
                progress("training monthly yardsticks", len(found), len(months))

    readers = [threading.Thread(target=collect, args=(child.stdout,)) for child in children]
    for reader in readers:
        reader.start()
    for reader, child in zip(readers, children, strict=True):
        reader.join()
        if child.wait() != 0:
            raise Unavailable(
                "A monthly yardstick could not be trained.",
                mend=f"Read {settings.paths.process_logs / 'report.log'}, then run 'homeostat report' again.",
            )
    return found


def _halves(months: list[str]) -> tuple[list[str], list[str]]:
    """Early months for one child, late ones, latest first, for the other: about equal work (a month trains on all
    before it), and the two never need much memory at once.

    >>> _halves(["2013-02", "2013-03", "2013-04", "2013-05"])
    (['2013-02', '2013-03', '2013-04'], ['2013-05'])
    """
    cut = round(len(months) / 2**0.5)
    return months[:cut], months[cut:][::-1]


def _child(settings: Settings, loop: Loop, months: list[str]) -> subprocess.Popen[str]:
    command = module_command(
        "homeostat.app.reports.monthly_child", str(settings.home), loop.name, str(os.getpid()), *months
    )
    with open(settings.paths.process_logs / "report.log", "ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment_of_user_code(),
        )
