"""Signed ledger heads in a file of their own, with the key beside it (mode 0600)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.adapters.signing.secrets import must_be_private
from homeostat.governance.audit import Entry, Head, head_message, sign_head
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import IntegrityError, Unavailable

if TYPE_CHECKING:
    from homeostat.adapters.signing.ed25519 import Ed25519Signer

_TAIL = 8_192
"""Bytes at the end of the file that hold the newest heads, of some 250 bytes each."""


class HeadsFile:
    """One JSON line per signed head, flushed to disk before the call returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._key = folder / "heads.jsonl", folder / "key.pem"

    @cached_property
    def signer(self) -> Ed25519Signer:
        """Who signs: read for the first head that is signed or proven, so that who only looks needs no cryptography."""
        from homeostat.adapters.signing.ed25519 import Ed25519Signer

        if not self._key.exists() and self.newest_sealed() is not None:
            raise self._gone()
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
            raise self._gone() from error
        except IntegrityError as error:
            return [f"{error.problem} Whoever can may have signed heads: run 'chmod go= {self._key}'."]
        return []

    def intend(self, entry: Entry) -> None:
        """Sign the entry that is about to become the end of the ledger.

        Raises: IntegrityError where one in its place was sealed before, or the last one with another key: ledger, heads
        and key do not belong together.
        """
        if (last := self.newest_sealed()) is not None:
            self._must_follow(entry, last)
        self._append(sign_head(entry, self.signer, sealed=False))

    def seal(self, entry: Entry) -> None:
        """Sign that the entry is the end of the ledger."""
        self._append(sign_head(entry, self.signer, sealed=True))

    def read(self) -> list[Head]:
        """All heads, oldest first; a last line torn by a crash is left out.

        Raises: IntegrityError when another line cannot be read.
        """
        with self._told():
            lines = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        return [_head(line, number) for number, line in enumerate(lines[:-1], start=1) if line]

    def newest_sealed(self) -> Head | None:
        """The last head that was signed as written; None where there is none. Only the end of the file is read.

        Raises: IntegrityError when it cannot be read.
        """
        if not self._path.exists():
            return None
        with self._told(), open(self._path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            lines = file.read().split(b"\n")[:-1]
        if size > _TAIL:  # the first one begins before
            lines = lines[1:]
        heads = (_head(line, 0) for line in reversed(lines) if line)
        return next((head for head in heads if head.sealed), None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            mend = "Mend its rights: decisions are neither written nor proven without it."
            problem = f"{self._path} cannot be read: {error.strerror}."
            raise Unavailable(problem, mend=mend, file=str(self._path)) from error

    def _must_follow(self, entry: Entry, last: Head) -> None:
        if last.seq >= entry.seq:
            raise IntegrityError(
                f"Entry {entry.seq} of the ledger was written before: entry {last.seq} is signed in {self._path}.",
                mend="Nothing was changed. Stop Homeostat, and put back the control.sqlite that belongs here.",
                entry=entry.seq,
                signed=last.seq,
            )
        if not self.signer.verifies(head_message(last.seq, last.hash, last.sealed), last.signature):
            raise IntegrityError(
                f"{self._key} is not the key by which entry {last.seq} of the ledger is signed.",
                mend="Nothing was changed. See 'homeostat ledger verify', and put key and heads back from a copy.",
                file=str(self._key),
            )

    def _gone(self) -> IntegrityError:
        return IntegrityError(
            f"{self._key}, which signs the ledger's heads, is gone: they cannot be proven.",
            mend="Restore it from a backup before anything else is decided. If there is none, move"
            f" {self._path.name} away: a new key is made then, and decisions of before stay unproven.",
            file=str(self._key),
        )

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
            f"{f'Line {number}' if number else 'The end'} of the ledger's heads file cannot be read.",
            mend="Restore ledger/heads.jsonl from a backup; the ledger cannot be trusted without it.",
            line=number,
        ) from error
