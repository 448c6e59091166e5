"""Writes to each loop's ledger the keys that came to stand as they do before it had a moment to write them at."""

from __future__ import annotations

from dataclasses import dataclass, field

from homeostat.adapters.signing.keyring import Key, Keyring
from homeostat.control.keys import KINDS_OF_STANDING, key_changed, name_of
from homeostat.control.state import ControlStore, LoopState

ACTOR = "homeostat"
_REASON = "it stood so before anything was decided here"


@dataclass(slots=True)
class KeysOnRecord:
    """Of each loop once, at the first look after its first decision: the key that `up` made, above all.

    What people do to keys from then on is recorded as they do it.
    """

    ring: Keyring
    store: ControlStore
    _done: set[str] = field(init=False, default_factory=set)

    def look(self, loop: str) -> None:
        """Nothing for a loop that has decided nothing yet. Raises: Conflict where somebody decides meanwhile; what is
        written by then is not written again."""
        if loop in self._done or self.store.state(loop).decided_until is None:
            return
        for key in self.ring.known():
            state = self.store.state(loop)
            if not self._recorded(state, key):
                kind = KINDS_OF_STANDING[key.standing][0]
                after, drafts = key_changed(state, kind, key.id, key.reason or _REASON, ACTOR, key.since)
                self.store.commit(state, after, drafts, ())
        self._done.add(loop)

    def _recorded(self, state: LoopState, key: Key) -> bool:
        names = (name_of(state.loop, key.id, kind) for kind in KINDS_OF_STANDING[key.standing])
        return any(self.store.entry(name) is not None for name in names)
