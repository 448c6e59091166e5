"""Opens MLflow quietly: no telemetry, no log lines, no warnings of its own libraries."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


def be_quiet() -> None:
    """Before MLflow is imported for the first time: it sends and says nothing of its own."""
    os.environ.update(_SETTINGS)  # noqa: TID251 (written, not read: MLflow can be told in no other way)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def open_client(database: Path) -> MlflowClient:
    """A client of the MLflow store in a SQLite file, which is made when it is not there."""
    be_quiet()
    uri = f"sqlite:///{database.resolve()}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between MLflow and SQLAlchemy, none of a user's business
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=uri, registry_uri=uri)
