"""A rollout that asks a person: it holds meanwhile, harm still takes it back, and each answer counts once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.control.approvals import approve, refuse
from homeostat.control.rollouts import CanaryWindow, judge_canary
from homeostat.control.state import Answer, LoopState, Question
from homeostat.control.transitions import Transition
from homeostat.governance.audit import audit
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import Conflict, InvalidInput, Refused
from homeostat.kernel.verdicts import ADVANCE, ASK, HOLD, PROMOTE, ROLL_BACK
from homeostat.stats.intervals import Interval
from tests.unit.control.rig import DAY, Fate, Outside, Site

ALWAYS = hs.Canary(holds=("4d", "1d", "1d", "1d"), margin=0.01, ask="always")
UNDECIDED = hs.Canary(holds=("4d",) * 4, margin=0.0, looks=4, ask="inconclusive", patience="6d")


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 10, 9_000, 0.95)


GOOD, OPEN, BAD = interval(-0.02, -0.01), interval(-0.1, 0.1), interval(0.01, 0.02)
NOW = CanaryWindow(2, 5 * DAY, 3, due=True, requests=100, faults=0, difference=GOOD)
ASKED = Question("demo/rollout/v2/2", "advance to 100%", 9 * DAY, ("why",))
YES = dataclasses.replace(ASKED, answer=Answer("me", "fine", 9 * DAY))


def test_only_where_it_is_told_to_a_rollout_asks() -> None:
    spent = dataclasses.replace(NOW, looks=7, difference=OPEN)
    for ask, on_proof, on_nothing in (
        ("never", ADVANCE, ROLL_BACK),
        ("inconclusive", ADVANCE, ASK),
        ("always", ASK, ASK),
    ):
        limits = hs.Canary(ask=ask)  # type: ignore[arg-type]
        assert judge_canary(NOW, limits).name == on_proof
        assert judge_canary(spent, limits).name == on_nothing
        assert judge_canary(dataclasses.replace(NOW, step=0), limits).name == ADVANCE
        assert judge_canary(dataclasses.replace(NOW, step=3), limits).name == PROMOTE
    assert judge_canary(dataclasses.replace(NOW, step=0), hs.blue_green(ask="always")).name == ASK


@pytest.mark.parametrize("ask", ["inconclusive", "always"])
@pytest.mark.parametrize("asked", [None, ASKED, YES])
def test_harm_takes_it_back_whatever_is_asked_or_was_approved(ask: str, asked: Question | None) -> None:
    limits = hs.Canary(ask=ask)  # type: ignore[arg-type]
    window = dataclasses.replace(NOW, asked=asked)
    assert judge_canary(dataclasses.replace(window, difference=BAD), limits).name == ROLL_BACK
    assert judge_canary(dataclasses.replace(window, faults=50, due=False), limits).name == ROLL_BACK


def test_while_it_asks_it_holds_until_proof_an_answer_or_the_end_of_patience() -> None:
    limits = hs.Canary(ask="inconclusive")
    window = dataclasses.replace(NOW, asked=ASKED, difference=OPEN, waited=6 * DAY, looks=9)
    assert judge_canary(window, limits).name == HOLD
    assert judge_canary(dataclasses.replace(window, difference=GOOD), limits).name == ADVANCE
    assert judge_canary(dataclasses.replace(window, difference=GOOD), hs.Canary(ask="always")).name == HOLD
    assert judge_canary(dataclasses.replace(window, asked=YES, due=False), limits).name == ADVANCE
    late = judge_canary(dataclasses.replace(window, waited=7 * DAY), limits)
    assert (late.name, late.reasons[0].code) == (ROLL_BACK, "unanswered")
    assert judge_canary(dataclasses.replace(window, waited=9 * DAY, asked=YES), limits).name == ADVANCE


@given(
    st.sampled_from(["never", "inconclusive", "always"]),
    st.integers(0, 3),
    st.integers(0, 30),
    st.booleans(),
    st.integers(0, 200),
    st.floats(-0.2, 0.2),
    st.floats(0, 0.2),
    st.booleans(),
    st.integers(0, 20),
)
def test_without_proof_or_approval_nobody_moves_on(
    ask: str, step: int, looks: int, due: bool, rows: int, low: float, width: float, asked: bool, waited: int
) -> None:
    limits = hs.Canary(ask=ask)  # type: ignore[arg-type]
    question = ASKED if asked else None
    difference = interval(low, low + width)
    seen = CanaryWindow(step, DAY, looks, due, rows, 0, difference, question, waited * DAY)
    if judge_canary(seen, limits).name in (ADVANCE, PROMOTE):
        assert due
        assert rows
        assert difference.high < limits.margin
        assert not limits.asks_before(step)


@given(st.integers(4, 20), st.sampled_from(["never", "inconclusive", "always"]))
def test_all_looks_together_err_with_no_more_than_the_confidence_allows(looks: int, ask: str) -> None:
    limits = hs.Canary(looks=looks, ask=ask)  # type: ignore[arg-type]
    many = range(looks if ask == "never" else looks + 2_000)
    assert sum((1 - limits.look_confidence(look)) / 2 for look in many) <= 0.05 + 1e-9
    assert all(0.5 < limits.look_confidence(look) < 1 for look in many)
    assert limits.look_confidence(0) == pytest.approx(1 - 2 * 0.05 / looks)


def test_a_rollout_that_cannot_ask_is_refused() -> None:
    with pytest.raises(InvalidInput, match="sometimes"):
        hs.Canary(ask="sometimes")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="duration"):
        hs.Canary(patience="long")


def _asking(folder: Path, **parts: object) -> tuple[Site, LoopState]:
    site = Site(folder, rollout=ALWAYS, **parts)  # type: ignore[arg-type]
    state = site.live(1, 17)
    assert state.rollout is not None
    assert state.rollout.asked is not None
    return site, state


def _kinds(site: Site) -> list[str]:
    return [entry.draft.kind for entry in site.store.entries()]


def _commit(site: Site, state: LoopState, said: Transition) -> LoopState:
    return site.store.commit(state, said.state, said.drafts, ())


def test_it_asks_once_with_its_evidence_and_keeps_its_share(tmp_path: Path) -> None:
    site, before = _asking(tmp_path)
    assert _kinds(site)[5:] == ["canary", "advance", "advance", "ask"]
    draft = site.store.entries()[-1].draft
    assert draft.title == "A person is asked whether v2 may advance to 100%"
    assert draft.reasons[0].startswith("log-loss minus the champion's at most")
    held = site.live(18, 22)
    assert (_kinds(site)[-1], held.route) == ("ask", before.route)


def test_an_approval_is_taken_up_once_and_the_ledger_keeps_who_and_why(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    _commit(site, state, approve(state, None, 17 * DAY, "me", "the agents agree"))
    state = site.live(17, 19)
    assert _kinds(site)[8:12] == ["ask", "approve", "advance", "promote"]
    said, step = (entry.draft for entry in site.store.entries()[9:11])
    assert (said.actor, said.reasons) == ("me", ("approved by me: the agents agree",))
    assert step.reasons == said.reasons
    assert state.route.champion == "v2"


def test_a_refusal_takes_the_candidate_back_in_the_same_step(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    after = _commit(site, state, refuse(state, None, 17 * DAY, "me", "not before Christmas"))
    assert (after.rollout, after.route.champion, after.route.canary) == (None, "v1", None)
    assert after.versions["v2"].name == "rolled_back"
    assert _kinds(site)[-2:] == ["refuse", "rollback"]
    assert {entry.draft.actor for entry in site.store.entries()[-2:]} == {"me"}


def test_when_nobody_answers_it_is_taken_back(tmp_path: Path) -> None:
    site, _ = _asking(tmp_path)
    state = site.live(18, 24)
    assert "nobody answered" in site.store.entries()[9].draft.reasons[0]
    assert (_kinds(site)[9], state.versions["v2"].name) == ("rollback", "rolled_back")
    asked, back = (site.store.entries()[place].draft.at for place in (8, 9))
    assert back - asked == duration(ALWAYS.patience)


def test_what_could_not_be_decided_is_asked_instead_of_taken_back(tmp_path: Path) -> None:
    site = Site(tmp_path, rollout=UNDECIDED)
    state = site.live(1, 27)
    reasons = next(entry.draft.reasons for entry in site.store.entries() if entry.draft.kind == "ask")
    assert reasons[0].startswith("undecided after 4 looks")
    assert state.rollout is not None
    _commit(site, state, approve(state, None, 27 * DAY, "me", "I know better"))
    state = site.live(27, 27)
    assert state.rollout is not None
    assert (state.rollout.step, state.rollout.asked) == (1, None)


def test_harm_that_shows_while_it_asks_takes_it_back(tmp_path: Path) -> None:
    outside = Outside()
    site, _ = _asking(tmp_path, outside=outside)
    outside.faults.add("v2")
    site.live(18, 20)
    assert _kinds(site)[8:10] == ["ask", "rollback"]
    assert "rows failed" in site.store.entries()[9].draft.reasons[0]


def test_of_two_answers_one_wins_and_the_other_is_told_who(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    first, second = approve(state, None, 17 * DAY, "anna", "good"), refuse(state, None, 17 * DAY, "ben", "bad")
    after = _commit(site, state, first)
    with pytest.raises(Conflict):
        _commit(site, state, second)
    with pytest.raises(Conflict, match="anna was faster"):
        refuse(after, None, 17 * DAY, "ben", "bad")
    assert [kind for kind in _kinds(site) if kind in ("approve", "refuse")] == ["approve"]


def test_an_answer_to_another_question_or_to_none_is_told(tmp_path: Path) -> None:
    site, state = _asking(tmp_path)
    with pytest.raises(Conflict, match="something else"):
        approve(state, "demo/rollout/v2/1", 17 * DAY, "me", "late")
    quiet = site.live(18, 25)
    with pytest.raises(Refused, match="Nothing is asked"):
        approve(quiet, None, 25 * DAY, "me", "late")


@pytest.mark.parametrize("asks", ["approve", "refuse"])
def test_killed_before_any_call_after_the_answer_it_ends_up_the_same(tmp_path: Path, asks: str) -> None:
    peace, moments = _answered(tmp_path / "peace", asks, 0)
    assert moments >= 1
    for moment in range(1, moments + 1):
        site, _ = _answered(tmp_path / str(moment), asks, moment)
        assert site.store.entries() == peace.store.entries()
        assert site.outside.served[-1] == peace.outside.served[-1]
        assert audit(site.store.entries(), site.heads.read(), site.heads.signer).intact


def _answered(folder: Path, asks: str, moment: int) -> tuple[Site, int]:
    """A site that was asked, answered, and whose process dies at a moment after the answer."""
    folder.mkdir()
    fate = Fate()
    site, state = _asking(folder, fate=fate)
    before = fate.seen
    fate.moments = {before + moment} if moment else set()
    said = approve if asks == "approve" else refuse
    _commit(site, state, said(state, None, 17 * DAY, "me", "because"))
    site.live(17, 19)
    assert site.deaths == bool(moment)
    return site, fate.seen - before
