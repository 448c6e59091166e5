"""Training in a real child process: one result, however often it is asked for, killed or run out of time."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.training.runner import TrainingRunner
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import InvalidInput, NotFound
from homeostat.training.jobs import JobFolder, TrainingFailed, TrainingJob
from tests.unit.training import toy
from tests.unit.training.toy import DAY

pytestmark = pytest.mark.service
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    """A job on tables of real Delta versions."""
    folder = tmp_path_factory.mktemp("tables")
    store = DeltaTables(folder)
    stored = toy.history(days=14, per_day=80)
    versions = {name: store.append(name, rows, writer="test", upto=1) for name, rows in stored.items()}
    sequence = max(pa.compute.max(rows["_sequence"]).as_py() for rows in stored.values())
    return TrainingJob(
        loop_file=toy.__file__,
        loop="toy",
        version="v1",
        tables=str(folder),
        table_versions=versions,
        sequence=sequence,
        since=None,
        cutoff=9 * DAY,
        as_of=20 * DAY,
        champion=None,
        min_rows=100,
    )


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child finds the packages where this process does."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def run(job: TrainingJob, folder: Path, **limits: float) -> str:
    told = {"timeout_seconds": 100.0, **limits}
    return TrainingRunner(**told).run(job, folder).version.files["model.onnx"]  # type: ignore[arg-type]


def loop_file(folder: Path, text: str) -> str:
    file = folder / "loop.py"
    file.write_text(f"from tests.unit.training.toy import make_loop\n{text}\n")
    return str(file)


def test_a_job_is_trained_once_and_gives_the_same_bytes_elsewhere(job: TrainingJob, tmp_path: Path) -> None:
    model = run(job, tmp_path / "one")
    made = JobFolder(tmp_path / "one").result.stat().st_mtime_ns
    assert run(job, tmp_path / "one") == model
    assert JobFolder(tmp_path / "one").result.stat().st_mtime_ns == made
    assert run(job, tmp_path / "two") == model


def test_what_train_raises_comes_back_clearly(job: TrainingJob, tmp_path: Path) -> None:
    broken = replace(job, loop_file=loop_file(tmp_path, "loop = make_loop(raises='broken')"))
    with pytest.raises(TrainingFailed, match=r"train\(\) of loop 'toy' raised KeyError: 'broken'"):
        run(broken, tmp_path / "job")
    assert "KeyError" in JobFolder(tmp_path / "job").log.read_text()


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"table_versions": {"asked": 99, "done": 0}}, NotFound, "no version 99"),
        ({"loop": "other"}, NotFound, "'other'"),
    ],
)
def test_errors_come_back_as_they_were_raised(
    job: TrainingJob, tmp_path: Path, change: dict[str, object], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        run(replace(job, **change), tmp_path)  # type: ignore[arg-type]


def test_a_loop_file_that_does_not_import_is_told(job: TrainingJob, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not import"):
        run(replace(job, loop_file=loop_file(tmp_path, "import no_such_module")), tmp_path / "job")


ENDLESS = """
import os, threading
def train(rows, config):
    with open(config["mark"], "w") as mark:
        print(os.getpid(), file=mark)
    threading.Event().wait()
loop = make_loop(train, mark={mark!r})
"""


def test_a_training_that_takes_too_long_is_ended(job: TrainingJob, tmp_path: Path) -> None:
    text = ENDLESS.format(mark=str(tmp_path / "mark"))
    with pytest.raises(TrainingFailed, match=r"longer than 0\.2 s"):
        run(replace(job, loop_file=loop_file(tmp_path, text)), tmp_path / "job", timeout_seconds=0.2)


def test_a_training_that_needs_too_much_memory_is_ended(job: TrainingJob, tmp_path: Path) -> None:
    text = "def train(rows, config):\n    return bytearray(2 << 30)\nloop = make_loop(train)"
    with pytest.raises(TrainingFailed, match="more than 1024 MiB"):
        run(replace(job, loop_file=loop_file(tmp_path, text)), tmp_path / "job", memory_bytes=1 << 30)


MORTAL = """
import os
from tests.unit.training import toy
def train(rows, config):
    if not os.path.exists(config["mark"]):
        open(config["mark"], "w").close()
        os.kill(os.getpid(), 9)
    return toy.train(rows, config)
