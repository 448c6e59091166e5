"""When the loop's file changes, versions it can no longer feed leave the route, once, with the reason on record."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import homeostat as hs
from homeostat.control.honouring import let_go
from homeostat.control.state import LoopState, Rollout, Standing, initial_state
from homeostat.features.definitions import feature_set
from homeostat.kernel.verdicts import ACCEPT, INCONCLUSIVE, REJECT, Reason, Verdict
from homeostat.registry.binding import Binding
from homeostat.serving.routing import Route
from tests.unit.control.rig import DAY, Fate, Outside, Site, loop_of

ROLLOUT = Rollout("demo/rollout/v4", "v4", "v3", 0, 0, 0, DAY)
STANDINGS = {"v1": "retired", "v2": "standby", "v3": "champion", "v4": "candidate"}


def state(*, rollout: bool = True) -> LoopState:
    """v3 serves, v2 stands by, v1 served before; v4 is on its way in."""
    route = Route("demo", 5, "v3", canary="v4" if rollout else None, share=0.1 if rollout else 0.0, standby="v2")
    versions = {name: Standing(standing, 0) for name, standing in STANDINGS.items()}  # type: ignore[arg-type]
    return dataclasses.replace(
        initial_state("demo"), route=route, versions=versions, rollout=ROLLOUT if rollout else None, retrained_at=7
    )


def judge(*refused: str, unreadable: tuple[str, ...] = ()):  # type: ignore[no-untyped-def]
    """Refuses some versions, and can tell nothing of others."""

    def verdict(version: str) -> Verdict:
        name = REJECT if version in refused else INCONCLUSIVE if version in unreadable else ACCEPT
        return Verdict(name, (Reason("definition_changed", None, None, f"view sky changed for {version}"),))

    return verdict


@pytest.mark.parametrize(
    ("refused", "champion", "canary", "standby", "kinds"),
    [
        ((), "v3", "v4", "v2", []),
        (("v4",), "v3", None, "v2", ["rollback"]),
        (("v2",), "v3", "v4", None, ["dismiss"]),
        (("v2", "v4"), "v3", None, None, ["rollback", "dismiss"]),
        (("v3",), "v2", None, None, ["stand_down"]),
        (("v3", "v2"), "v1", None, None, ["stand_down"]),
        (("v3", "v2", "v1"), None, None, None, ["stand_down"]),
    ],
)
def test_who_cannot_be_fed_leaves_and_who_can_goes_on(
    refused: tuple[str, ...], champion: str | None, canary: str | None, standby: str | None, kinds: list[str]
) -> None:
    after, drafts = let_go(state(), judge(*refused), 9)
    assert (after.route.champion, after.route.canary, after.route.standby) == (champion, canary, standby)
    assert [draft.kind for draft in drafts] == kinds
    assert all("view sky changed" in draft.reasons[0] for draft in drafts)
    assert after.route.generation == 5 + len(kinds)
    assert let_go(after, judge(*refused), 10) == (after, ())
    assert (after.retrained_at is None) == (champion is None)


def test_a_version_whose_files_cannot_be_read_neither_leaves_nor_succeeds() -> None:
    kept, drafts = let_go(state(), judge(unreadable=("v3", "v4", "v2")), 9)
    assert (kept, drafts) == (state(), ())
    after, _ = let_go(state(rollout=False), judge("v3", unreadable=("v2",)), 9)
    assert after.route.champion == "v1"


def other() -> Binding:
    """Definitions that the loop of these tests does not have."""
    table = hs.Table("asked", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "y": hs.text()})
    return Binding.of(feature_set(table, [table["y"]]))


@pytest.mark.parametrize("moment", [None, 0, 1, 2, 3, 4])
def test_a_first_version_follows_when_nothing_old_can_be_fed_wherever_control_dies(
    tmp_path: Path, moment: int | None
) -> None:
    outside = Outside()
    site = Site(tmp_path, outside)
    assert site.live(8, 9).route.champion == "v1"
    outside.bound["v1"] = other()
    fate = Fate() if moment is None else Fate(moment + 1)
    again = Site(tmp_path, outside, fate)
    again.disk = site.disk
    found = again.live(10, 11)
    assert again.deaths == (moment is not None)
    assert (found.route.champion, found.first_version, found.rollout) == ("v2", "v2", None)
    entries = [(entry.draft.kind, entry.draft.version) for entry in again.store.entries("demo")]
    assert entries == [
        ("bootstrap", "v1"), ("gate", "v1"), ("promote", "v1"), ("stand_down", "v1"),
        ("bootstrap", "v2"), ("gate", "v2"), ("promote", "v2"),
    ]  # fmt: skip
    left = next(entry.draft for entry in again.store.entries("demo") if entry.draft.kind == "stand_down")
    assert left.reasons == ("the question: column y was dropped",)
    assert outside.waiting is None


def test_people_are_told_why_nothing_serves(tmp_path: Path) -> None:
    outside = Outside(offline={}, failing={"v1"})
    site = Site(tmp_path, outside, gate=hs.Gate(min_days=3, min_skill=0.28))
    site.live(2, 2)
    told = outside.waiting
    assert told is not None
    assert (told.code, told.next_try) == ("collecting", None)
    assert "later days with labels to judge by" in told.text
    site.live(8, 8)
    told = outside.waiting
    assert told is not None
    assert (told.code, told.version, told.next_try) == ("failed", "v1", 9 * DAY)
    assert "The function raised." in told.text
    site.live(9, 9)
    told = outside.waiting
    assert told is not None
    assert (told.code, told.version, told.next_try) == ("rejected", "v2", 10 * DAY)
    assert told.text == "v2 did not pass the gate (skill over the base rate may be 0.25 <= 0.28)"


def test_the_loop_of_these_tests_is_honoured_by_itself() -> None:
    assert Outside().binding("v1") == Binding.of(loop_of().feature_set)
