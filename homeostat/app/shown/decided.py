"""Why a decision was taken: its verdict in one sentence and in full, what it was judged from, and the verdict anew."""

from __future__ import annotations

from typing import Any

from homeostat.app.shown import views
from homeostat.control.policies.judging import sentence
from homeostat.control.policies.replay import KEPT, replay
from homeostat.control.state import ControlStore
from homeostat.governance.audit import Entry
from homeostat.kernel.errors import InvalidInput, NotFound

Json = dict[str, Any]
_NOT_KEPT = "This decision holds no situation: it is no verdict of a retraining policy, or an older release took it."


def explained(store: ControlStore, decision: str, *, replayed: bool, loop: str | None = None) -> Json:
    """All that the ledger knows of a decision, by its place there or by Homeostat's own id for it.

    ``replayed``: judge again, and say whether the verdict is equal. Raises: NotFound.
    """
    entry = _entry(store, decision)
    if entry is None or loop not in (None, entry.draft.loop):
        raise NotFound(
            f"There is no decision {decision!r}.",
            mend="'homeostat decisions' lists them, each after its number.",
            decision=decision,
        )
    evidence = dict(entry.draft.evidence)
    judged: Any = evidence.get("judged")
    kept = evidence.keys() >= KEPT
    return {
        **views.decision(entry),
        "loop": entry.draft.loop,
        "id": entry.draft.id,
        "sentence": sentence(entry.draft.verdict, list(entry.draft.reasons)),
        "policy": evidence.get("policy"),
        "policy_version": evidence.get("policy_version"),
        "situation": evidence.get("situation", evidence.get("matured")),
        "found": judged.get("found") if kept else None,
        "guards": judged.get("guards", []) if kept else [],
        "problem": None if kept else _NOT_KEPT,
        "replay": _again(evidence, entry.draft.verdict) if replayed else None,
    }


def _again(evidence: Json, decided: str) -> Json:
    """What the judge says today; ``equal`` is null where there is nothing to judge from."""
    try:
        found = replay(evidence, decided)
    except InvalidInput as error:
        return {"equal": None, "problem": f"{error.problem} {error.mend}"}
    return {
        "equal": found.equal,
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "differences": list(found.differences),
        "problem": None,
    }


def _entry(store: ControlStore, decision: str) -> Entry | None:
    if not decision.isdecimal():
        return store.entry(decision)
    place = int(decision)
    found = store.entries(after=place - 1) if 0 < place < 2**63 else []
    return found[0] if found and found[0].seq == place else None
