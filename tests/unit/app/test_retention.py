"""Deleting versions of a home: on record first, then gone, and finished later where the registry was away."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.app.settings import Settings
from homeostat.app.versions.retention import Retention
from homeostat.control.loop import Loop
from homeostat.control.retention import Keep
from homeostat.kernel.errors import Refused, Unavailable
from tests.harness.grown import BEGAN, grown_home
from tests.harness.world import DAY, LOOP
from tests.unit.serving.parts import model, save_version


class Registry:
    """Remembers what was deleted; ``away`` it deletes nothing."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.away = False

    def delete(self, loop: str, version: str) -> None:
        if self.away:
            raise Unavailable("The registry is away.", mend="Start it.")
        self.deleted.append(version)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """v3 is on trial beside champion v2; v1 stands by and was first; v4 and v5 were turned away."""
    home = grown_home(tmp_path)
    operations = Operations.open(home)
    state = operations.store.state(LOOP)
    after = state
    for name in ("v4", "v5"):
        save_version(home.versions, name, model(-1.0), loop=LOOP)
        after = after.standing(name, "rejected", 0)
    operations.store.commit(state, after, (), ())
    return home


@pytest.fixture
def loop(home: Home) -> Loop:
    return load_loop(Settings.load(home.root).loop_file, LOOP)


def opened(home: Home) -> tuple[Retention, Any]:
    registry: Any = Registry()
    return Retention(Operations.open(home), registry), registry


def kinds(home: Home) -> list[tuple[str, str | None, str]]:
    entries = Operations.open(home).store.entries(LOOP)
    return [(one.draft.kind, one.draft.version, one.draft.actor) for one in entries[-2:]]


def test_a_deletion_is_in_the_ledger_with_what_the_version_was_and_its_files_are_gone(home: Home, loop: Loop) -> None:
    kept, registry = opened(home)
    kept.delete(loop, "v4", "it was a mistake", "ann")
    assert registry.deleted == ["v4"]
    assert not (home.versions / LOOP / "v4").exists()
    entry = Operations.open(home).store.entries(LOOP)[-1].draft
    assert (entry.kind, entry.actor, entry.reasons) == ("delete", "ann", ("asked for by ann: it was a mistake",))
    assert entry.evidence["manifest"]["version"] == "v4"  # type: ignore[index]
    assert Operations.open(home).verify_ledger()["intact"]


def test_what_serves_or_is_pinned_is_not_deleted(home: Home, loop: Loop) -> None:
    kept, registry = opened(home)
    kept.pin(loop, "v5", "audit", "ann")
    for version in ("v1", "v2", "v3", "v5"):
        with pytest.raises(Refused, match="is needed"):
            kept.delete(loop, version, "tidy", "ann")
    assert registry.deleted == []
    assert [one["version"] for one in kept.prune(loop, Keep(last=1), "ann")] == ["v4"]
    kept.unpin(loop, "v5", "audit is over", "ann")
    assert kinds(home) == [("delete", "v4", "ann"), ("unpin", "v5", "ann")]


def test_a_registry_that_is_away_leaves_a_deletion_on_record_that_the_next_look_finishes(
    home: Home, loop: Loop
) -> None:
    kept, registry = opened(home)
    registry.away = True
    with pytest.raises(Unavailable):
        kept.delete(loop, "v4", "tidy", "ann")
    assert kinds(home)[-1] == ("delete", "v4", "ann")
    assert (home.versions / LOOP / "v4").exists()
    registry.away = False
    assert kept.prune(loop, Keep(), "ann") == []
    assert registry.deleted == ["v4"]
    assert not (home.versions / LOOP / "v4").exists()
    assert len([one for one in Operations.open(home).store.entries(LOOP) if one.draft.kind == "delete"]) == 1


def test_control_deletes_nothing_unless_the_loop_says_so(home: Home, loop: Loop) -> None:
    kept, registry = opened(home)
    kept.look(loop, 1_800_000_000_000_000)
    assert registry.deleted == []
    object.__setattr__(loop, "keep", Keep(last=1))
    kept.look(loop, 1_800_000_000_000_000)
    assert registry.deleted == ["v4"]
    assert kinds(home)[-1] == ("delete", "v4", "policy")


def test_a_plan_says_why_each_version_stays_or_goes(home: Home, loop: Loop) -> None:
    kept, _ = opened(home)
    told = {one["version"]: (one["verdict"], one["why"]) for one in kept.plan(loop, Keep(last=1))}
    assert told["v2"] == ("KEEP", "it is on the route")
    assert told["v4"] == ("DELETE", "nothing needs it, and the policy does not keep it")


def test_where_the_clock_was_ahead_a_person_prunes_nothing_that_is_young(home: Home, loop: Loop) -> None:
    kept, registry = opened(home)
    state = kept.operations.store.state(LOOP)
    after = state.standing("v4", "rejected", BEGAN).standing("v5", "rejected", BEGAN - 400 * DAY)
    ahead = dataclasses.replace(after, decided_until=BEGAN + 900 * DAY)
    kept.operations.store.commit(state, ahead, (), ())
    told = {one["version"]: one["verdict"] for one in kept.plan(loop, Keep(age="180d"))}
    assert (told["v4"], told["v5"]) == ("KEEP", "DELETE")
    kept.prune(loop, Keep(age="180d"), "ann")
    assert registry.deleted == ["v5"]
