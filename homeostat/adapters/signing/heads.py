"""Signed ledger heads in a file of their own, with the key beside it (mode 0600)."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.adapters.signing.secrets import must_be_private
from homeostat.governance.audit import Entry, Head, sign_head
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import IntegrityError

if TYPE_CHECKING:
    from homeostat.adapters.signing.ed25519 import Ed25519Signer


class HeadsFile:
    """One JSON line per signed head, flushed to disk before the call returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._key = folder / "heads.jsonl", folder / "key.pem"

    @cached_property
    def signer(self) -> Ed25519Signer:
        """Who signs: read for the first head that is signed or proven, so that who only looks needs no cryptography."""
        from homeostat.adapters.signing.ed25519 import Ed25519Signer

        return Ed25519Signer(self._key)

    def check_key(self) -> list[str]:
        """What is wrong with the key by which the heads that are here are to be proven; it is not made anew.

        Raises: IntegrityError where it is gone.
        """
        if not self._path.exists():
            return []
        try:
            must_be_private(self._key)
        except FileNotFoundError as error:
            raise IntegrityError(
                f"{self._key}, which signs the ledger's heads, is gone: they cannot be proven.",
                mend="Restore it from a backup before anything else is decided.",
                file=str(self._key),
            ) from error
        except IntegrityError as error:
            return [f"{error.problem} Whoever can may have signed heads: run 'chmod go= {self._key}'."]
        return []

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
