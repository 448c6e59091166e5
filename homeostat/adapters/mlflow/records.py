"""What MLflow is told of a version, and how it is found again under Homeostat's own id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import format_instant
from homeostat.registry.manifest import CONFIG
from homeostat.registry.models import Version

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

ID = "homeostat.id"
"""The tag under which a run and a model version carry ``<loop>/<version>``."""
_LONGEST_PARAM = 6000


def find_runs(client: MlflowClient, experiment: str, name: str) -> list[Run]:
    """Runs with this id, whatever became of them, oldest first.

    There may be several where an answer was lost on its way and the question was put again; the oldest counts.
    """
    return list(
        client.search_runs(
            [experiment], f"tags.`{ID}` = '{name}'", order_by=["attributes.start_time ASC", "attributes.run_id ASC"]
        )
    )


def find_versions(client: MlflowClient, loop: str, name: str) -> list[ModelVersion]:
    """Model versions with this id, oldest first; of several, the oldest counts."""
    found = client.search_model_versions(f"name = '{loop}' and tags.`{ID}` = '{name}'")
    return sorted(found, key=lambda entry: int(entry.version))


def source_of(client: MlflowClient, run: str, artifacts: str) -> str:
    """Where the run keeps the version's files."""
    return f"{client.get_run(run).info.artifact_uri}/{artifacts}"


def config_params(folder: Path) -> dict[str, str]:
    """The config in a version's folder as MLflow's parameters: texts as they are, anything else as JSON."""
    file = folder / CONFIG
    config = json.loads(file.read_bytes()) if file.exists() else {}
    return {
        name: (value if isinstance(value, str) else json.dumps(value))[:_LONGEST_PARAM]
        for name, value in config.items()
    }


def record(client: MlflowClient, run: str, version: Version, params: Mapping[str, str]) -> None:
    """Write params, metrics and tags; writing the same again changes nothing."""
    from mlflow.entities import Metric, Param, RunTag

    client.log_batch(
        run,
        metrics=[Metric(name, value, version.created_at // 1000, 0) for name, value in version.metrics.items()],
        params=[Param(name, value) for name, value in params.items()],
        tags=[RunTag(name, value) for name, value in _tags(version).items()],
    )


def _tags(version: Version) -> dict[str, str]:
    legs = plain(version.fingerprint)
    promise = {f"homeostat.promise.{name}": str(value) for name, value in version.promise.items()}
    return {
        **{f"homeostat.fingerprint.{leg}": str(value) for leg, value in legs.items()},
        **promise,
        "homeostat.pin": json.dumps(plain(version.pin), sort_keys=True),
        "homeostat.created_at": format_instant(version.created_at),
    }
