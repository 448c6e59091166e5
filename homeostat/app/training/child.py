"""The training child: one job in, one staged version or one clear error out.

Run as ``python -m homeostat.app.training.child JOB_FILE PARENT_PID MEMORY_BYTES JOIN_BYTES STEPS STEPS_BYTES``; talks
on stderr. Outcomes of steps are kept in the folder STEPS, at most STEPS_BYTES of them.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.app.home import replace_whole, write_whole
from homeostat.app.processes.garbage import collect_seldom
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import HomeostatError
from homeostat.training.jobs import JobFolder, TrainingJob, cannot_write, fell_over, running_step, too_large

if TYPE_CHECKING:
    import pyarrow as pa

    from homeostat.adapters.delta.tables import DeltaTables
    from homeostat.app.pipeline.outside import Outside
    from homeostat.app.provenance.variables import VariableReads
    from homeostat.control.loop import Loop
    from homeostat.features.offline import OfflineEngine
    from homeostat.training.shaped import ShapedQuestions
    from homeostat.training.steps import StepRecord

_PR_SET_PDEATHSIG = 1
_NICE = 5


def main(arguments: list[str]) -> int:
    """Do the job in ``arguments[0]``; the exit status is 0 with a result, 1 with an error written down."""
    job_file, parent, memory = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    die_with(parent)
    stay_small(memory)
    collect_seldom()
    place = JobFolder(job_file.parent)
    job = TrainingJob.from_json(json.loads(job_file.read_bytes()))
    with place.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.finished(job) is not None:
            return 0
        try:
            store = Path(arguments[4]), int(arguments[5])
            told = {"job": job.hash, "result": _make(job, place, int(arguments[3]), *store)}
        except HomeostatError as error:
            traceback.print_exc()
            said = json.dumps(error.to_dict(), default=str, ensure_ascii=False).encode(errors="replace")
            told = {"job": job.hash, "error": json.loads(said)}
        except MemoryError:
            told = {"job": job.hash, "error": too_large(job, memory, running_step(place)).to_dict()}
        except OSError as error:
            traceback.print_exc()
            told = {"job": job.hash, "error": cannot_write(job, place.root, error).to_dict()}
        except Exception as error:  # of a library, at what train() returned, or changed in this process
            traceback.print_exc()
            told = {"job": job.hash, "error": fell_over(job, error, place).to_dict()}
        write_whole(place.result, canonical_json(told))
        return 1 if "error" in told else 0


def _make(job: TrainingJob, place: JobFolder, join_bytes: int, kept: Path, kept_bytes: int) -> dict[str, object]:
    """Imports what training needs only now: the limits hold for it too, and a bad loop file is told at once."""
    from homeostat.app.loops.loader import load_loop
    from homeostat.app.pipeline.folder_watch import FolderWatch
    from homeostat.app.pipeline.outside import Outside
    from homeostat.app.pipeline.seeding import seed_everything
    from homeostat.app.provenance.gathering import project_of, watch_code
    from homeostat.app.provenance.variables import VariableReads

    watch_code()
    file = Path(job.loop_file)
    project = project_of(file) if job.project is None else Path(job.project)
    reads, outside = VariableReads(), Outside(FolderWatch(project, but=[Path(job.tables).parent]))
    seed_everything(0)  # for what is drawn when the loop file is loaded
    with reads.noted():
        loop = outside.during(lambda: load_loop(file, job.loop))
        return _candidate(job, loop, place, join_bytes, (kept, kept_bytes), (reads, outside))


def _candidate(
    job: TrainingJob,
    loop: Loop,
    place: JobFolder,
    join_bytes: int,
    kept: tuple[Path, int],
    noted: tuple[VariableReads, Outside],
) -> dict[str, object]:
    from homeostat.adapters.files.steps import StepFolder
    from homeostat.app.pipeline.gauge import ProcessGauge
    from homeostat.app.pipeline.release import release
    from homeostat.app.training.candidate import make_candidate

    result = make_candidate(
        job,
        loop,
        place,
        read=lambda table, version, columns: _tables(job).read(table, version=version, columns=columns),
        served=lambda: _served(job),
        shaped=lambda: _shaped(job, loop),
        say=_said_since(time.monotonic()),
        engine=lambda: _engine(place, join_bytes),
        scan=lambda table, version: _tables(job).scan(table, version),
        store=StepFolder(*kept, release()),
        gauge=ProcessGauge(),
        watch=lambda records: _show(place, records),
        threads=int(os.environ.get("OMP_NUM_THREADS", "1")),
        reads=noted[0],
        outside=noted[1],
    )
    return result.to_json()


def _show(place: JobFolder, records: Sequence[StepRecord]) -> None:
    """How far the steps are, for those who watch; no reason to fail."""
    with suppress(OSError):
        replace_whole(place.steps, canonical_json(records))


def _tables(job: TrainingJob) -> DeltaTables:
    from homeostat.adapters.delta.tables import DeltaTables

    return DeltaTables(Path(job.tables))


def _shaped(job: TrainingJob, loop: Loop) -> ShapedQuestions | None:
    from homeostat.adapters.delta.tables import DeltaTables
    from homeostat.app.prediction_log.reported import Reported
    from homeostat.app.prediction_log.shaped import shaped_questions

    reported = Reported(_tables(job), job.sequence, job.table_versions)
    return shaped_questions(DeltaTables(Path(job.log)), loop, reported, job.log_version, job.as_of)


def _engine(place: JobFolder, join_bytes: int) -> OfflineEngine:
    from homeostat.adapters.duckdb.offline import DuckDbEngine
    from homeostat.features.offline import BySize, InMemoryEngine

    return BySize(InMemoryEngine(), DuckDbEngine(place.root / "join", memory=join_bytes), budget=join_bytes)


def _served(job: TrainingJob) -> pa.Table | None:
    """What was served lately; None when nothing ever was."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from homeostat.adapters.delta.tables import DeltaTables
    from homeostat.app.prediction_log.answered import ANSWERED
    from homeostat.data.weights import evened

    if job.log_version < 0:
        return None
    since = pc.field("asked_at") >= pa.scalar(job.served_since, pa.timestamp("us", tz="UTC"))
    since &= ANSWERED
    return evened(DeltaTables(Path(job.log)).read(job.loop, version=job.log_version, where=since))[0]


def _said_since(began: float) -> Callable[[str], None]:
    """Progress lines on stderr, each with the seconds since ``began``."""

    def say(text: str) -> None:
        with suppress(OSError, ValueError):  # a user's function may have closed it
            print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    return say


def die_with(parent: int) -> None:
    """Ask the kernel to end this process with its parent; end at once when that is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("The process that asked for this work is gone.")


def stay_small(memory: int) -> None:
    """Serving comes first: less processor time, and no more memory than allowed."""
    os.nice(_NICE)
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


if __name__ == "__main__":
    given, sys.argv[1:] = sys.argv[1:], []  # they are others each time: a user's function shall not see them
    raise SystemExit(main(given))
