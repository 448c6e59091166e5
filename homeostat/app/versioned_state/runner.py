"""Runs a loop's own functions on its state, each in a child process within a limit on time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from homeostat.app.home import write_whole
from homeostat.app.processes.user_code import without_secrets
from homeostat.control.versioned_state import StateFailed
from homeostat.kernel.canonical import canonical_json

CHILD = "homeostat.app.versioned_state.child"
_LOG_TAIL = 5
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateJob:
    """One call of one function. ``log_version``: of the prediction log, for a replay."""

    loop_file: str
    loop: str
    action: Literal["checkpoint", "restore", "replay"]
    version: str
    folder: str
    home: str
    since: int = 0
    generation: int = 0
    log_version: int = -1


@dataclass(frozen=True, slots=True)
class StateRunner:
    """Works in ``folder``, where what the functions print is kept.

    The child dies with this process; what it started is ended when the call ends or takes too long. A job that ended
    in an error is not tried again by itself.
    """

    folder: Path
    timeout_seconds: float

    def run(self, job: StateJob) -> Json:
        """What the child tells of it. Raises: StateFailed when the function raised, died or took too long."""
        place = self.folder / job.action
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        write_whole(place / "job.json", canonical_json(asdict(job)))
        status = self._child(job, place)
        try:
            told: Json = json.loads((place / "result.json").read_bytes())
        except (OSError, ValueError):
            raise self._died(job, status) from None
        if "error" in told:
            error = told["error"]
            raise StateFailed(error["problem"], mend=error["mend"], **error["facts"])
        result: Json = told["result"]
        return result

    @property
    def log(self) -> Path:
        """What the functions printed, with the tracebacks of those that failed."""
        return self.folder / "state.log"

    def _child(self, job: StateJob, place: Path) -> int:
        command = [sys.executable, "-m", CHILD, str(place / "job.json"), str(os.getpid())]
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=without_secrets(os.environ),
                start_new_session=True,
            )
            try:
                return child.wait(self.timeout_seconds)
            except subprocess.TimeoutExpired:
                raise StateFailed(
                    f"{job.action}() of the state of {job.loop} took longer than {self.timeout_seconds:g} s"
                    " and was ended.",
                    mend="Raise timeout= of the loop's state, or give it less to do.",
                    log=str(self.log),
                ) from None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def _died(self, job: StateJob, status: int) -> StateFailed:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return StateFailed(
            f"The process of {job.action}() of the state of {job.loop} {how} and left no result.",
            mend=f"Read {self.log}.",
            log=str(self.log),
            tail=self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL:],
        )
