"""The manifest that lies in every version folder, and the proof that the folder is what was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import IntegrityError, NotFound, Unavailable
from homeostat.registry.models import Version

MANIFEST = "manifest.json"
MODEL = "model.onnx"
LAYOUT = "columns.json"
PROFILE = "profile.json"
DAILY = "daily.json"
CONFIG = "config.json"
STEPS = "steps.json"
_CHUNK = 1 << 20
_MEND = "Restore the folder from the registry: remove it, and it is fetched again."


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder`` but the manifest, by relative path, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in files}


def write_manifest(version: Version, folder: Path) -> None:
    """Write the canonical JSON of ``version``: the same version always gives the same bytes."""
    (folder / MANIFEST).write_bytes(canonical_json(version.to_json()))


def read_manifest(folder: Path) -> Version:
    """The version that lies in ``folder``; its files are not looked at.

    Raises: NotFound without a manifest, IntegrityError when it cannot be read.
    """
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_bytes())
        return Version.from_json(values)
    except FileNotFoundError as error:
        mend = "Name the folder of a registered version."
        raise NotFound(f"No version lies in {folder}.", mend=mend, folder=str(folder)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError(f"{path} is no manifest.", mend=_MEND, file=str(path)) from error


def read_verified(folder: Path, version: str, *names: str) -> tuple[Version, tuple[bytes, ...]]:
    """The manifest and the bytes of some files, proven to be those that were registered as ``version``.

    Raises: NotFound without a manifest; Unavailable when a file cannot be read; IntegrityError when it was changed.
    """
    manifest = read_manifest(folder)
    try:
        found = tuple((folder / name).read_bytes() for name in names)
    except OSError as error:
        raise Unavailable(
            f"The model of version {version} cannot be read: {error.strerror}.",
            mend="Restore the version's folder from the registry.",
            version=version,
            folder=str(folder),
        ) from error
    hashes = [hashlib.sha256(content).hexdigest() for content in found]
    if manifest.version != version or hashes != [manifest.files.get(name) for name in names]:
        raise IntegrityError(
            f"The files of version {version} are not the ones that were registered.",
            mend="Restore the version's folder from the registry.",
            version=version,
            folder=str(folder),
        )
    return manifest, found


def verify_files(version: Version, folder: Path) -> None:
    """Prove that ``folder`` holds exactly the files of ``version``, unchanged.

    Raises: IntegrityError naming the first file that is missing, changed or not its own.
    """
    found = hash_files(folder)
    for name in sorted(found.keys() | version.files.keys()):
        if name not in found:
            raise _broken(version, folder, name, "is missing")
        if name not in version.files:
            raise _broken(version, folder, name, "does not belong to it")
        if found[name] != version.files[name]:
            raise _broken(version, folder, name, "is not what was registered")


def _broken(version: Version, folder: Path, name: str, how: str) -> IntegrityError:
    problem = f"Version {version.id}: {folder / name} {how}."
    return IntegrityError(problem, mend=_MEND, version=version.id, file=name)
