"""A real MLflow server with passwords, on loopback, and what may happen on the way to it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.harness.ports import free_ports
from tests.harness.running import until
from tests.harness.stores import with_mlflow

USER, PASSWORD = "homeostat", "only of these tests"
_INI = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/users.sqlite
admin_username = {user}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
grant_default_workspace_access = false
auth_cache_ttl_seconds = 600
"""
_KEPT = {"mlflow.sqlite": {"workspaces"}, "users.sqlite": {"users", "roles", "user_role_assignments"}}
_NOTHING: Mapping[str, str] = {}
_SECONDS = 120


@dataclass(frozen=True)
class MlflowServer:
    """Where it listens, and the folder with what it stores."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def artifacts(self) -> Path:
        """Where it lays files."""
        return self.folder / "artifacts"

    def empty(self) -> None:
        """Forget everything but users and the experiment that is always there."""
        for file, kept in _KEPT.items():
            with closing(sqlite3.connect(self.folder / file)) as store:
                tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                for table in tables:
                    if not table.startswith(("alembic", "sqlite")) and table not in kept:
                        where = " WHERE experiment_id > 0" if table == "experiments" else ""
                        store.execute(f'DELETE FROM "{table}"{where}')
                store.commit()


@contextmanager
def mlflow_server(folder: Path, files: str = "", environment: Mapping[str, str] = _NOTHING) -> Iterator[MlflowServer]:
    """What `mlflow server --app-name basic-auth` starts, as one process, with artifacts through itself.

    It keeps them at ``files``, the `--artifacts-destination`; below its folder unless told otherwise.
    """
    with_mlflow(folder)
    (folder / "auth.ini").write_text(_INI.format(folder=folder, user=USER, password=PASSWORD))
    port = free_ports()
    told = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "only of these tests",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.sqlite",
        "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{folder}/mlflow.sqlite",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": files or str(folder / "artifacts"),
        "_MLFLOW_SGI_NAME": "uvicorn",
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "mlflow.server.auth:create_app"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"],
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, **told, **environment},
        )
    try:
        _await(port, process, folder / "log")
        yield MlflowServer(port, folder)
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        return process.poll() is not None or httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).is_success

    until(answers, _SECONDS)
    assert process.poll() is None, f"no MLflow server: {log.read_text()[-2_000:]}"
