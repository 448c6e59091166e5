"""The way back of state, killed before and after every call that changes something, ends as if nobody had died."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

import homeostat as hs
from homeostat.adapters.files import checkpoints as on_disk
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.settings import Settings
from homeostat.app.versioned_state import by_hand, restorer
from homeostat.app.versioned_state.keeper import StateKeeper
from homeostat.app.versioned_state.places import check_state_places
from homeostat.app.versioned_state.restorer import Restorer
from homeostat.control.by_hand import roll_back_by_limits
from homeostat.control.loop import Loop
from homeostat.control.restoring import not_restored
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import IntegrityError, InvalidInput, NotFound, Refused
from homeostat.kernel.verdicts import ROLL_BACK, Reason, Verdict
from tests.harness.grown import grown_home
from tests.harness.world import LOOP


class Died(BaseException):
    """The process ends here."""


@dataclasses.dataclass
class Place:
    """A grown home whose loop keeps a folder of state: v2 serves."""

    home: Home
    loop: Loop
    operations: Operations

    @property
    def keeper(self) -> StateKeeper:
        found = self.operations.keeper(self.loop)
        assert found is not None
        return found

    @property
    def state(self) -> Path:
        return self.keeper.place

    def write(self, text: str) -> None:
        self.state.mkdir(exist_ok=True)
        (self.state / "what").write_text(text)

    def ask(self) -> dict[str, Any]:
        """A way back to the first checkpoint, as a workflow is given it."""
        begun = by_hand.put_back(self.operations, self.loop, "c1", actor="me")
        return {**begun["restoring"], "loop": LOOP}

    def restore(self, ask: dict[str, Any]) -> dict[str, Any]:
        return Restorer(self.keeper, lambda: -1).restore(ask)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    home = grown_home(tmp_path)
    loop = load_loops(Settings.load(home.root).loop_file)[LOOP]
    return Place(home, dataclasses.replace(loop, state=hs.StateFolder("beside")), Operations.open(home))


@contextmanager
def mortal(call: int, *, after: bool) -> Iterator[None]:
    """Die before, or after, the n-th call that changes something on the disk."""
    seen = [0]

    def wrapped(work: Callable[..., Any]) -> Callable[..., Any]:
        def one(*arguments: Any, **named: Any) -> Any:
            seen[0] += 1
            if seen[0] == call and not after:
                raise Died
            done = work(*arguments, **named)
            if seen[0] == call:
                raise Died
            return done

        return one

    with (
        mock.patch.object(on_disk, "copy_folder", wrapped(on_disk.copy_folder)),
        mock.patch.object(restorer, "intend_swap", wrapped(restorer.intend_swap)),
        mock.patch.object(restorer, "swap", wrapped(restorer.swap)),
        mock.patch.object(restorer, "copy_folder", wrapped(restorer.copy_folder)),
        mock.patch.object(shutil, "rmtree", wrapped(shutil.rmtree)),
        mock.patch.object(os, "rename", wrapped(os.rename)),
    ):
        yield


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 10))
def test_killed_anywhere_the_state_is_back_and_what_it_replaced_is_kept_once(
    place: Place, call: int, after: bool
) -> None:
    place.write("of v2, before")
    by_hand.take(place.operations, place.loop, actor="me")
    place.write("of v3")
    ask = place.ask()
    with mortal(call, after=after):
        try:
            place.restore(ask)
        except Died:
            assert (place.state / "what").read_text() in ("of v2, before", "of v3"), "never half"
    done = place.restore(ask)
    assert (place.state / "what").read_text() == "of v2, before"
    kept = [one for one in place.keeper.kept.all() if one.because == ask["id"]]
    assert [plain(one) for one in kept] == [done["kept"]]
    assert (place.keeper.folder / kept[0].id / "files" / "what").read_text() == "of v3"
    assert sorted(one.name for one in place.state.parent.iterdir() if "beside" in one.name) == ["beside"]


def test_what_cannot_be_kept_is_left_beside_and_told(place: Place) -> None:
    place.write("of v2")
    by_hand.take(place.operations, place.loop, actor="me")
    (place.state / "odd").symlink_to("what")
    done = place.restore(place.ask())
    assert done["kept"] is None
    assert "symbolic link" in done["not_kept"]
    (beside,) = [one for one in place.state.parent.iterdir() if one.name.startswith(".beside")]
    assert str(beside) in done["not_kept"]
    assert (beside / "odd").is_symlink()
    assert not (place.state / "odd").exists()


def test_a_folder_that_is_not_there_yet_is_state_too(place: Place) -> None:
    by_hand.take(place.operations, place.loop, actor="me")
    place.write("of v3")
    place.restore(place.ask())
    assert list(place.state.iterdir()) == []


def test_a_checkpoint_that_is_gone_is_listed_and_refused(place: Place) -> None:
    place.write("of v2")
    taken = by_hand.take(place.operations, place.loop, actor="me")
    assert [one["problems"] for one in by_hand.listed(place.operations, place.loop, verify=True)] == [[]]
    assert [one["problems"] for one in by_hand.listed(place.operations, place.loop, verify=False)] == [None]
    ask = place.ask()
    with pytest.raises(Refused, match="is being put back"):
        by_hand.take(place.operations, place.loop, actor="me")
    shutil.rmtree(place.keeper.folder / taken["id"])
    (told,) = by_hand.listed(place.operations, place.loop, verify=True)
    assert told["problems"] == ["There is no checkpoint c1 here."]
    with pytest.raises(NotFound):
        place.restore(ask)
    assert (place.state / "what").read_text() == "of v2"
    with pytest.raises(IntegrityError):
        place.ask()
    with pytest.raises(NotFound, match="'c9'"):
        by_hand.put_back(place.operations, place.loop, "c9", actor="me")


def test_a_rollback_asks_for_its_state_in_the_same_commit_and_one_without_state_refuses_the_option(
    place: Place,
) -> None:
    loop = dataclasses.replace(place.loop, state=None)
    with pytest.raises(Refused, match="declares no state"):
        place.operations.rollback(LOOP, "wrong", actor="me", now=None, way="restore", declared=loop)
    place.write("of v2")
    by_hand.take(place.operations, place.loop, actor="me")
    done = place.operations.rollback(LOOP, "v3 had a quarter", actor="me", now=None, declared=place.loop)
    assert "restoring" not in done, "what the champion did for the others stays"
    told = done["decision"]["evidence"]["versioned_state"]
    assert (told["state"], "25%" in told["because"][0]) == ("leave", True)
    with pytest.raises(Refused, match="no checkpoint of the state of v1"):
        place.operations.rollback(LOOP, "wrong", actor="me", now=None, way="restore", declared=place.loop)
    assert place.operations.state(LOOP).route.champion == "v2"


def test_limits_do_not_act_twice_while_state_is_on_its_way(place: Place) -> None:
    place.write("of v2")
    by_hand.take(place.operations, place.loop, actor="me")
    place.ask()
    before = place.operations.state(LOOP)
    assert place.operations.take_back(place.loop, mock.Mock(), 9)
    assert place.operations.state(LOOP) == before


@pytest.mark.parametrize("path", [".", "home", "home/beside", "loop.py"])
def test_a_folder_that_cannot_be_replaced_by_itself_is_refused_before_anything_starts(place: Place, path: str) -> None:
    loop = dataclasses.replace(place.loop, state=hs.StateFolder(str(place.home.root.parent / path)))
    with pytest.raises(InvalidInput, match="lies in Homeostat's home, or holds"):
        check_state_places(Settings.load(place.home.root), {LOOP: loop})


def test_two_loops_do_not_share_a_folder(place: Place) -> None:
    other = dataclasses.replace(place.loop, name="other", state=hs.StateFolder("beside/below"))
    with pytest.raises(InvalidInput, match="in one folder"):
        check_state_places(Settings.load(place.home.root), {LOOP: place.loop, "other": other})


class Registry:
    """Has every version, bound to the loop's definitions."""

    def __init__(self, loop: Loop) -> None:
        self.pin = SimpleNamespace(feature_hash=loop.feature_set.hash)
        self.definitions, self.task = loop.feature_set.definitions, None

    def get(self, loop: str, version: str) -> Registry:
        return self

    def folder(self, loop: str, version: str, *, anew: bool = False) -> None:
        """Its files are fetched anew."""


