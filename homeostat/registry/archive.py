"""The contents of code that took part, kept as one archive and put back where asked."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from homeostat.kernel.errors import IntegrityError, Refused
from homeostat.registry.legs import CodeLeg, SourceFile

PROJECT, ELSEWHERE = "project", "elsewhere"
"""Folders of a checkout: what lies below the user's project, and modules from outside of it, by their names."""


def archived(contents: Mapping[str, bytes]) -> bytes:
    """A tar of contents by name: the same contents always give the same bytes."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o444
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def contents_of(archive: bytes) -> dict[str, bytes]:
    """The contents of an archive by their hashes. Raises: IntegrityError where one is not what its name says."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            found = {entry.name: read.read() for entry in tar if (read := tar.extractfile(entry)) is not None}
    except tarfile.TarError as error:
        raise _damaged(f"it is no archive: {error}") from error
    for name, content in found.items():
        if hashlib.sha256(content).hexdigest() != name:
            raise _damaged(f"{name[:12]} is not what its name says")
    return found


def check_out(leg: CodeLeg, contents: Mapping[str, bytes], folder: Path, project: Path | None = None) -> None:
    """Write the files of a leg below ``folder``. What was too large to keep is taken from ``project``, if it is there
    as it was.

    Raises: Refused for a file that is nowhere; IntegrityError for a path that leads out of the folder.
    """
    folder = folder.resolve()
    for one in leg.files:
        content = contents.get(one.sha256)
        if content is None:
            content = _from(project, one)
        target = (folder / one.path).resolve()
        if not target.is_relative_to(folder):
            raise _damaged(f"{one.path!r} leads out of it")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for name in (leg.folder, *leg.roots):
        (folder / name).mkdir(parents=True, exist_ok=True)


def _from(project: Path | None, one: SourceFile) -> bytes:
    """A file that was too large to keep, from where it lay."""
    here = None if project is None else project / one.path.removeprefix(f"{PROJECT}/")
    content = here.read_bytes() if here is not None and here.is_file() else b""
    if hashlib.sha256(content).hexdigest() != one.sha256:
        raise Refused(
            f"{one.path} was too large to keep ({one.bytes:,} bytes), and is not there any more as it was.",
            mend="Put the file back where it lay; its SHA-256 is in code.json of the version.",
            file=one.path,
            sha256=one.sha256,
        )
    return content


def _damaged(how: str) -> IntegrityError:
    mend = "Restore the version's folder from the registry."
    return IntegrityError(f"The kept code of the version is damaged: {how}.", mend=mend)
