"""Makes a registered version again from what was recorded of it, and says whether it is the same."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from homeostat.app.home import Home
from homeostat.app.processes.user_code import without_secrets
from homeostat.app.provenance.building import build
from homeostat.app.provenance.environments import this_environment
from homeostat.app.provenance.gathering import project_of
from homeostat.app.provenance.variables import variables_now
from homeostat.app.provenance.versions import Origin, leg_of, origin
from homeostat.app.settings import Settings
from homeostat.app.signing.trust import keyring
from homeostat.app.training.runner import TrainingRunner
from homeostat.app.versions.runtimes import load_made
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import HomeostatError, Refused
from homeostat.kernel.words import plural
from homeostat.registry.archive import PROJECT, check_out
from homeostat.registry.differences import LegDifference, differences
from homeostat.registry.legs import EnvironmentLeg, Legs
from homeostat.registry.manifest import read_manifest
from homeostat.registry.probes import PROBES, TOLERANCE, Probes
from homeostat.registry.recorded import read_contents, read_legs
from homeostat.registry.replays import Answers, judge_replay, model_files, serving_files
from homeostat.registry.sealed import open_sealed
from homeostat.serving.runtimes import answers
from homeostat.training.jobs import JobFolder, TrainingJob

Json = dict[str, Any]
Say = Callable[[str], None]
_NO_LEGS: Legs = Legs(None, None, None, None)


@dataclass(frozen=True, slots=True)
class Original(Origin):
    """A version that was proven, with the contents of its code by hash."""

    contents: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a replay is to be done. ``here``: go on in this environment although it is another. ``build``: install the
    recorded one. ``loop_file``: train with this file instead of the recorded code, to see whether it makes the same.
    ``keep``: leave what was made in this folder."""

    here: bool = False
    build: bool = False
    loop_file: Path | None = None
    keep: Path | None = None