def test_a_version_that_has_no_state_to_come_back_to_is_redeployed_only_after_what_serves_is_kept(
    place: Place,
) -> None:
    registry: Any = Registry(place.loop)
    place.state.symlink_to(place.home.root.parent)
    with pytest.raises(InvalidInput, match="lies in Homeostat's home, or holds"):
        place.operations.redeploy(place.loop, "v1", "try", registry, actor="me", override=False)
    assert place.operations.state(LOOP).route.champion == "v2"
    done = place.operations.rollback(LOOP, "v3 is bad", actor="me", now=None, declared=place.loop)
    assert done["route"]["canary"] is None, "a way back asks nothing of the folder"
    place.state.unlink()
    place.write("of v2")
    done = place.operations.redeploy(place.loop, "v1", "try", registry, actor="me", override=False)
    assert done["route"]["champion"] == "v1"
    (kept,) = place.keeper.kept.all()
    assert (kept.version, place.keeper.recorded(kept.id)) == ("v2", kept)
    back = place.operations.redeploy(place.loop, "v2", "worse", registry, actor="me", override=True)
    assert back["restoring"]["checkpoint"] == kept.id, "there is one to come back to now"


def test_on_the_machines_clock_a_checkpoint_is_of_the_moment_it_was_taken(place: Place) -> None:
    place.write("of v2")
    before = SystemClock().now()
    taken = place.keeper.take_by_hand("me")
    assert before <= taken.at <= SystemClock().now()


