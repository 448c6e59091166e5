"""Signed ledger heads in a file of their own, with the key beside it (mode 0600)."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.adapters.signing.secrets import write_secret
from homeostat.governance.audit import Entry, Head, sign_head
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import IntegrityError


class Ed25519Signer:
    """Signs with a private key kept in a PEM file; makes the key on first use."""

    def __init__(self, path: Path) -> None:
        self._key = _load(path) if path.exists() else _create(path)
        self._public = self._key.public_key()

    def sign(self, message: bytes) -> str:
        """A base64 signature of the message."""
        return base64.b64encode(self._key.sign(message)).decode()

    def verifies(self, message: bytes, signature: str) -> bool:
        """True when the signature was made over this message with this key."""
        try:
            self._public.verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True


class HeadsFile:
    """One JSON line per signed head, flushed to disk before the call returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "heads.jsonl"
        self.signer = Ed25519Signer(folder / "key.pem")

    def intend(self, entry: Entry) -> None:
        """Sign the entry that is about to become the end of the ledger."""
        self._append(sign_head(entry, self.signer, sealed=False))

    def seal(self, entry: Entry) -> None:
        """Sign that the entry is the end of the ledger."""
        self._append(sign_head(entry, self.signer, sealed=True))

    def read(self) -> list[Head]:
        """All heads, oldest first; a last line torn by a crash is left out.

        Raises: IntegrityError when another line cannot be read.
        """
        if not self._path.exists():
            return []
        lines = self._path.read_bytes().split(b"\n")
        return [_head(line, number) for number, line in enumerate(lines[:-1], start=1) if line]

    def _append(self, head: Head) -> None:
        line = canonical_json(head) + b"\n"
        with open(self._path, "ab+") as file:
            _end_torn_line(file.fileno())
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _end_torn_line(descriptor: int) -> None:
    """Cut a half-written last line, so that the next one starts on its own."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        whole = os.pread(descriptor, size, 0).rfind(b"\n") + 1
        os.ftruncate(descriptor, whole)


def _head(line: bytes, number: int) -> Head:
    try:
        return Head(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            f"Line {number} of the ledger's heads file cannot be read.",
            mend="Restore ledger/heads.jsonl from a backup; the ledger cannot be trusted without it.",
            line=number,
        ) from error


def _load(path: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise IntegrityError(
            "The ledger's key file holds no Ed25519 private key.",
            mend="Restore ledger/key.pem from a backup.",
        )
    return key


def _create(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_secret(path, pem)
    return key
