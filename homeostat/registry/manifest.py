"""The manifest that lies in every version folder, and the proof that the folder is what was written."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import IntegrityError, NotFound, Untrusted
from homeostat.registry.models import Version

MANIFEST = "manifest.json"
SIGNATURE = "model.sig"
CARD = "card.md"
METRICS = "metrics.json"
MODEL = "model.onnx"
LAYOUT = "columns.json"
PROFILE = "profile.json"
DAILY = "daily.json"
CONFIG = "config.json"
STEPS = "steps.json"
_CHUNK = 1 << 20
MOST_OF_MANIFEST = 16 << 20
"""Bytes of a manifest, or of a signature; a larger one is none."""
MEND = "Find out who changed it, then remove the folder: it is fetched again from the registry."


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder`` but the manifest and the signature, by relative path, sorted.

    Raises: Untrusted for a link or anything else that is no file.
    """
    return {name: hash_file(folder / name) for name in file_names(folder) if name not in (MANIFEST, SIGNATURE)}


def file_names(folder: Path) -> list[str]:
    """Relative paths of all files below ``folder``, sorted.

    Raises: Untrusted for a link or anything else that is no file: a version is read from its own folder only.
    """
    found = []
    for place, folders, files in os.walk(folder, followlinks=False):
        for name in (*folders, *files):
            path = Path(place, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                found.append(path.relative_to(folder).as_posix())
            elif not stat.S_ISDIR(mode):
                what, where = "a link" if stat.S_ISLNK(mode) else "no file", named(str(path))
                raise Untrusted(f"{where} is {what}: versions hold files only.", mend=MEND, file=where, reason="added")
    return sorted(found)


def named(file: str) -> str:
    """A file's name as it can be told: also one with a line's end, or that is no text.

    >>> named("model.onnx"), named("a\\nb")
    ('model.onnx', "'a\\\\nb'")
    """
    return file if file.isprintable() else ascii(file)


def write_manifest(version: Version, folder: Path) -> None:
    """Write the canonical JSON of ``version``: the same version always gives the same bytes."""
    (folder / MANIFEST).write_bytes(canonical_json(version.to_json()))


def read_manifest(folder: Path) -> Version:
    """The version that lies in ``folder``; its files are not looked at.

    Raises: NotFound without a manifest, IntegrityError when it cannot be read.
    """
    try:
        with (folder / MANIFEST).open("rb") as file:
            return parse_manifest(file.read(MOST_OF_MANIFEST + 1), folder)
    except FileNotFoundError as error:
        raise no_version(folder) from error


def parse_manifest(content: bytes, folder: Path) -> Version:
    """The version that these bytes of a manifest in ``folder`` tell of. Raises: IntegrityError when they are none."""
    try:
        if len(content) > MOST_OF_MANIFEST:
            raise ValueError("it is too large")
        return Version.from_json(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        path = folder / MANIFEST
        raise IntegrityError(f"{path} is no manifest.", mend=MEND, file=str(path)) from error


def no_version(folder: Path) -> NotFound:
    """The error for a folder in which there is none."""
    mend = "Name the folder of a registered version."
    return NotFound(f"No version lies in {folder}.", mend=mend, folder=str(folder))


def verify_files(version: Version, folder: Path) -> None:
    """Prove that ``folder`` holds exactly the files of ``version``, unchanged.

    Raises: IntegrityError naming the first file that is missing, changed or not its own.
    """
    found = hash_files(folder)
    for name in sorted(found.keys() | version.files.keys()):
        if name not in found:
            raise _broken(version, folder, name, "is missing")
        if name not in version.files:
            raise _broken(version, folder, named(name), "does not belong to it")
        if found[name] != version.files[name]:
            raise _broken(version, folder, name, "is not what was registered")


def _broken(version: Version, folder: Path, name: str, how: str) -> IntegrityError:
    problem = f"Version {version.id}: {folder / name} {how}."
    return IntegrityError(problem, mend=MEND, version=version.id, file=name)
