"""A policy that asks before it retrains: nothing begins without an answer, and every answer is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

import homeostat as hs
from homeostat.control.policies.replay import replay
from homeostat.control.proposals import answer_proposal
from homeostat.control.state import Answer, LoopState
from homeostat.kernel.errors import Conflict, Refused
from homeostat.kernel.verdicts import ASK, RETRAIN
from tests.unit.control.rig import DAY, Fate, Site, loop_of

ASKING = dataclasses.replace(loop_of().retrain, ask="always", patience="4d")


def _asking(folder: Path, retrain: hs.Retrain = ASKING, fate: Fate | None = None) -> tuple[Site, LoopState]:
    """A site that serves its first version, on the day on which it asks for the second."""
    site = Site(folder, retrain=retrain, fate=fate)
    for number in range(1, 15):
        state = site.live(number, number)
        if state.asked is not None:
            return site, state
    raise AssertionError("nothing was asked")


def _answer(site: Site, state: LoopState, *, approved: bool, actor: str = "me") -> LoopState:
    assert state.asked is not None
    at = state.decided_until or 0
    said = answer_proposal(state, None, at, actor, "because", site.loop.retrain, approved=approved)
    return site.store.commit(state, said.state, said.drafts, ())


def _kinds(site: Site) -> list[str]:
    return [entry.draft.kind for entry in site.store.entries()]


def _day(state: LoopState) -> int:
    return (state.decided_until or 0) // DAY


def test_it_asks_once_on_its_evidence_and_nothing_begins(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    assert _kinds(site) == ["bootstrap", "gate", "promote", "ask"]
    draft = site.store.entries()[-1].draft
    assert (draft.title, draft.verdict) == ("A person is asked whether to train v2 to follow v1", ASK)
    assert "one more would exceed 5d" in draft.reasons[0]
    assert replay(draft.evidence).equal
    state = site.live(_day(state) + 1, _day(state) + 3)
    assert (_kinds(site)[-1], state.retraining, state.next_version) == ("ask", None, 2)


def test_an_approval_is_taken_up_at_the_next_look_and_only_once(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    state = _answer(site, state, approved=True)
    after = site.live(_day(state), _day(state) + 1)
    assert _kinds(site)[3:6] == ["ask", "approve", "retrain"]
    retrain = site.store.entries()[5].draft
    assert (retrain.verdict, retrain.reasons) == (RETRAIN, ("approved by me: because",))
    assert replay(retrain.evidence).equal
    assert after.asked is None


def test_a_refusal_stands_for_the_patience_and_then_it_asks_again(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    state = _answer(site, state, approved=False)
    site.live(_day(state), _day(state) + 3)
    assert _kinds(site)[3:] == ["ask", "refuse"]
    state = site.live(_day(state) + 4, _day(state) + 4)
    assert _kinds(site)[3:] == ["ask", "refuse", "ask"]
    assert state.asked is not None
    assert state.asked.answer is None


def test_without_an_answer_it_asks_anew_on_the_evidence_of_then(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    site.live(_day(state) + 1, _day(state) + 4)
    first, second = (entry.draft for entry in site.store.entries() if entry.draft.kind == "ask")
    assert second.at - first.at == 4 * DAY
    assert first.reasons != second.reasons


def test_of_two_answers_one_wins_and_an_answer_to_nothing_is_told(tmp_path: Path) -> None:
    site, before = _asking(tmp_path)
    state = _answer(site, before, approved=True, actor="anna")
    with pytest.raises(Conflict, match="anna was faster, and approved"):
        _answer(site, state, approved=False, actor="ben")
    with pytest.raises(Conflict, match="Something else"):
        answer_proposal(before, "another", before.decided_until or 0, "me", "late", ASKING, approved=True)
    late = (before.decided_until or 0) + 4 * DAY
    with pytest.raises(Refused, match="No retraining"):
        answer_proposal(before, None, late, "me", "late", ASKING, approved=True)


@pytest.mark.parametrize("approved", [True, False])
def test_killed_before_any_call_after_the_answer_it_ends_up_the_same(tmp_path: Path, approved: bool) -> None:
    peace, moments = _answered(tmp_path / "peace", approved, 0)
    for moment in range(1, moments + 1):
        site, _ = _answered(tmp_path / str(moment), approved, moment)
        assert site.store.entries() == peace.store.entries()


def _answered(folder: Path, approved: bool, moment: int) -> tuple[Site, int]:
    folder.mkdir()
    fate = Fate()
    site, state = _asking(folder, fate=fate)
    before = fate.seen
    fate.moments = {before + moment} if moment else set()
    state = _answer(site, state, approved=approved)
    site.live(_day(state), _day(state))
    assert site.deaths == bool(moment)
    return site, fate.seen - before


def test_the_state_of_an_older_release_is_read(tmp_path: Path) -> None:
    site = Site(tmp_path)
    state = site.live(1, 6)
    older = {name: value for name, value in msgspec.to_builtins(state).items() if name not in ("trainings", "asked")}
    assert msgspec.convert(older, LoopState) == dataclasses.replace(state, trainings=(), asked=None)
    assert msgspec.convert({"actor": "me", "reason": "go", "at": 5}, Answer).approved


def test_a_budget_counts_what_the_month_has_seen(tmp_path: Path) -> None:
    site = Site(tmp_path, retrain=dataclasses.replace(loop_of().retrain, budget=hs.Budget(trainings=1)))
    site.live(1, 30)
    assert _kinds(site).count("retrain") == 0
    assert "1 training in 1970-01: one more would exceed 1" in site.process.verdict.texts  # type: ignore[union-attr]
    site.live(31, 31)
    assert _kinds(site).count("retrain") == 1
