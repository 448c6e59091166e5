"""Who signed a version, and whether its files are what was signed: looked at now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from homeostat.adapters.signing.keyring import Key, Keyring
from homeostat.app.lineage.decisions import GATE
from homeostat.app.lineage.proofs import proof_of
from homeostat.control.keys import SIGN
from homeostat.governance.audit import Entry
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import HomeostatError

Json = dict[str, Any]


def signature_of(folder: Path, loop: str, version: str, keys: Keyring, entries: Sequence[Entry]) -> Json:
    """Whether the version in ``folder`` is proven now, by which key, how that stands, and when the version was signed.

    ``key`` of a version that is not proven is what its signature says, which proves nothing; ``problem`` says why.
    ``signed_at`` is the moment of the decision that tells of it: a person's to sign it, or its gate's.
    """
    told = proof_of(folder, loop, version, keys)
    known = _known(keys, told["key"])
    decided = _decided(version, entries)
    return {
        **told,
        "standing": known.standing if known else None,
        "since": format_instant(known.since) if known else None,
        "signed_at": _when(decided) if decided and told["key"] else None,
        "decision": decided.seq if decided and told["key"] else None,
        "by": decided.draft.actor if decided and decided.draft.kind == SIGN else None,
    }


def _known(keys: Keyring, key: str | None) -> Key | None:
    try:
        return next((one for one in keys.known() if one.id == key), None)
    except HomeostatError:
        return None


def _decided(version: str, entries: Sequence[Entry]) -> Entry | None:
    """The last time that somebody vouched for it; before that, the gate, which judges what was signed just then."""
    own = [one for one in entries if one.draft.version == version]
    by_hand = [one for one in own if one.draft.kind == SIGN]
    return next(iter(by_hand[-1:] or [one for one in own if one.draft.kind in GATE][-1:]), None)


def _when(entry: Entry) -> str:
    return str(entry.draft.evidence.get("done_at") or format_instant(entry.draft.at))