loop = make_loop(train, mark={mark!r})
"""


def test_a_child_that_dies_is_told_and_the_next_goes_on_from_its_step(job: TrainingJob, tmp_path: Path) -> None:
    mortal = replace(job, loop_file=loop_file(tmp_path, MORTAL.format(mark=str(tmp_path / "mark"))))
    place = JobFolder(tmp_path / "job")
    with pytest.raises(TrainingFailed, match="was ended by signal 9"):
        run(mortal, place.root)
    told = {one["name"]: one["state"] for one in json.loads(place.steps.read_bytes())}
    assert (told["features"], told["repeat"], told["train"]) == ("done", "running", "waiting")
    steps = {one.name: one for one in TrainingRunner(100.0).run(mortal, place.root).steps}
    assert [steps[name].state for name in ("snapshot", "validate", "features", "train")] == ["kept"] * 3 + ["done"]
    assert steps["train"].seconds > 0 < steps["train"].memory


def test_files_that_cannot_be_written_are_told(job: TrainingJob, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingFailed, match="cannot use its files: Not a directory"):
        run(job, tmp_path / "file" / "job")


def test_a_stopped_runner_ends_its_child(job: TrainingJob, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    os.mkfifo(mark)
    endless = replace(job, loop_file=loop_file(tmp_path, ENDLESS.format(mark=str(mark))))
    runner = TrainingRunner(100.0)

    def stop_once_begun() -> None:
        mark.read_text()
        runner.stop()

    stopper = threading.Thread(target=stop_once_begun)
    stopper.start()
    with pytest.raises(TrainingFailed, match="was ended by signal 9"):
        runner.run(endless, tmp_path / "job")
    stopper.join()


PARENT = """
import json, pathlib, sys
from homeostat.app.training.runner import TrainingRunner
from homeostat.training.jobs import TrainingJob
job = TrainingJob.from_json(json.loads(pathlib.Path(sys.argv[1]).read_bytes()))
TrainingRunner(100.0).run(job, pathlib.Path(sys.argv[2]))
"""


def test_the_child_dies_with_its_parent_and_the_job_can_be_done_again(job: TrainingJob, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    os.mkfifo(mark)  # opening it to read waits until train() has begun
    endless = replace(job, loop_file=loop_file(tmp_path, ENDLESS.format(mark=str(mark))))
    (tmp_path / "job.json").write_bytes(canonical_json(endless))
    command = [sys.executable, "-c", PARENT, str(tmp_path / "job.json"), str(tmp_path / "job")]
    parent = subprocess.Popen(command, cwd=ROOT)
    with mark.open() as pipe:
        child = int(pipe.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert gone(child)
    assert run(job, tmp_path / "job")


def gone(pid: int) -> bool:
    """Wait until the process has ended."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    found = bool(select.select([watched], [], [], 30.0)[0])
    os.close(watched)
    return found


STEP = """
import homeostat as hs, os, time, dataclasses
@hs.step(after="split", {declared})
def odd(rows):
    {body}
    return rows
loop = dataclasses.replace(make_loop(), steps=[odd])
"""
HANGING = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
"""One call into C that no signal handler of Python's could interrupt."""


@pytest.mark.parametrize(
    ("declared", "body", "said"),
    [
        ('timeout="1s"', HANGING, "Step 'odd' of training v1 of toy took longer than it declares"),
        ("memory_mib=600", "bytearray(1 << 30)", "needs more than the 600 MiB of memory that it declares"),
    ],
)
def test_a_step_is_held_to_what_it_declares(
    job: TrainingJob, tmp_path: Path, declared: str, body: str, said: str
) -> None:
    text = STEP.format(declared=declared, body=body)
    with pytest.raises(TrainingFailed, match=said) as caught:
        run(replace(job, loop_file=loop_file(tmp_path, text)), tmp_path / "job")
    assert caught.value.facts["step"] == "odd"


FORKING = """
import os, pathlib, threading
def train(rows, config):
    pids, (begin, begun) = [], os.pipe()
    for number in range(3):
        pids.append(os.fork())
        if not pids[-1]:
            os.read(begin, 1)
            held = bytearray(b"x") * (700 << 20)
            threading.Event().wait()
    pathlib.Path({mark!r}).write_text(" ".join(map(str, pids)))
    os.write(begun, b"all")
    threading.Event().wait()
loop = make_loop(train)
"""


