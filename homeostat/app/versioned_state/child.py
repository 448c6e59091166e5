"""The child that calls one function of a loop on its state. ``python -m ... JOB_FILE PARENT_PID``; talks on stderr."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from homeostat.app.home import Home, write_whole
from homeostat.app.training.child import die_with
from homeostat.app.versioned_state.progress import Progress
from homeostat.app.versioned_state.runner import StateJob
from homeostat.control.versioned_state import State, StateFailed
from homeostat.kernel.errors import HomeostatError

Json = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Do the job; the exit status is 0 with a result, 1 with an error written down."""
    job_file = Path(arguments[0])
    die_with(int(arguments[1]))
    job = StateJob(**json.loads(job_file.read_bytes()))
    try:
        told: Json = {"result": _do(job)}
    except HomeostatError as error:
        traceback.print_exc()
        told = {"error": error.to_dict()}
    except Exception as error:  # a user's function may fail in any way
        traceback.print_exc()
        told = {"error": _raised(job, error).to_dict()}
    write_whole(job_file.with_name("result.json"), json.dumps(told, default=str).encode())
    return 1 if "error" in told else 0


def _do(job: StateJob) -> Json:
    from homeostat.app.loops.loader import load_loop

    loop = load_loop(Path(job.loop_file), job.loop)
    declared, folder = loop.state, Path(job.folder)
    if declared is None:
        raise StateFailed(f"Loop {job.loop!r} declares no state any more.", mend="Give its file the state= it had.")
    if job.action == "replay":
        from homeostat.app.versioned_state.replayed import Replayed

        return Replayed.of(job, loop, Progress(Home(Path(job.home)).checkpoints / job.loop)).run()
    if not isinstance(declared, State):
        raise StateFailed(f"The state of {job.loop!r} is a folder now.", mend="Give its file the state= it had.")
    (declared.checkpoint if job.action == "checkpoint" else declared.restore)(folder, job.version)
    return {}


def _raised(job: StateJob, error: Exception) -> StateFailed:
    return StateFailed(
        f"{job.action}() of the state of {job.loop} raised {type(error).__name__}: {error}.",
        mend="Mend the function in the loop's file; its traceback is in state.log of the loop's checkpoints.",
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
