"""Opens MLflow quietly: no telemetry, no log lines, no warnings of its own libraries."""

from __future__ import annotations

import logging
import os
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""Of a server, unless the user says otherwise. It repeats nothing by itself, for it cannot know what was done: who asks
again looks first."""


def be_quiet() -> None:
    """Before MLflow is imported for the first time: it sends and says nothing of its own."""
    os.environ.update(_SETTINGS)  # noqa: TID251 (written, not read: MLflow can be told in no other way)
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)  # noqa: TID251 (the same)
    for library in ("mlflow", "alembic", "botocore"):
        logging.getLogger(library).setLevel(logging.WARNING)


def client_of(uri: str) -> MlflowClient:
    """A client of the MLflow at ``uri``: a SQLite file, which is made when it is not there, or a server."""
    be_quiet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between MLflow and SQLAlchemy, none of a user's business
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=uri, registry_uri=uri)
