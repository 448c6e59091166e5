"""Drills by plan: in their hours, when due, in quiet and under traffic, and never twice for one due time."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.control.drills import DrillSeen, begin, filed
from homeostat.control.rehearsals import Drills, Rehearsed, judge_rehearsal, late_by
from homeostat.control.state import Drill, LoopState, Retraining, Rollout, Standing
from homeostat.control.transitions import draft_of
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import duration, parse_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ACCEPT, DRILL, HOLD, INCONCLUSIVE, Verdict
from homeostat.serving.routing import Route
from tests.unit.control.rig import DAY, Site, loop_of

HOUR = duration("1h")
PLAN = Drills("90d", at="03:00-05:00")
NOW = parse_instant("2024-06-01T04:00:00Z")
QUIET = LoopState("late", 1, Route("late", 4, "v2", standby="v1"), {"v2": Standing("champion", NOW - DAY)})
SINCE = NOW - 100 * DAY
NEVER = Rehearsed(SINCE)


@pytest.mark.parametrize("hours", ["3-5", "03:00", "25:00-26:00", "03:00-03:00", "03:60-04:00", "24:00-03:00", ""])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(InvalidInput, match="no hours"):
        Drills(at=hours)


def test_a_drill_that_cannot_be_held_is_refused() -> None:
    for parts in ({"seconds": 0.0}, {"seconds": 61.0}, {"min_requests": -1}, {"every": "soon"}):
        with pytest.raises(InvalidInput):
            Drills(**parts)  # type: ignore[arg-type]


@given(st.integers(0, 1439), st.integers(0, 1440), st.integers(0, 10**16))
def test_the_hours_last_as_long_as_they_say_every_day(begin: int, end: int, now: int) -> None:
    if begin == end:
        return
    plan = Drills(at=f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}")
    minute, length = duration("1m"), ((end - begin) % 1440 or 1440) * duration("1m")
    opened = plan.opened(now)
    inside = (now - begin * minute) % DAY < length
    assert (opened is not None) == inside
    if opened is not None:
        assert opened <= now < opened + length
        assert opened % DAY == begin * minute
        assert plan.opened(opened) == opened


@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [
        ({}, DRILL, "due"),
        ({"now": NOW + 2 * HOUR}, HOLD, "not_due"),
        ({"plan": Drills("90d", at=None)}, HOLD, "not_due"),
        ({"plan": Drills("101d")}, HOLD, "not_due"),
        ({"known": Rehearsed(SINCE, NOW - 89 * DAY, NOW - 89 * DAY)}, HOLD, "not_due"),
        ({"known": Rehearsed(SINCE, NOW - 91 * DAY, NOW - 91 * DAY)}, DRILL, "due"),
        ({"known": Rehearsed(SINCE, None, NOW - 1)}, HOLD, "tried"),
        ({"known": Rehearsed(SINCE, None, NOW - DAY)}, DRILL, "due"),
        ({"known": Rehearsed(None)}, HOLD, "not_due"),
        ({"requests": None}, INCONCLUSIVE, "too_few_requests"),
        ({"requests": 19}, INCONCLUSIVE, "too_few_requests"),
        ({"all_follow": False}, HOLD, "busy"),
        ({"rollout": Rollout("r", "v3", "v2", 0, 0, 0, 0)}, HOLD, "busy"),
        ({"retraining": Retraining("w", "v3", 0, "x")}, HOLD, "busy"),
        ({"drill": Drill("v2-drill", "v2", "v1", 0)}, HOLD, "busy"),
        ({"route": Route("late", 0, None)}, HOLD, "not_due"),
    ],
)
def test_it_is_held_only_when_all_is_right(change: dict[str, object], verdict: str, code: str) -> None:
    asked = {"plan": PLAN, "known": NEVER, "requests": 20, "now": NOW, "all_follow": True, **change}
    of_state = {name: asked.pop(name) for name in ("rollout", "retraining", "drill", "route") if name in asked}
    found = judge_rehearsal(dataclasses.replace(QUIET, **of_state), **asked)  # type: ignore[arg-type]
    assert (found.name, found.reasons[0].code) == (verdict, code)


PASSED = DrillSeen(2, 0.03, 0.02, 100, 1e-8, ())
SERVES = draft_of(QUIET, "late/retrain/v1", "promote", "v1 serves", Verdict(ACCEPT, ()), "v1", SINCE, {})
LATER = draft_of(QUIET, "late/rollout/v2", "promote", "v2 serves", Verdict(ACCEPT, ()), "v2", NOW - DAY, {})
OUTCOMES = {"passed": PASSED, "failed": dataclasses.replace(PASSED, worst=0.2), "nothing": None}


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(sorted(OUTCOMES)), st.booleans()), max_size=120))
def test_whatever_dies_or_fails_none_is_held_twice_in_the_same_hours_nor_before_it_is_due(
    looks: list[tuple[int, str, bool]],
) -> None:
    """Each look comes some hours after the last; a drill may die after its beginning, without a report."""
    ledger: list[Draft] = [SERVES]
    held: list[int] = []
    plan, now, passed = Drills("3d", at="03:00-05:00"), NOW, None
    for hours, ends, dies in looks:
        now += hours * HOUR // 3
        known = Rehearsed.of(ledger)
        if judge_rehearsal(QUIET, plan, known, 50, now).name != DRILL:
            continue
        assert passed is None or now - passed > 3 * DAY
        held.append(now)
        begun = begin(QUIET, "v2-drill", now, "schedule")
        ledger += begun.drafts
        seen = OUTCOMES[ends]
        if seen is not None and not dies:
            ledger += filed(QUIET, "v2", seen, now, "schedule").drafts
            passed = now if ends == "passed" else passed
    opened = [plan.opened(at) for at in held]
    assert None not in opened
    assert len(set(opened)) == len(opened)


def test_only_a_drill_that_passed_makes_the_next_one_not_overdue_and_no_new_champion_does() -> None:
    assert late_by(PLAN, Rehearsed.of([]), NOW) is None
    drafts = [SERVES, LATER, *filed(QUIET, "v2", OUTCOMES["failed"] or PASSED, NOW - DAY, "me").drafts]
    assert late_by(PLAN, Rehearsed.of(drafts), NOW) == 10 * DAY
    drafts += filed(QUIET, "v2", PASSED, NOW - DAY, "me").drafts
    assert Rehearsed.of(drafts) == Rehearsed(SINCE, NOW - DAY, NOW - DAY)
    assert late_by(PLAN, Rehearsed.of(drafts), NOW) is None


def test_a_loop_says_how_often_or_also_when() -> None:
    assert loop_of(drills="30d").drill_plan == Drills("30d", at=None)
    assert loop_of(drills=hs.Drills("30d")).drill_plan == Drills("30d", at="03:00-05:00")
    assert loop_of(drills=None).drill_plan is None
    with pytest.raises(InvalidInput, match="duration"):
        loop_of(drills="now and then")


def test_one_that_nobody_lived_to_end_counts_as_tried(tmp_path: Path) -> None:
    site = Site(tmp_path)
    before = site.live(1, 6)
    begun = begin(before, "v1-drill", NOW, "schedule")
    site.store.commit(before, begun.state, begun.drafts, ())
    site.process.recover()
    state, drafts = site.store.state("demo"), [entry.draft for entry in site.store.entries("demo")]
    assert state.drill is None
    assert (Rehearsed.of(drafts).passed_at, Rehearsed.of(drafts).tried_at) == (None, NOW)
    assert judge_rehearsal(state, PLAN, Rehearsed.of(drafts), 50, NOW + 1).reasons[0].code == "tried"
    assert judge_rehearsal(state, PLAN, Rehearsed.of(drafts), 50, NOW + DAY).name == DRILL
    assert ACCEPT not in [draft.verdict for draft in drafts if draft.kind == "drill"]
