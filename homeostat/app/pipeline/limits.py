"""What a user's function is held to while it runs: cores, and, for a step that declares them, time and memory.

Time and memory of all of training are held from outside, by `homeostat.app.training.runner`.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from homeostat.training.jobs import TrainingFailed
from homeostat.training.own_steps import OwnStep

_DATA = resource.RLIMIT_DATA


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Threads that begin within share so many cores, whatever number of them is asked for; 0: all there are."""
    if not count or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    cores = sorted(before)
    os.sched_setaffinity(0, {cores[(os.getpid() + place) % len(cores)] for place in range(count)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def surroundings_kept() -> Iterator[None]:
    """The working folder, the environment and the output are afterwards what they were, whatever a user's function did
    to them: what it starts later bears the environment by which it is found."""
    variables = dict(os.environ)
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(variables)
        with suppress(OSError):  # closed by the function, as all the others
            os.fchdir(folder)
            os.close(folder)
        for stream, copy in kept.items():
            with suppress(OSError):
                os.dup2(copy, stream)
                os.close(copy)
        if sys.stdout.closed:
            sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
        if sys.stderr.closed:
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)


@contextmanager
def within(one: OwnStep) -> Iterator[None]:
    """Hold a step to the time and memory that it declares.

    The system ends this process when its time is over, which no function can outwait: the process that waits for it
    tells why. Raises: TrainingFailed where memory ran out.
    """
    with _seconds(one.seconds):
        soft, hard = resource.getrlimit(_DATA)
        if one.memory_mib:
            wanted = one.memory_mib << 20
            resource.setrlimit(_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
        try:
            yield
        except MemoryError as error:
            if not one.memory_mib:
                raise
            raise TrainingFailed(
                f"The {one.described} needs more than the {one.memory_mib} MiB of memory that it declares.",
                mend="Let it hold less at a time, or declare more: what training holds before it counts too.",
                step=one.name,
            ) from error
        finally:
            resource.setrlimit(_DATA, (soft, hard))


@contextmanager
def _seconds(seconds: float) -> Iterator[None]:
    if not seconds:
        yield
        return
    handler = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, again)
        signal.signal(signal.SIGALRM, handler)