def test_where_state_could_not_be_put_back_the_next_limit_moves_the_users_first(place: Place) -> None:
    place.loop = dataclasses.replace(place.loop, state=hs.StateFolder("beside", first="state"))
    registry: Any = Registry(place.loop)
    place.operations.rollback(LOOP, "v3 is bad", actor="me", now=None, declared=place.loop)
    place.write("of v2")
    place.operations.redeploy(place.loop, "v1", "try", registry, actor="me", override=False)
    begun = place.operations.redeploy(place.loop, "v2", "worse", registry, actor="me", override=True)
    waits = place.operations.state(LOOP)
    assert (waits.route.champion, begun["restoring"]["leaving"]) == ("v1", "v1")
    assert begun["decision"]["evidence"]["then"]["title"] == "v1 is taken back; v2 serves again, by override"
    free = dataclasses.replace(waits, restoring=None, route=dataclasses.replace(waits.route, standby="v2"))
    moved = roll_back_by_limits(free, Verdict(ROLL_BACK, (Reason("slow", 2, 1, "slow"),)), 9)
    assert place.keeper.along(free, moved, 9).state.route == free.route
    failed = not_restored(waits, {"problem": "The checkpoint is damaged."})
    place.operations.store.commit(waits, failed.state, failed.drafts, ())
    assert place.keeper.along(free, moved, 9).state.route == moved.state.route


def test_another_rollback_while_state_is_on_its_way_is_not_taken_for_the_one_before(place: Place) -> None:
    place.write("of v2")
    by_hand.take(place.operations, place.loop, actor="me")
    seen = place.operations.state(LOOP).route.generation
    place.loop = dataclasses.replace(place.loop, state=hs.StateFolder("beside"))
    told = {"actor": "me", "now": None, "declared": place.loop}
    place.operations.rollback(LOOP, "why", **told, way="restore", generation=seen)
    again = place.operations.rollback(LOOP, "why", **told, generation=seen)
    assert again["route"]["generation"] == seen + 1, "asked twice, taken back once"
    with pytest.raises(Refused, match="is being put back"):
        place.operations.rollback(LOOP, "why", **told, generation=seen + 1)
