"""Makes the versions that a back-test lacks, in two child processes, and reads the evaluation matrix."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from homeostat.app.backtest.cells import Cells, asks_to_json, keys_of
from homeostat.app.backtest.grid import Grid
from homeostat.app.backtest.sampled import KeptRows
from homeostat.app.processes.supervisor import module_command
from homeostat.app.processes.user_code import environment_of_user_code
from homeostat.app.provenance.variables import told_apart_by
from homeostat.app.settings import Settings
from homeostat.control.backtest.matrix import Matrix
from homeostat.control.loop import Loop
from homeostat.kernel.errors import NotEnoughData, Unavailable

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
CHILDREN = 2
_TRAINING = "training versions"


@dataclass(frozen=True, slots=True)
class Filled:
    """The matrix, how many of its versions were trained for it now, and of numbers the rows to learn errors from."""

    matrix: Matrix
    trained: int
    rows: KeptRows | None = None


def filled(settings: Settings, loop: Loop, grid: Grid, progress: Progress) -> Filled:
    """The matrix of a grid; versions that were made before are read, whichever policies they were made for.

    Interrupted, it goes on where it stopped. Raises: Unavailable when a child dies; NotEnoughData where the first
    version of the loop cannot be made.
    """
    cells = Cells(settings.paths.reports / loop.name / "backtest" / "versions")
    cells.folder.mkdir(parents=True, exist_ok=True)
    variables = told_apart_by(settings.paths.versions / loop.name, environment_of_user_code())
    keys = keys_of(loop, settings.loop_file, grid, variables)
    lacking = [number for number, key in keys.items() if not cells.has(key)]
    if lacking:
        _make(settings, loop, cells, grid, keys, lacking, progress)
    found = [cells.read(key) for key in keys.values()]
    lost = [number for number, cell in zip(keys, found, strict=True) if cell is None]
    if lost:
        for number in lost:
            cells.path(keys[number]).unlink(missing_ok=True)
        raise _ended(settings, "left versions that cannot be read")
    known = [cell for cell in found if cell is not None]
    if known[0].trial.problem is not None:
        raise NotEnoughData(
            f"The loop's first version cannot be trained again: {known[0].trial.problem}",
            mend="Every policy begins with it: mend the loop file, or put the one back that it was trained with.",
        )
    cells.keep_only(keys)
    answers = {cell.trial.version: cell.answers for cell in known if cell.answers is not None}
    rows = KeptRows.of(cells.rows(keys), loop.task, answers) if answers else None
    return Filled(Matrix(known[0].days(grid), [cell.trial for cell in known], grid.lead), len(lacking), rows)


def _make(
    settings: Settings,
    loop: Loop,
    cells: Cells,
    grid: Grid,
    keys: Mapping[int, str],
    lacking: Sequence[int],
    progress: Progress,
) -> None:
    """Neighbouring weeks go to different children, so that both have about equal work."""
    progress(_TRAINING, 0, len(lacking))
    made, lock = list[str](), threading.Lock()

    def collect(lines: IO[str]) -> None:
        for line in lines:
            with lock:
                made.append(json.loads(line)["made"])
                progress(_TRAINING, len(made), len(lacking))

    shares = [share for at in range(CHILDREN) if (share := list(lacking[at::CHILDREN]))]
    children = [_child(settings, loop, asks_to_json(grid, keys, share, cells)) for share in shares]
    readers = [threading.Thread(target=collect, args=(child.stdout,)) for child in children]
    try:
        for reader in readers:
            reader.start()
        for child in children:
            if child.wait() != 0:
                raise _ended(settings, f"ended with status {child.returncode}")
    finally:
        for reader, child in zip(readers, children, strict=True):
            child.kill()
            reader.join()
            with child:
                pass


def _child(settings: Settings, loop: Loop, ask: Json) -> subprocess.Popen[str]:
    command = module_command("homeostat.app.backtest.child", str(settings.home), loop.name)
    with open(settings.paths.process_logs / "backtest.log", "ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment_of_user_code(),
        )
    if child.stdin is not None:
        with suppress(BrokenPipeError), child.stdin as asking:
            asking.write(json.dumps(ask))
    return child


def _ended(settings: Settings, how: str) -> Unavailable:
    return Unavailable(
        f"A process that trains versions for the back-test {how}.",
        mend=f"Read {settings.paths.process_logs / 'backtest.log'}, then run it again: finished versions are kept.",
    )
