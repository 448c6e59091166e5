"""The port ``Registry`` on MLflow, with a verified local copy of every version's folder."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.adapters.mlflow.client import open_client
from homeostat.adapters.mlflow.mirrored import Mirrored
from homeostat.adapters.mlflow.records import ID, config_params, find_run, find_version, record, source_of
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import Conflict, IntegrityError, NotFound
from homeostat.registry.manifest import MANIFEST, SIGNATURE, hash_file, read_manifest, verify_files
from homeostat.registry.models import Version
from homeostat.registry.sealed import Trust, open_sealed

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

ARTIFACTS = "version"
LEFT_BY_CLIENTS = "registered_model_meta"
"""What MLflow's own client writes into the artifacts that it loads, where these lie on its disk."""


class MlflowRegistry:
    """Versions in MLflow at ``database`` and ``artifacts``; local copies below ``versions``.

    Every effect is looked up under the tag ``homeostat.id`` before it is made, so a call that was killed
    half-way is finished by the next one. One process writes at a time; its threads may share the registry.
    Versions come in and go out only where their signatures count, as ``trust`` says.
    """

    def __init__(self, database: Path, artifacts: Path, versions: Path, trust: Trust) -> None:
        self._database, self._artifacts, self._versions = database, artifacts, versions
        self._trust = trust
        self._lock = threading.RLock()
        self._opened: MlflowClient | None = None
        self._known: dict[str, Version] = {}

    def add(self, version: Version, folder: Path) -> None:
        """Register the version whose files lie in ``folder``; registering it again changes nothing.

        Raises: IntegrityError when the folder is not what the version says; Untrusted where nobody trusted has signed
        it; Conflict when another content is registered under the same loop and version.
        """
        verify_files(version, folder)
        open_sealed(folder, version.loop, version.version, self._trust)
        with self._lock:
            run = self._run(version)
            record(self._client, run, version, config_params(folder))
            self._client.log_artifacts(run, str(folder), ARTIFACTS)
            self._model_version(version, run)
            self._client.set_terminated(run, "FINISHED", end_time=version.created_at // 1000)
            self._materialise(version.loop, version.version, folder)

    def get(self, loop: str, version: str) -> Version:
        """The version as registered. Raises: NotFound."""
        with self._lock:
            name = f"{loop}/{version}"
            if name not in self._known:
                self._known[name] = read_manifest(self._local(loop, version))
            return self._known[name]

    def list(self, loop: str) -> list[Version]:
        """All versions of a loop, oldest first; empty when there are none."""
        with self._lock:
            found = self._client.search_model_versions(f"name = '{loop}'")
            names = [entry.tags[ID].rpartition("/")[2] for entry in found if ID in entry.tags]
            return sorted((self.get(loop, name) for name in names), key=lambda version: version.number)

    def folder(self, loop: str, version: str, *, anew: bool = False) -> Path:
        """A local folder with the version's proven files, fetched again when it is gone, or ``anew`` in any case.

        Raises: NotFound, IntegrityError, Untrusted.
        """
        with self._lock:
            if anew:
                self._fetch(loop, version, anew=True)
            place = self._local(loop, version)
            open_sealed(place, loop, version, self._trust)
            return place

    def countersign(self, loop: str, version: str, sign: Callable[[Path], None]) -> None:
        """Give a version the signature that ``sign`` writes into a folder with its files as they were registered.

        Raises: NotFound, IntegrityError when they are not what was registered, and what ``sign`` raises.
        """
        with self._lock, self._aside() as place:
            run, fetched = self._downloaded(loop, version, Path(place))
            verify_files(read_manifest(fetched), fetched)
            (fetched / SIGNATURE).unlink(missing_ok=True)
            sign(fetched)
            open_sealed(fetched, loop, version, self._trust)
            self._client.log_artifact(run, str(fetched / SIGNATURE), ARTIFACTS)
            self._materialise(loop, version, fetched, anew=True)

    def delete(self, loop: str, version: str) -> None:
        """Remove a version: files first, then MLflow's entries, so that what is cut off is done by the next call.

        What a registration that was cut off has left goes too: a run without a version.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        with self._lock:
            entry = find_version(self._client, loop, f"{loop}/{version}")
            run = self._run_of(loop, version) if entry is None else self._client.get_run(str(entry.run_id))
            if run is not None:
                get_artifact_repository(str(run.info.artifact_uri)).delete_artifacts(ARTIFACTS)  # type: ignore[no-untyped-call]
            if entry is not None:
                self._client.delete_model_version(loop, str(entry.version))
            if run is not None:
                self._client.delete_run(str(run.info.run_id))
            self._known.pop(f"{loop}/{version}", None)
            shutil.rmtree(self._versions / loop / version, ignore_errors=True)

    def mirror(self, loop: str, aliases: Mapping[str, str | None]) -> None:
        """Make MLflow's aliases show the route: each alias points at its version, None removes it."""
        mirrored = Mirrored(self._versions / loop / ".aliases.json", self._database)
        with self._lock:
            if mirrored.shows(aliases):
                return
            if not self._client.search_registered_models(f"name = '{loop}'"):
                if any(aliases.values()):
                    raise _not_registered(loop, str(next(filter(None, aliases.values()))))
                return
            shown = dict(self._client.get_registered_model(loop).aliases)
            for alias, version in aliases.items():
                self._point(loop, alias, version, shown.get(alias))
            mirrored.note(aliases)

    @property
    def _client(self) -> MlflowClient:
        if self._opened is None:
            for folder in (self._database.parent, self._artifacts, self._versions):
                folder.mkdir(parents=True, exist_ok=True)
            self._opened = open_client(self._database)
        return self._opened

    def _run(self, version: Version) -> str:
        experiment = self._experiment(version.loop)
        manifest = digest(version.to_json())
        run = find_run(self._client, experiment, version.id)
        if run is None:
            tags = {ID: version.id, "homeostat.manifest": manifest}
            started = version.created_at // 1000
            run = self._client.create_run(experiment, started, tags, run_name=version.id)
        if run.data.tags.get("homeostat.manifest") != manifest:
            raise Conflict(
                f"{version.id} is already registered with another content.",
                mend="Versions never change: register the new content under the next version.",
                version=version.id,
            )
        return str(run.info.run_id)

    def _run_of(self, loop: str, version: str) -> Run | None:
        experiment = self._client.get_experiment_by_name(loop)
        return None if experiment is None else find_run(self._client, experiment.experiment_id, f"{loop}/{version}")

    def _experiment(self, loop: str) -> str:
        found = self._client.get_experiment_by_name(loop)
        if found is not None:
            return str(found.experiment_id)
        place = (self._artifacts / loop).resolve()
        return str(self._client.create_experiment(loop, artifact_location=place.as_uri()))

    def _model_version(self, version: Version, run: str) -> None:
        if not self._client.search_registered_models(f"name = '{version.loop}'"):
            self._client.create_registered_model(version.loop)
        if find_version(self._client, version.loop, version.id) is None:
            source = source_of(self._client, run, ARTIFACTS)
            self._client.create_model_version(version.loop, source, run, tags={ID: version.id})

    def _point(self, loop: str, alias: str, version: str | None, shown: object) -> None:
        if version is None:
            if shown is not None:
                self._client.delete_registered_model_alias(loop, alias)
            return
        entry = find_version(self._client, loop, f"{loop}/{version}")
        if entry is None:
            raise _not_registered(loop, version)
        if str(shown) != str(entry.version):
            self._client.set_registered_model_alias(loop, alias, str(entry.version))

    def _local(self, loop: str, version: str) -> Path:
        """The local copy, fetched from MLflow when it is gone."""
        place = self._versions / loop / version
        if not (place / MANIFEST).exists():
            self._fetch(loop, version)
        return place

    def _fetch(self, loop: str, version: str, *, anew: bool = False) -> None:
        with self._aside() as place:
            _, fetched = self._downloaded(loop, version, Path(place))
            verify_files(read_manifest(fetched), fetched)
            open_sealed(fetched, loop, version, self._trust)
            self._materialise(loop, version, fetched, anew=anew)

    def _aside(self) -> tempfile.TemporaryDirectory[str]:
        """A folder beside the versions, for as long as it is needed."""
        self._versions.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=self._versions)

    def _downloaded(self, loop: str, version: str, place: Path) -> tuple[str, Path]:
        """The run of a version and its artifacts, whose manifest is the one that was registered."""
        name = f"{loop}/{version}"
        entry = find_version(self._client, loop, name)
        if entry is None:
            raise _not_registered(loop, version)
        run = self._client.get_run(str(entry.run_id))
        fetched = Path(self._client.download_artifacts(str(entry.run_id), ARTIFACTS, str(place)))
        (fetched / LEFT_BY_CLIENTS).unlink(missing_ok=True)
        if digest(read_manifest(fetched).to_json()) != run.data.tags["homeostat.manifest"]:
            problem = f"The artifacts of {name} in MLflow are not what was registered."
            raise IntegrityError(problem, mend="Restore them from a backup.", version=name, file=MANIFEST)
        return str(run.info.run_id), fetched

    def _materialise(self, loop: str, version: str, folder: Path, *, anew: bool = False) -> None:
        """Copy the folder to its local place whole, or not at all; what is there whole stays, unless told otherwise."""
        place = self._versions / loop / version
        if not anew and (place / MANIFEST).exists() and hash_file(place / MANIFEST) == hash_file(folder / MANIFEST):
            open_sealed(place, loop, version, self._trust)
            return
        with _part_of(place) as part:
            shutil.copytree(folder, part, dirs_exist_ok=True)
            _flush(part)
            shutil.rmtree(place, ignore_errors=True)
            part.rename(place)
            _flush(place.parent)


@contextmanager
def _part_of(place: Path) -> Iterator[Path]:
    """A folder beside ``place`` to be filled and renamed; what a killed process left of it is removed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _flush(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _not_registered(loop: str, version: str) -> NotFound:
    mend = "List the loop's versions to see which there are."
    return NotFound(f"No version {version!r} of {loop!r} is registered.", mend=mend, loop=loop, version=version)
