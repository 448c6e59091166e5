"""What becomes of versions when the loop's definitions change: who must leave, who may serve, what is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from homeostat.control import transitions
from homeostat.control.state import ControlStore, LoopState
from homeostat.control.transitions import Transition
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Duration, Instant, format_instant
from homeostat.kernel.verdicts import ACCEPT, REJECT, Verdict
from homeostat.serving.waiting import Waiting

Judge = Callable[[str], Verdict]


def let_go(state: LoopState, judge: Judge, now: Instant) -> Transition:
    """Take every version off the route that the loop can no longer feed; only proof makes one leave.

    A champion that must leave is followed by the newest version that served before and can still be fed: the
    standby if it can. When there is none, the route is empty and a first version is trained anew.
    """
    champion = state.route.champion
    drafts: tuple[Draft, ...] = ()
    if champion is not None and judge(champion).name == REJECT:
        return transitions.stand_down(state, judge(champion), now, _successor(state, judge))
    if state.rollout is not None and judge(state.rollout.candidate).name == REJECT:
        state, drafts = transitions.take_back(state, judge(state.rollout.candidate), now, {})
    standby = state.route.standby
    if standby is not None and judge(standby).name == REJECT:
        state, more = transitions.dismiss_standby(state, judge(standby), now)
        drafts += more
    return Transition(state, drafts)


def waiting_of(state: LoopState, store: ControlStore, verdict: Verdict | None, retry: Duration) -> Waiting | None:
    """Why nothing serves, as far as it was decided; None while a version does."""
    if state.route.champion is not None:
        return None
    before = _stood_down(state, store)
    found = _waiting(state, store, verdict, retry)
    return dataclasses.replace(found, text=f"{before}; {found.text}") if before else found


def _waiting(state: LoopState, store: ControlStore, verdict: Verdict | None, retry: Duration) -> Waiting:
    if state.retraining is not None:
        asked = state.retraining
        since = format_instant(asked.asked_at)
        return Waiting("training", f"{asked.version} is being trained on what was known at {since}", asked.version)
    if state.held is not None:
        return Waiting("asking", f"{state.held.problem}; see 'homeostat approvals'", state.held.version)
    newest = f"v{state.next_version - 1}"
    standing = state.versions.get(newest)
    if standing is not None and state.retrained_at is not None and standing.name in ("rejected", "failed"):
        kind, next_try = ("reject" if standing.name == "rejected" else "fail"), state.retrained_at + retry
        return Waiting(standing.name, _told(store, f"{state.loop}/retrain/{newest}/{kind}", newest), newest, next_try)
    reasons = verdict.texts if verdict is not None else ("labels are counted at the next look",)
    return Waiting("collecting", "; ".join(reasons))


def _stood_down(state: LoopState, store: ControlStore) -> str:
    entry = store.entry(transitions.stand_down_id(state.loop, state.route.generation))
    return "" if entry is None else f"{entry.draft.version} cannot be fed any more ({'; '.join(entry.draft.reasons)})"


def _told(store: ControlStore, entry_id: str, version: str) -> str:
    entry = store.entry(entry_id)
    if entry is None:
        return f"{version} came to nothing"
    title = entry.draft.title
    return f"{title[:1].lower()}{title[1:]} ({'; '.join(entry.draft.reasons)})"


def _successor(state: LoopState, judge: Judge) -> str | None:
    served = [name for name, standing in state.versions.items() if standing.name == "retired"]
    newest_first = sorted(served, key=lambda name: -int(name.removeprefix("v")))
    standby = [state.route.standby] if state.route.standby else []
    return next((name for name in [*standby, *newest_first] if judge(name).name == ACCEPT), None)
