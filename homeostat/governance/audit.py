"""The ledger's chain: each entry seals the one before; signed heads outside the database seal the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from homeostat.kernel.canonical import canonical_json, digest, plain
from homeostat.kernel.clock import Instant

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision about to be written. ``id`` is Homeostat's own name for it: the same id is written once.

    ``at`` is event time; ``actor`` is who acted (``policy`` or a person); ``evidence`` holds JSON values.
    """

    id: str
    loop: str
    at: Instant
    kind: str
    verdict: str
    title: str
    reasons: tuple[str, ...]
    version: str | None = None
    actor: str = "policy"
    evidence: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A draft in its place in the chain. ``seq`` counts from 1 without gaps."""

    seq: int
    draft: Draft
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """A signed end of the ledger, kept outside the database.

    Signed as ``sealed=False`` before the entries are committed and as ``sealed=True`` after, so that every
    entry has a signature and only the very last commit can be in doubt after a crash.
    """

    seq: int
    hash: str
    sealed: bool
    signature: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What a verification found: ``problems`` is empty when every entry is where and what it was."""

    entries: int
    heads: int
    problems: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """True when nothing was edited, removed, inserted or cut off."""
        return not self.problems


class Signer(Protocol):
    """Signs heads and checks their signatures."""

    def sign(self, message: bytes) -> str:
        """A signature of the message as text."""
        ...

    def verifies(self, message: bytes, signature: str) -> bool:
        """True when the signature was made over this message with this key."""
        ...


class Heads(Protocol):
    """Keeps signed heads outside the database: intended before a commit, sealed after it."""

    def intend(self, entry: Entry) -> None:
        """Sign the entry that is about to become the end of the ledger."""
        ...

    def seal(self, entry: Entry) -> None:
        """Sign that the entry is the end of the ledger."""
        ...

    def read(self) -> list[Head]:
        """All heads, oldest first."""
        ...


def seal(draft: Draft, seq: int, previous: str) -> Entry:
    """Put a draft in its place; the hash covers its content, its place and the entry before.

    >>> first = seal(Draft("a", "demo", 0, "note", "HOLD", "t", ()), 1, GENESIS)
    >>> len(first.hash), first.previous == GENESIS
    (64, True)
    """
    return Entry(seq, draft, previous, digest({"seq": seq, "previous": previous, "draft": plain(draft)}))


def head_message(seq: int, entry_hash: str, sealed: bool) -> bytes:
    """The bytes that a head's signature covers."""
    return canonical_json({"ledger": "homeostat", "seq": seq, "hash": entry_hash, "sealed": sealed})


def sign_head(entry: Entry, signer: Signer, *, sealed: bool) -> Head:
    """Sign one entry as the end of the ledger."""
    signature = signer.sign(head_message(entry.seq, entry.hash, sealed))
    return Head(entry.seq, entry.hash, sealed, signature)


def audit(entries: Sequence[Entry], heads: Sequence[Head], signer: Signer) -> Audit:
    """Find every edited, missing, inserted or truncated entry, and every head that does not belong."""
    problems = [*_chain_problems(entries), *_head_problems(entries, heads, signer)]
    return Audit(len(entries), len(heads), tuple(problems))


def ends_wrongly(newest: Sequence[Entry], signed: Head | None) -> bool:
    """True when the newest entries, from the last one that was ``signed`` as the end, are not what was written."""
    links = zip(newest[1:], newest[:-1], strict=True)
    return (
        (signed is not None and (signed.seq, signed.hash) != (newest[0].seq, newest[0].hash))
        or any((one.seq, one.previous) != (before.seq + 1, before.hash) for one, before in links)
        or any(seal(one.draft, one.seq, one.previous).hash != one.hash for one in newest)
    )


def _chain_problems(entries: Sequence[Entry]) -> list[str]:
    problems: list[str] = []
    previous = GENESIS
    for place, entry in enumerate(entries, start=1):
        if entry.seq != place:
            return [*problems, f"Entry {place} is missing: entry {entry.seq} stands in its place."]
        if entry.previous != previous:
            problems.append(f"Entry {place} does not follow entry {place - 1}: the link between them is broken.")
        if seal(entry.draft, entry.seq, entry.previous).hash != entry.hash:
            problems.append(f"Entry {place} was edited: its content no longer has its hash.")
        previous = entry.hash
    return problems


def _head_problems(entries: Sequence[Entry], heads: Sequence[Head], signer: Signer) -> list[str]:
    problems: list[str] = []
    covered = 0
    for head in heads:
        if not signer.verifies(head_message(head.seq, head.hash, head.sealed), head.signature):
            problems.append(f"The head of entry {head.seq} was not signed with this ledger's key, or was edited.")
            continue
        matches = head.seq <= len(entries) and entries[head.seq - 1].hash == head.hash
        covered = max(covered, head.seq) if matches else covered
        if head.sealed and head.seq > len(entries):
            problems.append(f"The ledger was cut: it ends at entry {len(entries)}, but entry {head.seq} was signed.")
        elif head.sealed and not matches:
            problems.append(f"Entry {head.seq} was rewritten: it is not the entry that was signed.")
    if covered < len(entries):
        problems.append(f"Entries {covered + 1} to {len(entries)} were never signed: heads are missing or removed.")
    return problems
