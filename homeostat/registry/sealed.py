"""A version's folder that was proven to be what somebody trusted has signed; what is read of it cannot be swapped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from homeostat.kernel.errors import IntegrityError, Unavailable, Untrusted
from homeostat.registry.bundles import Bundle, NoBundle
from homeostat.registry.manifest import (
    MANIFEST,
    MEND,
    MOST_OF_MANIFEST,
    SIGNATURE,
    file_names,
    hash_file,
    named,
    no_version,
    parse_manifest,
)
from homeostat.registry.models import Version


class Trust(Protocol):
    """Whose signatures count here."""

    @property
    def required(self) -> bool:
        """Whether a version without a signature is refused."""
        ...

    def signer(self, bundle: Bundle) -> str:
        """The key that made this signature. Raises: Untrusted unless it is one that counts."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """A version whose folder was proven; ``signer`` is the key that signed it, None where nobody has."""

    version: Version
    signer: str | None
    folder: Path
    _hashes: Mapping[str, str]

    def read(self, name: str) -> bytes:
        """A file's bytes: the very ones that were signed, whatever has become of the folder since.

        Raises: Untrusted when it was swapped meanwhile, or is no file of the version.
        """
        content = _read(self.folder, name, self.version.id)
        if hashlib.sha256(content).hexdigest() != self._hashes.get(name):
            raise _untrusted(self.version.id, f"{name} was changed while it was loaded", "changed", file=name)
        return content


def open_sealed(folder: Path, loop: str, version: str, trust: Trust, *, beside: frozenset[str] = frozenset()) -> Sealed:
    """Prove a whole folder before anything of it is loaded: its files are those that were signed as this version.

    Files named ``beside`` may lie there; they are no part of it and cannot be read.

    Raises: NotFound without a manifest; Unavailable when a file cannot be read; Untrusted where a file was changed,
    added, removed or renamed, is a link, where nobody trusted has signed, or where it is another version.
    """
    name = f"{loop}/{version}"
    names = [one for one in file_names(folder) if one not in beside]
    if MANIFEST not in names:
        raise no_version(folder)
    hashes, signer = _signed(folder, names, name, trust)
    manifest = _read(folder, MANIFEST, name, MOST_OF_MANIFEST)
    if signer is not None:  # before anything of it is understood
        _must_be(hashes, names, folder, name)
    told, read = parse_manifest(manifest, folder), hashlib.sha256(manifest).hexdigest()
    if signer is None:
        hashes = {**told.files, MANIFEST: read}
        _must_be(hashes, names, folder, name)
    if hashes[MANIFEST] != read:
        raise _untrusted(name, f"{MANIFEST} was changed while it was loaded", "changed", file=MANIFEST)
    if told.id != name:
        raise _untrusted(name, f"its folder holds {told.id}", "another_version", found=told.id)
    if {**told.files, MANIFEST: hashes[MANIFEST]} != hashes:
        raise _untrusted(name, "its manifest and its signature tell of different files", "changed")
    return Sealed(told, signer, folder, hashes)


def _signed(folder: Path, names: list[str], name: str, trust: Trust) -> tuple[dict[str, str], str | None]:
    """What was signed and by whom; nothing where nobody has and nobody need."""
    if SIGNATURE not in names:
        if trust.required:
            raise Untrusted(
                f"Version {name} is not loaded: nobody has signed it.",
                mend=f"If you know where it comes from: 'homeostat keys sign {name.rpartition('/')[2]}'.",
                version=name,
                reason="unsigned",
            )
        return {}, None
    content = _read(folder, SIGNATURE, name, MOST_OF_MANIFEST)
    try:
        bundle = Bundle.parse(content)
        signer = trust.signer(bundle)
        return bundle.files(), signer
    except NoBundle as error:
        raise _untrusted(name, f"its signature cannot be read: {error}", "no_signature") from error
    except Untrusted as error:
        raise Untrusted(
            f"Version {name} is not loaded: {error.problem}", mend=error.mend, **{**error.facts, "version": name}
        ) from error


def _must_be(signed: Mapping[str, str], names: Collection[str], folder: Path, version: str) -> None:
    """Names first: what does not belong is not read, however large it is."""
    found = {one for one in names if one != SIGNATURE}
    for file in sorted(signed.keys() | found):
        if file not in found:
            raise _untrusted(version, f"{named(file)} is missing", "removed", file=named(file))
        if file not in signed:
            raise _untrusted(version, f"{named(file)} was added", "added", file=named(file))
    for file in sorted(found):
        if signed[file] != _hash(folder, file, version):
            raise _untrusted(version, f"{file} is not what was registered", "changed", file=file)


def _untrusted(version: str, what: str, reason: str, **facts: object) -> Untrusted:
    return Untrusted(f"Version {version} is not loaded: {what}.", mend=MEND, version=version, reason=reason, **facts)


def _hash(folder: Path, name: str, version: str) -> str:
    try:
        return hash_file(folder / name)
    except OSError as error:
        raise _unreadable(version, name, error) from error


def _read(folder: Path, name: str, version: str, most: int = -1) -> bytes:
    """A file itself, never what a link points at; nothing of one that is larger than ``most`` bytes."""
    try:
        with os.fdopen(os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            content = file.read(most + 1 if most >= 0 else -1)
    except OSError as error:
        raise _unreadable(version, name, error) from error
    if 0 <= most < len(content):
        raise _untrusted(version, f"{name} has more than {most:,} bytes", "changed", file=name)
    return content


def _unreadable(version: str, name: str, error: OSError) -> IntegrityError | Unavailable:
    problem = f"{name} of version {version} cannot be read: {error.strerror}."
    return Unavailable(problem, mend="Restore the version's folder from the registry.", version=version, file=name)
