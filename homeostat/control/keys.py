"""What people do about the keys that sign versions, as decisions: about every loop whose versions they prove."""

from __future__ import annotations

from collections.abc import Mapping

from homeostat.control.state import LoopState
from homeostat.control.transitions import Transition
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.verdicts import ACCEPT, REJECT

SIGN = "sign"
KINDS_OF_STANDING: Mapping[str, tuple[str, ...]] = {
    "signing": ("rotate_key",),
    "trusted": ("trust_key", "rotate_key"),
    "revoked": ("revoke_key",),
}
"""The decisions by any of which a key came to stand as it does; the first is told of one that no ledger knows."""
_TITLES: Mapping[str, str] = {
    "rotate_key": "Key {key} signs versions from now on",
    "trust_key": "Key {key} is believed",
    "revoke_key": "Key {key} is believed no more",
}


def name_of(loop: str, key: str, kind: str) -> str:
    """The name of the one decision of this kind about a key."""
    return f"{loop}/keys/{key}/{kind}"


def key_changed(state: LoopState, kind: str, key: str, reason: str, actor: str, at: Instant) -> Transition:
    """A key came to stand otherwise: it signs now, is believed, or no more. ``at`` is by the machine's clock.

    Keys belong to the machine: the ledger keeps when it was done here, and as of which moment of the loop.
    """
    verdict = REJECT if kind == "revoke_key" else ACCEPT
    title = _TITLES[kind].format(key=key[:16])
    return _recorded(state, name_of(state.loop, key, kind), kind, verdict, title, reason, actor, {"key": key}, at)


def countersigned(state: LoopState, version: str, key: str, reason: str, actor: str, at: Instant) -> Transition:
    """Somebody vouched for a version with a key; each time is a decision of its own."""
    name, title = f"{state.loop}/{version}/{state.revision}/{SIGN}", f"{version} is signed with key {key[:16]}"
    return _recorded(state, name, SIGN, ACCEPT, title, reason, actor, {"key": key}, at, version)


def _recorded(
    state: LoopState,
    name: str,
    kind: str,
    verdict: str,
    title: str,
    reason: str,
    actor: str,
    facts: Mapping[str, object],
    at: Instant,
    version: str | None = None,
) -> Transition:
    told = {**facts, "done_at": format_instant(at)}
    reasons = (reason,) if reason else ()
    now = state.decided_until or 0
    draft = Draft(name, state.loop, now, kind, verdict, title, reasons, version, actor, told)
    return Transition(state, (draft,))
