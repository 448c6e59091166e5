"""The port ``Registry`` on MLflow, with a verified local copy of every version's folder."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from homeostat.adapters.mlflow.copies import lay
from homeostat.adapters.mlflow.entries import Entries
from homeostat.adapters.mlflow.failures import told
from homeostat.adapters.mlflow.mirrored import Mirrored
from homeostat.adapters.mlflow.stores import Store
from homeostat.registry.manifest import MANIFEST, SIGNATURE, hash_file, read_manifest, verify_files
from homeostat.registry.models import Version
from homeostat.registry.sealed import Trust, open_sealed


class MlflowRegistry:
    """Versions in the MLflow of ``store``; local copies below ``versions``.

    One process writes at a time; its threads may share the registry, and what lies here is read while MLflow is waited
    for. Versions come in and go out only where their signatures count, as ``trust`` says. Raises Unavailable, beside
    what each call says, where MLflow is away.
    """

    def __init__(self, store: Store, versions: Path, trust: Trust) -> None:
        self._store, self._versions, self._trust = store, versions, trust
        self._entries = Entries(store)
        self._asking, self._copying = threading.RLock(), threading.RLock()
        self._known: dict[str, Version] = {}

    def add(self, version: Version, folder: Path) -> None:
        """Register the version whose files lie in ``folder``; registering it again changes nothing.

        Raises: IntegrityError when the folder is not what the version says; Untrusted where nobody trusted has signed
        it; Conflict when another content is registered under the same loop and version.
        """
        verify_files(version, folder)
        open_sealed(folder, version.loop, version.version, self._trust)
        with self._mlflow() as entries:
            entries.add(version, folder)
        self._materialise(version.loop, version.version, folder)

    def get(self, loop: str, version: str) -> Version:
        """The version as registered. Raises: NotFound."""
        name = f"{loop}/{version}"
        if name not in self._known:
            place = self._local(loop, version)
            with self._copying:
                self._known[name] = read_manifest(place)
        return self._known[name]

    def list(self, loop: str) -> list[Version]:
        """All versions of a loop, oldest first; empty when there are none."""
        with self._mlflow() as entries:
            names = entries.names(loop)
        return sorted((self.get(loop, name) for name in names), key=lambda version: version.number)

    def folder(self, loop: str, version: str, *, anew: bool = False) -> Path:
        """A local folder with the version's proven files, fetched again when it is gone, or ``anew`` in any case.

        Raises: NotFound, IntegrityError, Untrusted.
        """
        if anew:
            self._fetch(loop, version, anew=True)
        place = self._local(loop, version)
        with self._copying:
            open_sealed(place, loop, version, self._trust)
        return place

    def countersign(self, loop: str, version: str, sign: Callable[[Path], None]) -> None:
        """Give a version the signature that ``sign`` writes into a folder with its files as they were registered.

        Raises: NotFound, IntegrityError when they are not what was registered, and what ``sign`` raises.
        """
        with self._aside() as place:
            with self._mlflow() as entries:
                run, fetched = entries.download(loop, version, Path(place))
            verify_files(read_manifest(fetched), fetched)
            (fetched / SIGNATURE).unlink(missing_ok=True)
            sign(fetched)
            open_sealed(fetched, loop, version, self._trust)
            with self._mlflow() as entries:
                entries.attach(run, fetched / SIGNATURE)
            self._materialise(loop, version, fetched, anew=True)

    def delete(self, loop: str, version: str) -> None:
        """Remove a version: files first, then MLflow's entries, so that what is cut off is done by the next call."""
        with self._mlflow() as entries:
            entries.remove(loop, version)
        with self._copying:
            self._known.pop(f"{loop}/{version}", None)
            shutil.rmtree(self._versions / loop / version, ignore_errors=True)

    def mirror(self, loop: str, aliases: Mapping[str, str | None]) -> None:
        """Make MLflow's aliases show the route: each alias points at its version, None removes it.

        A version that lies here and that this MLflow does not have, such as one from before it was chosen, is
        registered there first. Raises: NotFound for one that does not lie here either.
        """
        mirrored = Mirrored(self._versions / loop / ".aliases.json", self._store)
        if mirrored.shows(aliases):
            return
        self._register_what_lies_here(loop, {version for version in aliases.values() if version is not None})
        with self._mlflow() as entries:
            entries.point(loop, aliases)
        mirrored.note(aliases)

    def _register_what_lies_here(self, loop: str, wanted: set[str]) -> None:
        with self._mlflow() as entries:
            missing = wanted - entries.names(loop)
        for version in sorted(missing, key=lambda name: (len(name), name)):
            place = self._versions / loop / version
            if (place / MANIFEST).exists():
                self.add(read_manifest(place), place)

    @contextmanager
    def _mlflow(self) -> Iterator[Entries]:
        """MLflow's entries, for one at a time, and whatever fails there in our words."""
        with self._asking, told(self._store.name):
            yield self._entries

    def _local(self, loop: str, version: str) -> Path:
        """The local copy, fetched from MLflow when it is gone."""
        place = self._versions / loop / version
        with self._copying:
            there = (place / MANIFEST).exists()
        if not there:
            self._fetch(loop, version)
        return place

    def _fetch(self, loop: str, version: str, *, anew: bool = False) -> None:
        with self._aside() as place:
            with self._mlflow() as entries:
                _, fetched = entries.download(loop, version, Path(place))
            verify_files(read_manifest(fetched), fetched)
            open_sealed(fetched, loop, version, self._trust)
            self._materialise(loop, version, fetched, anew=anew)

    def _aside(self) -> tempfile.TemporaryDirectory[str]:
        """A folder beside the versions, for as long as it is needed."""
        self._versions.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=self._versions)

    def _materialise(self, loop: str, version: str, folder: Path, *, anew: bool = False) -> None:
        """Copy the folder to its local place; what is there whole stays, unless told otherwise."""
        place = self._versions / loop / version
        with self._copying:
            whole = (place / MANIFEST).exists() and hash_file(place / MANIFEST) == hash_file(folder / MANIFEST)
            if whole and not anew:
                open_sealed(place, loop, version, self._trust)
            else:
                lay(folder, place)