def test_what_a_training_starts_is_held_to_its_memory_and_ends_with_it(job: TrainingJob, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    forking = replace(job, loop_file=loop_file(tmp_path, FORKING.format(mark=str(mark))))
    with pytest.raises(TrainingFailed, match="more than 1500 MiB of memory in step 'repeat'"):
        run(forking, tmp_path / "job", memory_bytes=1500 << 20)
    assert all(gone(int(pid)) for pid in mark.read_text().split())


RUDE = """
import os, shutil, subprocess, sys, tempfile, threading
from tests.unit.training import toy
def train(rows, config):
    one = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with open({mark!r}, "a") as mark:
        print(one.pid, file=mark)
    threading.Thread(target=threading.Event().wait).start()
    print("x" * (40 << 20))
    sys.stdout.close()
    os.closerange(1, 3)
    folder = tempfile.mkdtemp()
    os.chdir(folder), os.rmdir(folder), os.environ.clear()
    return toy.train(rows, config)
loop = make_loop(train)
"""


def test_what_a_training_leaves_running_closes_or_prints_harms_neither_it_nor_us(
    job: TrainingJob, tmp_path: Path
) -> None:
    """A thread and processes of their own session that go on, closed output, many megabytes, a folder that is gone."""
    mark, place = tmp_path / "mark", JobFolder(tmp_path / "job")
    rude = replace(job, loop_file=loop_file(tmp_path, RUDE.format(mark=str(mark))))
    assert TrainingRunner(100.0, linger_seconds=0.0).run(rude, place.root).version.files["model.onnx"]
    assert all(gone(int(pid)) for pid in mark.read_text().split())
    assert place.log.stat().st_size < 64 << 20


def test_a_job_folder_that_train_deletes_is_told(job: TrainingJob, tmp_path: Path) -> None:
    text = f"def train(rows, config):\n    import shutil\n    shutil.rmtree({str(tmp_path / 'job')!r})\n"
    with pytest.raises(TrainingFailed, match=r"was removed meanwhile.*train\(\) itself included"):
        run(replace(job, loop_file=loop_file(tmp_path, text + "loop = make_loop(train)")), tmp_path / "job")


def test_what_a_library_falls_over_after_train_is_told_with_its_step(job: TrainingJob, tmp_path: Path) -> None:
    text = """
def train(rows, config):
    import numpy, homeostat.training.fitted as fitted
    from tests.unit.training import toy
    fitted.named = None
    fitted.positive_class = lambda estimator: [][1]
    return toy.train(rows, config)
loop = make_loop(train)
"""
    with pytest.raises(TrainingFailed, match=r"failed in step 'convert': IndexError: list index out of range\."):
        run(replace(job, loop_file=loop_file(tmp_path, text)), tmp_path / "job")


CORES = """
import os, threading
def train(rows, config):
    found = []
    threads = [threading.Thread(target=lambda: found.append(len(os.sched_getaffinity(0)))) for _ in range(4)]
    [one.start() for one in threads], [one.join() for one in threads]
    told = {{name for name in os.environ if name.startswith(("HOMEOSTAT_ALERTS", "MLFLOW_TRACKING", "SHOP"))}}
    raise RuntimeError(f"{{set(found)}} {{os.environ['OMP_NUM_THREADS']}} {{told}}")
loop = make_loop(train)
"""


def test_a_training_has_no_more_cores_than_it_may_and_none_of_our_secrets(
    job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOMEOSTAT_ALERTS_CHAT", "MLFLOW_TRACKING_PASSWORD", "SHOP_TOKEN"):
        monkeypatch.setenv(name, "slack://a/b/c")
    with pytest.raises(TrainingFailed, match=r"RuntimeError: \{1\} 1 \{'SHOP_TOKEN'\}"):
        run(replace(job, loop_file=loop_file(tmp_path, CORES.format())), tmp_path / "job")


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
loop = make_loop()
"""


def test_a_disk_that_takes_no_more_ends_a_training_clearly_and_the_next_goes_on(
    job: TrainingJob, tmp_path: Path
) -> None:
    """The system refuses what makes a file longer than some bytes, as it refuses all where a disk is full."""
    full, place = replace(job, loop_file=loop_file(tmp_path, FULL)), JobFolder(tmp_path / "job")
    with pytest.raises(TrainingFailed, match="cannot use its files: File too large"):
        run(full, place.root)
    assert not place.staged.exists()
    assert "cannot be kept for later runs" in place.log.read_text()
    assert run(job, place.root)
