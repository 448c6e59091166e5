"""Starts the training child, waits for it within limits, and takes what it left."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from homeostat.app.home import write_whole
from homeostat.app.processes.descendants import end_all, ended, held_by_many, marked
from homeostat.app.processes.user_code import without_secrets
from homeostat.kernel.canonical import canonical_json
from homeostat.training.jobs import (
    JobFolder,
    TrainingFailed,
    TrainingJob,
    TrainingResult,
    cannot_write,
    running_step,
    too_large,
)

CHILD = "homeostat.app.training.child"
_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""One order of sets; and Arrow reserves no gigabyte of what training may use."""
_LOG_TAIL = 5
_LOOK_SECONDS = 1.0
_LOG_BYTES = 32 << 20
_ROOM = 1 << 16
"""With fewer bytes free the disk is full: not even an error fits."""


@dataclass(slots=True)
class TrainingRunner:
    """Runs jobs, one child process each, on ``threads``, within limits on time and memory.

    The child dies with this process, and what it starts ends with it: the limits are theirs together. A job that was
    finished before is not trained again; of others, what steps came to is kept in ``steps``, at most ``steps_bytes`` of
    it, beside the job where no folder is named. ``python`` runs the child, in ``folder`` and with ``variables`` of its
    own where they are given. A child that has left its result, and does not end since a thread of the user's goes on,
    is ended after ``linger_seconds``.
    """

    timeout_seconds: float
    memory_bytes: int = 4 << 30
    threads: int = 1
    join_bytes: int = 2 << 30
    steps: Path | None = None
    steps_bytes: int = 2 << 30
    module: str = CHILD
    python: str = sys.executable
    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    linger_seconds: float = 10.0
    _children: set[subprocess.Popen[bytes]] = field(init=False, default_factory=set)

    def run(self, job: TrainingJob, folder: Path) -> TrainingResult:
        """The job's result, from now or from before.

        Raises: whatever error the child ended in; TrainingFailed when it died or took too long.
        """
        place = JobFolder(folder)
        finished = place.finished(job)
        if finished is not None:
            return finished
        try:
            folder.mkdir(parents=True, exist_ok=True)
            place.result.unlink(missing_ok=True)
            write_whole(place.job, canonical_json(job))
            status = self._child(job, place)
        except OSError as error:
            raise cannot_write(job, folder, error) from error
        finished = place.finished(job)
        if finished is None:
            raise place.error(job) or _died(job, place, status)
        return finished

    def stop(self) -> None:
        """End the children at work, so that this process can end; close the workflow engine first."""
        for child in list(self._children):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

    def _child(self, job: TrainingJob, place: JobFolder) -> int:
        kept = str(self.steps or place.root / "kept"), str(self.steps_bytes)
        arguments = [str(place.job), str(os.getpid()), str(self.memory_bytes), str(self.join_bytes), *kept]
        command = [self.python, "-m", self.module, *arguments]
        pools = dict.fromkeys(_POOLS, str(self.threads))
        environment = marked({**without_secrets(os.environ), **pools, **_ENVIRONMENT, **self.variables})
        with place.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
            self._children.add(child)
            try:
                self._wait(child, job, place, environment)
            finally:
                self._children.discard(child)
                status = end_all(child, environment)
            return status

    def _wait(
        self, child: subprocess.Popen[bytes], job: TrainingJob, place: JobFolder, environment: Mapping[str, str]
    ) -> None:
        """Until it has ended, or left its result and lingers. Raises: TrainingFailed where it, or what it started, does
        not keep a limit."""
        until, told = time.monotonic() + self.timeout_seconds, False
        while not ended(child, min(_LOOK_SECONDS, until - time.monotonic())):
            if time.monotonic() >= until:
                if told:
                    return
                raise _too_long(job, place, self.timeout_seconds)
            if not told and place.told(job) is not None:
                told, until = True, time.monotonic() + self.linger_seconds
            _shorten(place.log)
            if self.memory_bytes and held_by_many(child.pid, environment) > self.memory_bytes:
                raise too_large(job, self.memory_bytes, running_step(place))


def _shorten(log: Path) -> None:
    """What a training prints without end shall not fill the disk: it appends, so it goes on at the new end."""
    with suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            os.truncate(log, 0)
            with log.open("ab") as file:
                file.write(f"(what stood here before, {_LOG_BYTES >> 20} MiB of it, was removed)\n".encode())


def _too_long(job: TrainingJob, place: JobFolder, seconds: float) -> TrainingFailed:
    return TrainingFailed(
        f"Training {job.version} of {job.loop} took longer than {seconds:g} s and was ended{_in(running_step(place))}.",
        mend="Train on less (fewer rows, fewer trees), or allow more: 'homeostat up --train-seconds'.",
        version=job.version,
        step=running_step(place),
        log=str(place.log),
    )


def _died(job: TrainingJob, place: JobFolder, status: int) -> TrainingFailed:
    step = running_step(place)
    if status == -signal.SIGALRM and step is not None:
        return TrainingFailed(
            f"Step {step!r} of training {job.version} of {job.loop} took longer than it declares, and was ended.",
            mend="Mend what it waits for, or declare more: @hs.step(timeout=...).",
            version=job.version,
            step=step,
            log=str(place.log),
        )
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    if not place.log.exists():
        return TrainingFailed(
            f"The folder {place.root}, in which {job.version} of {job.loop} was trained, was removed meanwhile.",
            mend="See that nothing deletes files there, train() itself included; then ask for the training again.",
            version=job.version,
            folder=str(place.root),
        )
    if shutil.disk_usage(place.root).free < _ROOM:
        return cannot_write(job, place.root, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    tail = place.log.read_text(errors="replace").splitlines()[-_LOG_TAIL:]
    return TrainingFailed(
        f"The process that trained {job.version} of {job.loop} {how}{_in(step)} and left no result.",
        mend=f"Read {place.log}; if memory ran out, train on less or allow it more.",
        version=job.version,
        step=step,
        log=str(place.log),
        tail=tail,
    )


def _in(step: str | None) -> str:
    return "" if step is None else f" in step {step!r}"