class Train(Protocol):
    """Does a training job in a folder."""

    def __call__(self, job: TrainingJob, place: Path, python: str, path: str, folder: Path | None) -> None:
        """Leave the staged version there; modules are imported from ``path``, and relative paths are of ``folder``.

        Raises: what training raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class InAChild:
    """Trains as control does, in a process of its own within limits."""

    timeout_seconds: float
    join_bytes: int
    memory_bytes: int = 4 << 30
    threads: int = 1

    def __call__(self, job: TrainingJob, place: Path, python: str, path: str, folder: Path | None) -> None:
        """One child, from its job to its result."""
        runner = TrainingRunner(
            self.timeout_seconds,
            self.memory_bytes,
            self.threads,
            join_bytes=self.join_bytes,
            python=python,
            folder=folder,
            variables={"PYTHONPATH": path},
        )
        runner.run(job, place)


@dataclass(frozen=True, slots=True)
class Replayer:
    """Replays versions of a home. Writes only to a private folder below ``replays/``, which is removed at the end."""

    home: Home
    train: Train
    say: Say = field(default=lambda text: None)

    def replay(self, loop: str, version: str, asked: Asked) -> Json:
        """Check out the code, compare environments, train again on the pinned data, and compare what came of it.

        Raises: NotFound; IntegrityError for changed files; Untrusted where nobody trusted has signed it; Refused where
        the code is not kept, or a file of it is nowhere; Unavailable for an environment that cannot be installed; and
        whatever training raises.
        """
        began = time.monotonic()
        found = origin(self.home, loop, version)
        # its code is run: it is read of what was proven, so that nobody can put another there meanwhile
        sealed = open_sealed(found.folder, loop, version, keyring())
        found = Original(sealed.version, read_legs(sealed), found.folder, read_contents(sealed))
        python = sys.executable
        if (stop := self._other_environment(found, asked)) is not None:
            return {**self._told(found, None, stop, {}), "seconds": round(time.monotonic() - began, 3)}
        if asked.build:
            python = str(build(self.home, _environment_of(found), self.say))
        with self._folder(found, asked) as folder:
            staged = self._trained(found, asked, folder, python)
            told = self._compared(found, staged)
        return {**told, "seconds": round(time.monotonic() - began, 3)}

    def _other_environment(self, found: Original, asked: Asked) -> dict[str, LegDifference] | None:
        """What is installed or set here otherwise than then, unless that is no reason to stop. What only the child
        process will have, such as its threads, is compared when it has run; what will be installed, too."""
        recorded = found.legs.environment
        if recorded is None or asked.here:
            return None
        here = recorded if asked.build else this_environment()
        kernels = {**here.processor, "kernels": recorded.processor.get("kernels")}
        given = variables_now(recorded, without_secrets(os.environ))
        alike = replace(here, threads=recorded.threads, processor=kernels, variables=given)
        legs = differences(replace(_NO_LEGS, environment=recorded), replace(_NO_LEGS, environment=alike))
        return None if legs["environment"].equal else legs

    def _trained(self, found: Original, asked: Asked, folder: Path, python: str) -> Path:
        job, path, cwd = self._job(found, asked, folder)
        place = JobFolder(folder / "job")
        self.say(f"making {found.version.version} again")
        with _followed(place.log, self.say):
            self.train(job, place.root, python, path, cwd)
        return place.staged

    def _job(self, found: Original, asked: Asked, folder: Path) -> tuple[TrainingJob, str, Path | None]:
        """The very job of then; and from where modules are imported, and where it runs."""
        told, pin, data = found.version, found.version.pin, found.legs.data
        loop_file, project, path, cwd = asked.loop_file, None, os.environ.get("PYTHONPATH", ""), None
        if loop_file is None:
            code = found.legs.code
            if code is None:
                raise Refused(
                    f"The code of {told.version} was not kept by the release that made it.",
                    mend="Check that code out yourself, and name its loop file with --loop-file.",
                    version=told.version,
                )
            out = folder / "code"
            self.say(f"checking out {plural(len(code.files), 'file')}")
            check_out(code, found.contents, out, self._project())
            loop_file, project = out / code.loop_file, str(out / PROJECT)
            path, cwd = os.pathsep.join(str(out / root) for root in code.roots), out / code.folder
        return (
            TrainingJob(
                loop_file=str(loop_file.resolve()),
                loop=told.loop,
                version=told.version,
                tables=str(self.home.tables.resolve()),
                table_versions=pin.table_versions,
                sequence=pin.sequence,
                since=pin.since,
                cutoff=pin.cutoff,
                as_of=pin.as_of,
                champion=None,
                min_rows=0,
                variant=told.variant,
                source=None if told.variant is None else str((found.folder.parent / told.variant.of).resolve()),
                log=str(self.home.log.resolve()),
                log_version=-1 if pin.feedback is None else pin.feedback.log_version,
                served_since=pin.as_of,
                held_out_from=pin.cutoff if data is None else data.held_out_from,
                project=project,
            ),
            path,
            cwd,
        )

    def _project(self) -> Path | None:
        """The user's project, where it still is: files that were too large to keep are taken from there."""
        try:
            return project_of(Settings.load(self.home.root).loop_file)
        except (HomeostatError, OSError, ValueError):  # nothing says where it was
            return None

    def _compared(self, found: Original, staged: Path) -> Json:
        made, again = read_manifest(staged), read_legs(staged)
        if again.code is not None and found.legs.code is not None:  # what is checked out is a tree no more
            again = replace(again, code=replace(again.code, tree=found.legs.code.tree))
        legs = differences(found.legs, again, (found.contents, read_contents(staged)))
        same = {name: made.files.get(name) == one for name, one in found.version.files.items()}
        return self._told(found, _answers(found, staged), legs, same)

    def _told(
        self, found: Original, answers: Answers | None, legs: Mapping[str, LegDifference], same: Mapping[str, bool]
    ) -> Json:
        serving = {name: same[name] for name in serving_files(found.version)} if same else None
        judged = judge_replay(serving, answers, legs)
        return {
            "loop": found.version.loop,
            "version": found.version.version,
            **plain(judged),
            "model": {name: same[name] for name in model_files(found.version)} if same else {},
            "answers": plain(answers),
            "legs": {name: leg_of(leg) for name, leg in legs.items()},
            "files": dict(same),
        }

    @contextmanager
    def _folder(self, found: Original, asked: Asked) -> Iterator[Path]:
        """A folder of our own, readable by its owner only; what killed replays left is removed."""
        root = self.home.replays
        root.mkdir(exist_ok=True, mode=0o700)
        for old in root.glob("*-*-*"):
            if not _alive(old.name.split("-")[1]):
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{found.version.version}-{os.getpid()}-", dir=root)).resolve()
        try:
            yield folder
            if asked.keep is not None:
                shutil.copytree(folder, asked.keep)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _environment_of(found: Original) -> EnvironmentLeg:
    leg = found.legs.environment
    if leg is None or not leg.lock:
        raise Refused(
            f"The environment of {found.version.version} was not kept whole by the release that made it.",
            mend="Replay it in this one, with --here.",
            version=found.version.version,
        )
    return leg


def _answers(found: Original, staged: Path) -> Answers | None:
    """How far what was made again is from the recorded answers to the recorded rows; None without any."""
    if PROBES not in found.version.files:
        return None
    probes = Probes.read((found.folder / PROBES).read_bytes())
    count = len(probes.probabilities)
    try:
        runtime = load_made(staged, found.version.loop, found.version.version)
        given = answers(runtime, runtime.predict(probes.columns), count)
    except (HomeostatError, KeyError, ValueError):
        return Answers(count, None, TOLERANCE)
    return Answers(count, probes.worst(given), TOLERANCE)


@contextmanager
def _followed(log: Path, say: Say) -> Iterator[None]:
    """Pass on what the training says while it runs."""
    done = threading.Event()

    def follow() -> None:
        told = 0
        while not done.wait(0.2):
            told = _passed_on(log, told, say)
        _passed_on(log, told, say)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _passed_on(log: Path, told: int, say: Say) -> int:
    try:
        lines = log.read_text(errors="replace").splitlines(keepends=True)
    except OSError:
        return told
    whole = [line for line in lines if line.endswith("\n")]
    for line in whole[told:]:
        say(line.rstrip())
    return len(whole)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
