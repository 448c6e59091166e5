"""The port ``WorkflowEngine`` on DBOS."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from homeostat.adapters.dbos.serialization import JsonSerializer, refuse_pickles
from homeostat.kernel.errors import Conflict, HomeostatError, IntegrityError, NotFound, Unavailable
from homeostat.training.pipeline import Body, Json, WorkflowState

EXECUTOR = "homeostat"
_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.02, 0.25
"""A pause between looks at a workflow is a tenth of the wait so far, within these."""
_PENDING = ["PENDING", "ENQUEUED", "DELAYED"]
_log = logging.getLogger(__name__)


class DbosEngine:
    """Runs workflows in threads of this process and keeps every finished step in a SQLite file.

    One engine per process at a time. ``release`` names the workflows' code: a workflow that an engine of
    another release left unfinished is not taken up but ends FAILED, since its steps may no longer be the same.
    """

    def __init__(self, database: Path, *, release: str) -> None:
        self._database, self._release = database, release
        self._bodies: dict[str, Callable[[Json], Json]] = {}
        self._registered: dict[str, Body] = {}
        self._launched = False
        self._closing = threading.Event()
        self._starting = threading.Lock()

    def register(self, name: str, body: Body) -> None:
        """Name a body; only before ``launch``. Raises: Conflict when the name is taken or it is too late."""
        if self._launched:
            raise Conflict(f"Workflow {name!r} comes too late.", mend="Register it before launch.", name=name)
        if name in self._registered:
            raise Conflict(f"There is a workflow {name!r} already.", mend="Choose another name.", name=name)
        self._registered[name] = body

    def launch(self) -> None:
        """Begin, and take up what was pending when the last process ended.

        Raises: IntegrityError for a file that is damaged; Unavailable for one that cannot be opened or written.
        """
        refuse_pickles()
        self._prepare()
        DBOS(config=self._config())
        for name, body in self._registered.items():
            self._bodies[name] = DBOS.workflow(name=name)(self._guarded(body))
        DBOS.launch()
        self._launched = True
        self._end_what_other_releases_left()

    def start(self, name: str, workflow_id: str, arguments: Json) -> None:
        """Start once: a workflow id that is already known is left as it is. Raises: NotFound, Unavailable."""
        self._check_running()
        if name not in self._bodies:
            mend = f"Workflows here: {', '.join(sorted(self._bodies))}."
            raise NotFound(f"There is no workflow {name!r}.", mend=mend, name=name)
        with self._starting:
            if self.state(workflow_id).status == "UNKNOWN":
                with SetWorkflowID(workflow_id):
                    DBOS.start_workflow(self._bodies[name], arguments)

    def state(self, workflow_id: str) -> WorkflowState:
        """Where it stands now. Raises: Unavailable when the engine is not running."""
        self._check_running()
        found = DBOS.get_workflow_status(workflow_id)
        if found is None:
            return WorkflowState("UNKNOWN")
        if found.status in _PENDING:
            return WorkflowState("PENDING")
        outcome: Any = found.output
        if found.status == "SUCCESS" and isinstance(outcome, dict):
            if "error" in outcome:
                return WorkflowState("FAILED", error=outcome["error"])
            return WorkflowState("DONE", result=outcome["result"])
        return WorkflowState("FAILED", error=_ended(found.status, found.error).to_dict())

    def wait(self, workflow_id: str, timeout: float) -> WorkflowState:
        """Its state when finished, or after ``timeout`` seconds, whichever is first."""
        began = time.monotonic()
        state = self.state(workflow_id)
        while not state.finished and (waited := time.monotonic() - began) < timeout:
            if self._closing.wait(min(max(waited / 10, _LOOK_SECONDS), _LONGEST_LOOK_SECONDS)):
                break
            state = self.state(workflow_id)
        return state

    def close(self) -> None:
        """Stop; what is pending is taken up by the next ``launch``.

        A step under way is not waited for, and its result, if one comes, is not kept.
        """
        self._closing.set()
        if self._launched:
            self._launched = False
            DBOS.destroy(destroy_registry=True)

    def run(self, name: str, effect: Callable[[], Json]) -> Json:
        """Run ``effect`` as a step of the workflow whose body calls this; the engine is its own ``Steps``."""

        def step() -> dict[str, Json]:
            self._stop_if_closing()
            told = _told(effect, f"step {name!r}")
            self._stop_if_closing()
            return told

        self._stop_if_closing()
        told: dict[str, Json] = DBOS.run_step({"name": name}, step)
        if "error" in told:
            raise _StepFailed(told["error"])
        return told["result"]

    def _guarded(self, body: Body) -> Callable[[Json], Json]:
        def workflow(arguments: Json) -> Json:
            told = _told(lambda: body(self, arguments), "the workflow")
            self._stop_if_closing()
            return told

        return workflow

    def _prepare(self) -> None:
        try:
            self._database.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                found = connection.execute("PRAGMA quick_check (1)").fetchone()
                if found != ("ok",):
                    raise sqlite3.DatabaseError(found[0])
        except (OSError, sqlite3.OperationalError) as error:
            mend = "See that the disk has room, and who may read and write in that folder."
            problem = f"{self._database} cannot be opened: {error}."
            raise Unavailable(problem, mend=mend, path=str(self._database)) from error
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"{self._database} is damaged: {error}.",
                mend="Nothing was changed. Stop Homeostat, move the file away (with those that begin with its name) and"
                " start again: a training that was under way begins anew, and nothing else is lost.",
                path=str(self._database),
            ) from error

    def _config(self) -> DBOSConfig:
        return {
            "name": "homeostat",
            "system_database_url": f"sqlite:///{self._database.resolve()}",
            "executor_id": EXECUTOR,
            "application_version": self._release,
            "serializer": JsonSerializer(),
            "log_level": "ERROR",
            "enable_otlp": False,
        }

    def _end_what_other_releases_left(self) -> None:
        for found in DBOS.list_workflows(status=_PENDING, load_input=False, load_output=False):
            if found.app_version != self._release:
                DBOS.cancel_workflow(found.workflow_id)

    def _check_running(self) -> None:
        if not self._launched:
            raise Unavailable("The workflow engine is not running.", mend="Launch it, or wait for a restart.")

    def _stop_if_closing(self) -> None:
        if self._closing.is_set():
            raise _Closing


class _Closing(BaseException):
    """Unwinds a workflow without a record of it, as a kill would: the next launch takes it up."""


class _StepFailed(Exception):
    """Carries a step's error through the body, as recorded; the same the first time and after a crash."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["problem"])
        self.error = error


def _told(effect: Callable[[], Json], what: str) -> dict[str, Json]:
    """The effect's result as it will be read back, or its error."""
    try:
        result: Json = json.loads(json.dumps(effect(), allow_nan=False))
    except _StepFailed as failed:
        return {"error": failed.error}
    except HomeostatError as error:
        return {"error": json.loads(json.dumps(error.to_dict(), default=str))}
    except Exception as error:
        _log.exception("%s failed", what)
        problem = f"Within {what}, {type(error).__name__}: {error}."
        return {"error": HomeostatError(problem, mend="Read the control process's log; then retry.").to_dict()}
    return {"result": result}


def _ended(status: str, error: object) -> HomeostatError:
    if status == "CANCELLED":
        problem = "It was begun by another release of the workflows and cannot be taken up."
        return Conflict(problem, mend="Ask for it again.", status=status)
    said = f": {error}" if error else ""
    return HomeostatError(f"It ended with {status}{said}.", mend="Ask for it again.", status=status)
