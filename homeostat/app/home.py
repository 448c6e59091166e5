"""The home folder: where everything of one installation lies, locked by the one instance that runs it."""

from __future__ import annotations

import fcntl
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from homeostat.kernel.errors import Conflict, IntegrityError, InvalidInput, NotFound, Unavailable, refused_by_system

_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Running:
    """What a running instance tells others: its addresses and what it runs; ``grpc`` where it listens for that."""

    pid: int
    doors: str
    control: str
    recorder_socket: str
    loop_file: str
    clock: str
    grpc: str | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below one folder; makes folders on demand and reads nothing by itself."""

    root: Path

    @property
    def control_db(self) -> Path:
        """Relational store: loop states, days, ledger."""
        return self.root / "control.sqlite"

    @property
    def workflows_db(self) -> Path:
        """Durable workflows."""
        return self.root / "workflows.sqlite"

    @property
    def tables(self) -> Path:
        """Delta tables of events."""
        return self.root / "tables"

    @property
    def log(self) -> Path:
        """Delta prediction logs, one per loop."""
        return self.root / "log"

    @property
    def versions(self) -> Path:
        """Folders of versions: ``<loop>/<version>``."""
        return self.root / "versions"

    @property
    def routes(self) -> Path:
        """Copies of the routes for serving."""
        return self.root / "routes"

    @property
    def replicas(self) -> Path:
        """What each replica says that it serves: ``<replica>.json``."""
        return self.root / "replicas"

    @property
    def spool(self) -> Path:
        """Predictions on their way to the logs: ``predictions/<process>`` for each process that makes some."""
        return self.root / "spool"

    @property
    def definitions(self) -> Path:
        """Every feature set a loop was served with, by its hash: ``<loop>/<hash>.json``."""
        return self.root / "definitions"

    @property
    def environments(self) -> Path:
        """Library versions that features were computed with, by their hash."""
        return self.root / "environments"

    @property
    def ledger(self) -> Path:
        """Signed heads of the ledger and their key."""
        return self.root / "ledger"

    @property
    def jobs(self) -> Path:
        """Working folders of training jobs."""
        return self.root / "jobs"

    @property
    def steps(self) -> Path:
        """Outcomes of training's steps, kept for later runs; may be removed at any time."""
        return self.root / "steps"

    @property
    def checkpoints(self) -> Path:
        """State that depends on the version, as it was at release boundaries: ``<loop>/<checkpoint>``."""
        return self.root / "checkpoints"

    @property
    def replays(self) -> Path:
        """Working folders of replays of versions."""
        return self.root / "replays"

    @property
    def environments_built(self) -> Path:
        """Recorded environments that were installed again, by their hash."""
        return self.root / "environments-built"

    @property
    def reports(self) -> Path:
        """Finished parts of reports, kept by what they were computed from."""
        return self.root / "reports"

    @property
    def consumers(self) -> Path:
        """Names of registered consumers, for serving."""
        return self.root / "consumers.json"

    @property
    def answers(self) -> Path:
        """Answers to requests that may be retried."""
        return self.root / "answers.sqlite"

    @property
    def log_key(self) -> Path:
        """The key under which columns are hashed before they are logged."""
        return self.root / "log.key"

    @property
    def addresses(self) -> Path:
        """Where alerts are sent, if no other file and no variable says so."""
        return self.root / "addresses"

    @property
    def beat(self) -> Path:
        """When control last looked at its loops."""
        return self.root / "control-beat.json"

    @property
    def openlineage(self) -> Path:
        """How far lineage was sent."""
        return self.root / "openlineage.json"

    @property
    def contracts(self) -> Path:
        """What each table has promised: ``<table>.json``."""
        return self.root / "contracts"

    @property
    def process_logs(self) -> Path:
        """What each process wrote to its stderr."""
        return self.root / "process-logs"

    @property
    def driver_cursor(self) -> Path:
        """How far a replay has got."""
        return self.root / "replay.json"

    @property
    def settings_file(self) -> Path:
        """What `up` was told."""
        return self.root / "settings.json"

    def prepare(self) -> None:
        """Make the folder, open to its owner only. Raises: InvalidInput."""
        if escape := _ESCAPE.search(str(self.root)):
            raise InvalidInput(
                f"The state folder {self.root} cannot be used: Delta Lake reads {escape[0]!r} as another sign.",
                mend="Name a folder without percent signs, with --home.",
                home=str(self.root),
            )
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.routes, self.process_logs, self.jobs):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InvalidInput(
                f"The state folder {self.root} cannot be made: {error.strerror}.",
                mend="Name another one with --home.",
                home=str(self.root),
            ) from error

    def refuse_lost_decisions(self) -> None:
        """Raises: IntegrityError where decisions were signed, and the store that holds them is gone or empty."""
        if _size(self.control_db) == 0 and _size(self.ledger / "heads.jsonl") > 0:
            raise IntegrityError(
                f"{self.control_db} is {'empty' if self.control_db.exists() else 'gone'}, which held where loops stand"
                " and every decision.",
                mend="Nothing was changed. Stop Homeostat, and put back a copy of the whole folder; to start afresh,"
                " name another one with --home.",
                path=str(self.control_db),
            )

    def running(self) -> Running:
        """The instance that runs now. Raises: NotFound when none does."""
        try:
            values = json.loads((self.root / "run.json").read_text())
            found = Running(**values)
            os.kill(found.pid, 0)
        except (OSError, ValueError, TypeError) as error:
            raise NotFound(
                f"No Homeostat is running in {self.root}.",
                mend="Start it with 'homeostat up', or name its folder with --home.",
                home=str(self.root),
            ) from error
        return found

    def told(self) -> dict[str, Any]:
        """What `up` was told, as it lies here: Settings read it whole.

        Raises: NotFound where it never ran; IntegrityError for what is damaged; Unavailable for what cannot be read.
        """
        try:
            return {**json.loads(self.told_text())}
        except (ValueError, TypeError) as error:
            raise self.untold(str(error)) from error

    def loop_file(self) -> Path:
        """The loop file that `up` was told. Raises: as `told` does."""
        return Path(self._told_of("loop_file"))

    def replayed(self) -> bool:
        """Whether time is what requests say, not the machine's. Raises: as `told` does."""
        return self._told_of("clock") == "replay"

    def _told_of(self, name: str) -> str:
        try:
            return str(self.told()[name])
        except KeyError as error:
            raise self.untold(f"it lacks {name}") from error

    def told_text(self) -> bytes:
        """The file that holds it. Raises: NotFound, Unavailable."""
        try:
            return self.settings_file.read_bytes()
        except FileNotFoundError as error:
            problem = f"Nothing was ever run in {self.root}: there is no settings.json."
            raise NotFound(problem, mend="Run 'homeostat up' first, or name its folder with --home.") from error
        except OSError as error:
            mend = "Mend its rights, or start Homeostat: 'homeostat up' writes it anew."
            raise Unavailable(f"{self.settings_file} cannot be read: {error.strerror}.", mend=mend) from error

    def untold(self, why: str) -> IntegrityError:
        """The error for a file that says something else than what `up` was told."""
        return IntegrityError(
            f"{self.settings_file} is damaged, or of a newer release: {why}.",
            mend="Nothing is lost with it: 'homeostat up' with the loop file writes it anew.",
            path=str(self.settings_file),
        )

    def announce(self, running: Running) -> None:
        """Write ``run.json`` as a whole."""
        write_whole(self.root / "run.json", json.dumps(asdict(running)).encode())

    def existing(self) -> Home:
        """This home, if something was ever run in it. Raises: NotFound; IntegrityError where its decisions are gone."""
        self.refuse_lost_decisions()
        if not self.control_db.exists():
            raise NotFound(
                f"There is no Homeostat state in {self.root}.",
                mend="Run 'homeostat up' or 'homeostat demo' first, or name the folder with --home.",
                home=str(self.root),
            )
        return self


class HomeLock:
    """Holds a home for one instance; the operating system lets go of it when the process dies."""

    def __init__(self, home: Home) -> None:
        try:
            self._file = open(home.root / "lock", "a+")  # noqa: SIM115 - held for the life of the process
        except OSError as error:
            raise refused_by_system(error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._file.name)
            self._file.close()
            raise Conflict(
                f"The state folder {home.root} is in use by a running Homeostat{holder}.",
                mend="Stop that one first, or name another folder with --home.",
                home=str(home.root),
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let another instance have the home."""
        self._file.close()


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that a reader sees the old or the new content, also after a power loss."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def replace_whole(path: Path, data: bytes) -> None:
    """Replace a file so that a reader sees the old or the new content; after a power loss it may be gone."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    os.replace(part, path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _holder(path: str) -> str:
    text = Path(path).read_text().strip()
    return f" (process {text})" if text else ""
