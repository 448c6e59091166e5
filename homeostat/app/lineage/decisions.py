"""Who let a version in: what the ledger says of it, in the order of its life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homeostat.app.shown import views
from homeostat.governance.audit import Entry

Json = dict[str, Any]
MADE = ("bootstrap", "retrain", "quantise")
GATE = ("gate", "reject", "fail")
APPROVALS = ("ask", "approve", "refuse")
IN = ("promote",)


def decided_about(entries: Sequence[Entry], version: str) -> Json:
    """Why it was made, what the gate found, who approved, what made it champion, and all else in order.

    A version that never was champion has no ``promoted``; one that a person put back has what put it back.
    """
    own = [one for one in entries if one.draft.version == version]
    return {
        "asked": _last(own, MADE),
        "gate": _last(own, GATE),
        "approvals": [shown(one) for one in own if one.draft.kind in APPROVALS],
        "promoted": _last(own, IN),
        "all": [_brief(one) for one in own],
    }


def shown(entry: Entry) -> Json:
    """A decision with its evidence and Homeostat's own id for it."""
    return {**views.decision(entry), "id": entry.draft.id}


def _brief(entry: Entry) -> Json:
    return {name: value for name, value in shown(entry).items() if name not in ("evidence", "hash")}


def _last(entries: Sequence[Entry], kinds: Sequence[str]) -> Json | None:
    found = [one for one in entries if one.draft.kind in kinds]
    return shown(found[-1]) if found else None
