"""What is needed never goes; the rest by policy, newest first, and every change is a decision."""

from __future__ import annotations

import dataclasses

import pytest

from homeostat.control.days import Day, Inputs
from homeostat.control.retention import DELETE, KEEP, Keep, delete, judge_retention, needed, pin, present, unpin
from homeostat.control.state import Drill, Held, LoopState, Retraining, Rollout, Standing, StandingName, initial_state
from homeostat.kernel.errors import InvalidInput, NotFound, Refused
from homeostat.kernel.verdicts import Reason, Verdict
from homeostat.registry.models import Variant
from homeostat.serving.routing import Route, Shadow

DAY = 86_400_000_000
GO = Verdict(DELETE, (Reason("asked_for", "me", None, "asked for by me: tidy"),))
STANDINGS: dict[str, StandingName] = {
    "v1": "retired",
    "v2": "rejected",
    "v3": "failed",
    "v4": "retired",
    "v5": "rolled_back",
    "v6": "retired",
    "v7": "standby",
    "v8": "rejected",
    "v9": "champion",
}


def state_of(**changes: object) -> LoopState:
    """v9 serves and v7 stands by; v1 was first; v6 served last before them."""
    standings = {name: Standing(one, number * DAY) for number, (name, one) in enumerate(STANDINGS.items(), start=1)}
    route = Route(loop="late", generation=9, champion="v9", standby="v7")
    told = {"versions": standings, "route": route, "first_version": "v1", "revision": 4, **changes}
    return dataclasses.replace(initial_state("late"), **told)  # type: ignore[arg-type]


def going(state: LoopState, keep: Keep, now: int = 100 * DAY) -> list[str]:
    judged = judge_retention(state, keep, {}, now)
    return [version for version, verdict in judged.items() if verdict.name == DELETE]


def test_by_default_everything_stays() -> None:
    assert going(state_of(), Keep()) == []
    assert "v3" not in judge_retention(state_of(), Keep(), {}, 0), "what was never made has no files"


def test_what_a_route_or_a_way_back_needs_stays_whatever_the_policy() -> None:
    assert going(state_of(), Keep(last=1)) == ["v8", "v5", "v4", "v2"]
    assert needed(state_of(), {}).keys() == {"v9", "v7", "v6", "v1"}


@pytest.mark.parametrize(
    "changes",
    [
        {"route": Route(loop="late", generation=9, champion="v9", canary="v5", share=0.1, salt="s")},
        {"route": Route(loop="late", generation=9, champion="v9", shadows=(Shadow("v5", 1.0),))},
        {"held": Held("v5", 0, 0, "no checkpoint")},
        {"rollout": Rollout("r", "v5", "v9", 0, 0, 0, 0)},
        {"drill": Drill("v10", "v9", "v5", 0)},
        {"retraining": Retraining("w", "v10", 0, "asked_for", Variant("v5", "int8"))},
    ],
    ids=["canary", "shadow", "held", "rollout", "drill", "variant"],
)
def test_what_is_under_way_needs_its_versions(changes: dict[str, object]) -> None:
    assert "v5" in needed(state_of(**changes), {})
    with pytest.raises(Refused, match="is needed"):
        delete(state_of(**changes), "v5", GO, {}, {}, DAY, "me")


def test_the_original_of_a_variant_that_stays_stays() -> None:
    assert needed(state_of(), {"v9": "v4"})["v4"] == "v9 was made of it"


def test_age_and_number_each_keep() -> None:
    assert going(state_of(), Keep(last=5)) == ["v4", "v2"]
    assert going(state_of(), Keep(age="4d"), now=9 * DAY) == ["v5", "v4", "v2"]
    assert going(state_of(), Keep(last=5, age="6d"), now=9 * DAY) == ["v2"]


def test_a_pinned_version_stays_until_it_is_unpinned() -> None:
    pinned, (draft,) = pin(state_of(), "v2", "audit of May", 5 * DAY, "ann")
    assert (draft.kind, draft.actor, draft.version) == ("pin", "ann", "v2")
    assert "v2" not in going(pinned, Keep(last=1))
    with pytest.raises(Refused, match="ann pinned it: audit of May"):
        delete(pinned, "v2", GO, {}, {}, DAY, "me")
    free, (draft,) = unpin(dataclasses.replace(pinned, revision=5), "v2", "done", 6 * DAY, "ann")
    assert draft.kind == "unpin"
    assert "v2" in going(free, Keep(last=1))
    with pytest.raises(NotFound, match="is not pinned"):
        unpin(free, "v2", "again", 7 * DAY, "ann")


def test_a_deletion_is_a_decision_that_keeps_what_the_version_was_and_happens_once() -> None:
    after, (draft,) = delete(state_of(), "v2", GO, {"manifest": {"loop": "late"}}, {}, 5 * DAY, "me")
    assert (draft.kind, draft.version, draft.evidence) == ("delete", "v2", {"manifest": {"loop": "late"}})
    assert after.versions["v2"] == Standing("deleted", 5 * DAY)
    assert "v2" not in judge_retention(after, Keep(last=1), {}, 0)
    for call in (lambda: delete(after, "v2", GO, {}, {}, DAY, "me"), lambda: pin(after, "v2", "x", DAY, "me")):
        with pytest.raises(Refused, match="v2 of 'late' was deleted"):
            call()
    with pytest.raises(NotFound, match="no version 'v77'"):
        delete(after, "v77", GO, {}, {}, DAY, "me")


def test_a_policy_that_keeps_nothing_is_none() -> None:
    for last, age in ((0, None), (None, "0d"), (-1, "3d")):
        with pytest.raises(InvalidInput):
            Keep(last, age)
    assert judge_retention(state_of(), Keep(last=1), {}, 0)["v9"].name == KEEP


def test_a_clock_that_is_ahead_deletes_nothing_by_age() -> None:
    def day(number: int, rows: int) -> Day:
        inputs = Inputs(rows, {}, {}, 0, "v9", {}, {}, None, {}, {})
        return Day(f"2024-01-{number:02}", number * DAY, (number + 1) * DAY, (number + 1) * DAY, inputs)

    served = [day(8, 40), day(9, 40), day(10, 0), day(11, 0)]
    assert [present(served, now) for now in (9 * DAY, 10 * DAY + 1, 900 * DAY)] == [9 * DAY, 10 * DAY, 10 * DAY]
    assert present([day(10, 0)], 12 * DAY) == present([], 12 * DAY) == 12 * DAY
    state = state_of()
    assert going(state, Keep(age="180d"), present(served, 900 * DAY)) == []
    assert going(state, Keep(age="180d"), 900 * DAY) != []
