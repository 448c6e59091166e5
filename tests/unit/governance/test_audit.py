"""Whatever is done to a ledger behind Homeostat's back is found."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.governance.audit import GENESIS, Draft, Entry, Head, audit, seal, sign_head


class HashSigner:
    """A keyed digest: enough to tell a forged head from a real one."""

    def sign(self, message: bytes) -> str:
        return hashlib.sha256(b"key" + message).hexdigest()

    def verifies(self, message: bytes, signature: str) -> bool:
        return self.sign(message) == signature


SIGNER = HashSigner()


def draft(n: int) -> Draft:
    return Draft(f"d{n}", "demo", n * 1000, "note", "HOLD", f"Note {n}", (f"{n} > 0",), evidence={"n": n})


def ledger(count: int) -> tuple[list[Entry], list[Head]]:
    entries: list[Entry] = []
    heads: list[Head] = []
    for n in range(1, count + 1):
        entries.append(seal(draft(n), n, entries[-1].hash if entries else GENESIS))
        heads += [sign_head(entries[-1], SIGNER, sealed=False), sign_head(entries[-1], SIGNER, sealed=True)]
    return entries, heads


def reseal(entries: list[Entry]) -> list[Entry]:
    """What a forger with the code but not the key can do: a chain that holds together."""
    made: list[Entry] = []
    for n, entry in enumerate(entries, start=1):
        made.append(seal(entry.draft, n, made[-1].hash if made else GENESIS))
    return made


def edit(entry: Entry) -> Entry:
    return dataclasses.replace(entry, draft=dataclasses.replace(entry.draft, verdict="ACCEPT"))


Attack = Callable[[list[Entry], int], list[Entry]]
ATTACKS: dict[str, Attack] = {
    "edited": lambda entries, i: [*entries[:i], edit(entries[i]), *entries[i + 1 :]],
    "edited and chained again": lambda entries, i: reseal([*entries[:i], edit(entries[i]), *entries[i + 1 :]]),
    "removed": lambda entries, i: [*entries[:i], *entries[i + 1 :]],
    "removed and chained again": lambda entries, i: reseal([*entries[:i], *entries[i + 1 :]]),
    "cut off": lambda entries, i: entries[:i],
    "inserted": lambda entries, i: reseal([*entries[:i], entries[i], *entries[i:]]),
    "extended": lambda entries, i: [*entries, seal(draft(99), len(entries) + 1, entries[-1].hash)],
}


@given(st.integers(0, 12))
def test_an_untouched_ledger_is_intact(count: int) -> None:
    entries, heads = ledger(count)
    assert audit(entries, heads, SIGNER).intact


@pytest.mark.parametrize("attack", ATTACKS)
@given(data=st.data())
def test_every_attack_is_found(attack: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    entries, heads = ledger(count)
    attacked = ATTACKS[attack](entries, data.draw(st.integers(0, count - 1)))
    assert not audit(attacked, heads, SIGNER).intact


def test_a_crash_between_signing_and_committing_is_no_attack() -> None:
    entries, heads = ledger(3)
    never_committed = seal(draft(4), 4, entries[-1].hash)
    heads.append(sign_head(never_committed, SIGNER, sealed=False))
    assert audit(entries, heads, SIGNER).intact


def test_a_crash_between_committing_and_sealing_is_no_attack() -> None:
    entries, heads = ledger(3)
    assert audit(entries, heads[:-1], SIGNER).intact


def test_removed_heads_are_found() -> None:
    entries, heads = ledger(3)
    assert not audit(entries, heads[:2], SIGNER).intact
    assert not audit(entries, [], SIGNER).intact


def test_a_forged_head_is_found() -> None:
    entries, heads = ledger(2)
    heads.append(Head(3, "f" * 64, True, "forged"))
    assert not audit(entries, heads, SIGNER).intact
