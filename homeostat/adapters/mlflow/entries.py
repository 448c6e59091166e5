"""A version's entries in MLflow: its run with its files, its model version, and the aliases of its loop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.adapters.mlflow.records import ID, config_params, find_runs, find_versions, record, source_of
from homeostat.adapters.mlflow.stores import Store
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import Conflict, IntegrityError, NotFound
from homeostat.registry.manifest import MANIFEST, read_manifest
from homeostat.registry.models import Version

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.tracking import MlflowClient

ARTIFACTS = "version"
LEFT_BY_CLIENTS = "registered_model_meta"
"""What MLflow's own client writes into the artifacts that it loads, where these lie on its disk."""
_MANIFEST = "homeostat.manifest"


class Entries:
    """What the MLflow of ``store`` has of versions. Every effect is looked up under ``homeostat.id`` before it is made.

    So a call that was cut off anywhere, also between MLflow and here, is finished by the next one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opened: MlflowClient | None = None

    @property
    def client(self) -> MlflowClient:
        """MLflow's client, opened when it is needed: that takes seconds."""
        if self._opened is None:
            self._opened = self._store.open()
        return self._opened

    def add(self, version: Version, folder: Path) -> None:
        """A run with the version's files, then the model version: before that, nothing is registered.

        Raises: Conflict where another content has the name, or the loop's name is taken by what is not ours.
        """
        run = self._run(version)
        record(self.client, run, version, config_params(folder))
        self.client.log_artifacts(run, str(folder), ARTIFACTS)
        self._model_version(version, run)
        self.client.set_terminated(run, "FINISHED", end_time=version.created_at // 1000)
        self._remove_strays(version, run)

    def names(self, loop: str) -> set[str]:
        """The versions of a loop."""
        found = self.client.search_model_versions(f"name = '{loop}'")
        return {entry.tags[ID].rpartition("/")[2] for entry in found if ID in entry.tags}

    def download(self, loop: str, version: str, place: Path) -> tuple[str, Path]:
        """The run of a version, and its files below ``place``, whose manifest is the one that was registered.

        Raises: NotFound, IntegrityError.
        """
        name = f"{loop}/{version}"
        entries = find_versions(self.client, loop, name)
        if not entries:
            raise not_registered(loop, version)
        run = self.client.get_run(str(entries[0].run_id))
        # MLflow's client has a call for this, which hides why it fails.
        fetched = Path(self._files_of(run).download_artifacts(ARTIFACTS, str(place)))  # type: ignore[no-untyped-call]
        (fetched / LEFT_BY_CLIENTS).unlink(missing_ok=True)
        if digest(read_manifest(fetched).to_json()) != run.data.tags[_MANIFEST]:
            problem = f"The artifacts of {name} in MLflow are not what was registered."
            raise IntegrityError(problem, mend="Restore them from a backup.", version=name, file=MANIFEST)
        return str(run.info.run_id), fetched

    def attach(self, run: str, file: Path) -> None:
        """Lay a file beside the others of a version."""
        self.client.log_artifact(run, str(file), ARTIFACTS)

    def remove(self, loop: str, version: str) -> None:
        """Everything of a version, and what a registration that never ended left: the files first."""
        for entry in find_versions(self.client, loop, f"{loop}/{version}"):
            self._remove_files(self.client.get_run(str(entry.run_id)))
            self.client.delete_model_version(loop, str(entry.version))
        experiment = self.client.get_experiment_by_name(loop)
        if experiment is not None:
            for run in find_runs(self.client, experiment.experiment_id, f"{loop}/{version}"):
                self._remove_files(run)
                self.client.delete_run(run.info.run_id)

    def point(self, loop: str, aliases: Mapping[str, str | None]) -> None:
        """Aliases show these versions; None shows none. Raises: NotFound for a version that is not registered."""
        if not self.client.search_registered_models(f"name = '{loop}'"):
            if any(aliases.values()):
                raise not_registered(loop, str(next(filter(None, aliases.values()))))
            return
        shown = dict(self.client.get_registered_model(loop).aliases)
        for alias, version in aliases.items():
            self._point(loop, alias, version, shown.get(alias))

    def _run(self, version: Version) -> str:
        experiment = self._experiment(version.loop)
        manifest = digest(version.to_json())
        tags = {ID: version.id, _MANIFEST: manifest}
        run = self._known_run(experiment, version) or self._new_run(experiment, version, tags)
        if run.data.tags.get(_MANIFEST) != manifest:
            raise Conflict(
                f"{version.id} is already registered with another content.",
                mend="Versions never change: register the new content under the next version. Where another"
                f" installation writes to {self._store.name}, give one of the loops another name.",
                version=version.id,
            )
        return str(run.info.run_id)

    def _known_run(self, experiment: str, version: Version) -> Run | None:
        """The run that the model version names; before there is one, the oldest."""
        entries = find_versions(self.client, version.loop, version.id)
        if entries:
            return self.client.get_run(str(entries[0].run_id))
        return next(iter(find_runs(self.client, experiment, version.id)), None)

    def _new_run(self, experiment: str, version: Version, tags: Mapping[str, str]) -> Run:
        return self.client.create_run(experiment, version.created_at // 1000, dict(tags), run_name=version.id)

    def _experiment(self, loop: str) -> str:
        found = self.client.get_experiment_by_name(loop)
        if found is not None:
            return str(found.experiment_id)
        return str(self.client.create_experiment(loop, artifact_location=self._store.artifacts(loop)))

    def _model_version(self, version: Version, run: str) -> None:
        found = self.client.search_registered_models(f"name = '{version.loop}'")
        if not found:
            self.client.create_registered_model(version.loop, tags={ID: version.loop})
        elif ID not in found[0].tags and not self._ours(version.loop):
            raise Conflict(
                f"{self._store.name} has a model {version.loop!r} that Homeostat did not make.",
                mend="Give the loop another name, or rename that model.",
                loop=version.loop,
            )
        if not find_versions(self.client, version.loop, version.id):
            source = source_of(self.client, run, ARTIFACTS)
            self.client.create_model_version(version.loop, source, run, tags={ID: version.id})

    def _ours(self, loop: str) -> bool:
        """True where nobody else has registered anything under the name; ours from before had no tag of their own."""
        return bool(self.names(loop)) or not self.client.search_model_versions(f"name = '{loop}'")

    def _remove_strays(self, version: Version, run: str) -> None:
        """What was made twice, since an answer was lost on its way and the question was put again."""
        for entry in find_versions(self.client, version.loop, version.id)[1:]:
            self.client.delete_model_version(version.loop, str(entry.version))
        for stray in find_runs(self.client, self._experiment(version.loop), version.id):
            if stray.info.run_id != run:
                self._remove_files(stray)
                self.client.delete_run(stray.info.run_id)

    def _files_of(self, run: Run) -> ArtifactRepository:
        """Where a run's files lie, wherever that is."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(str(run.info.artifact_uri), tracking_uri=self.client.tracking_uri)

    def _remove_files(self, run: Run) -> None:
        place = self._files_of(run)
        if place.list_artifacts(ARTIFACTS):
            place.delete_artifacts(ARTIFACTS)  # type: ignore[no-untyped-call]

    def _point(self, loop: str, alias: str, version: str | None, shown: object) -> None:
        if version is None:
            if shown is not None:
                self.client.delete_registered_model_alias(loop, alias)
            return
        entries = find_versions(self.client, loop, f"{loop}/{version}")
        if not entries:
            raise not_registered(loop, version)
        if str(shown) != str(entries[0].version):
            self.client.set_registered_model_alias(loop, alias, str(entries[0].version))


def not_registered(loop: str, version: str) -> NotFound:
    """The error for a version that MLflow does not have."""
    mend = "List the loop's versions to see which there are."
    return NotFound(f"No version {version!r} of {loop!r} is registered.", mend=mend, loop=loop, version=version)
