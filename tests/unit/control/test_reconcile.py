"""The reconciler: it acts on news only, once, whatever happens to its process in between."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homeostat as hs
from homeostat.adapters.sql import database
from homeostat.control.by_hand import roll_back_by_hand
from homeostat.control.days import Day
from homeostat.control.state import LoopState
from homeostat.governance.audit import audit
from homeostat.kernel.errors import Unavailable
from homeostat.kernel.verdicts import ROLL_BACK, Reason, Verdict
from tests.unit.control.rig import DAY, Fate, Outside, Site

LAST = 18
"""The midnight by which the second version is promoted; a third one is due at once."""
ASKED = Verdict(ROLL_BACK, (Reason("asked_for", "me", None, "asked for by me"),))


@pytest.fixture(scope="module")
def peace(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A whole retraining and rollout without a death."""
    site = Site(tmp_path_factory.mktemp("peace"))
    site.live(1, LAST)
    return site


def _kinds(site: Site) -> list[str]:
    return [entry.draft.kind for entry in site.store.entries()]


def test_a_loop_is_trained_watched_retrained_rolled_out_and_promoted(peace: Site) -> None:
    whole = "bootstrap gate promote retrain gate canary advance advance advance promote retrain gate canary"
    assert _kinds(peace) == whole.split()
    state = peace.store.state("demo")
    assert (state.route.champion, state.route.standby, state.route.canary) == ("v2", "v1", "v3")
    assert {name: found.name for name, found in state.versions.items()} == {
        "v1": "standby",
        "v2": "champion",
        "v3": "candidate",
    }
    generations = [route.generation for route in peace.outside.served]
    assert peace.outside.served[-1] == state.route
    assert generations == sorted(generations)


def test_the_gates_decision_says_what_serves_the_version_and_why(peace: Site) -> None:
    decided = [entry.draft.evidence for entry in peace.store.entries() if entry.draft.kind == "gate"]
    assert decided
    assert all(seen["served_by"] == {"runtime": "skops", "why_not_onnx": "It has no ONNX form."} for seen in decided)


@pytest.mark.parametrize("last", [6, 11, 15, 18])
def test_looking_again_without_news_changes_nothing(tmp_path: Path, last: int) -> None:
    site = Site(tmp_path)
    before = site.live(1, last)
    entries = site.store.entries()
    for _ in range(3):
        assert site.process.tick(last * DAY) == before
    assert site.store.entries() == entries


def test_killed_before_any_call_of_a_port_it_ends_up_the_same(peace: Site, tmp_path: Path) -> None:
    moments = peace.fate.seen
    assert moments > 25
    for moment in range(1, moments + 1):
        site = _site(tmp_path / str(moment), Fate(moment))
        site.live(1, LAST)
        assert site.deaths == 1
        _ended_up_the_same(site, peace)


@pytest.mark.parametrize("seed", range(10))
def test_killed_again_and_again_it_ends_up_the_same(peace: Site, tmp_path: Path, seed: int) -> None:
    drawn = np.random.default_rng(seed)
    moments = drawn.choice(2 * peace.fate.seen, size=peace.fate.seen, replace=False)
    site = _site(tmp_path / "home", Fate(*(int(moment) + 1 for moment in moments)))
    site.live(1, LAST)
    assert site.deaths > 3
    _ended_up_the_same(site, peace)


def _site(folder: Path, fate: Fate) -> Site:
    folder.mkdir()
    return Site(folder, fate=fate)


def _ended_up_the_same(site: Site, peace: Site) -> None:
    assert _timeless(site.store.state("demo")) == _timeless(peace.store.state("demo"))
    assert site.store.entries() == peace.store.entries()
    assert _days(site) == _days(peace)
    assert site.outside.registered == peace.outside.registered == ["v1", "v2", "v3"]
    assert site.outside.served[-1] == peace.outside.served[-1]
    assert audit(site.store.entries(), site.heads.read(), site.heads.signer).intact
    assert {ended.status for ended in site.disk.ended.values()} == {"DONE"}


def _timeless(state: LoopState) -> LoopState:
    """Without the number of times that it was written."""
    return dataclasses.replace(state, revision=0)


def _days(site: Site) -> list[Day]:
    return [day for _, day in site.store.days("demo")]


def test_a_candidate_whose_outcomes_are_worse_is_taken_back(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(harm={"v2": 0.02}))
    state = site.live(1, 15)
    assert _kinds(site)[3:] == ["retrain", "gate", "canary", "rollback"]
    assert site.store.entries()[-1].draft.reasons[0].startswith("log-loss above the champion's by at least 0.0")
    assert (state.route.champion, state.route.canary) == ("v1", None)
    assert state.versions["v2"].name == "rolled_back"


def test_a_candidate_that_never_proves_itself_is_taken_back_after_the_last_look(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(), rollout=hs.Canary(holds=("4d",) * 4, margin=0.0, looks=4))
    state = site.live(1, 27)
    assert site.store.entries()[6].draft.reasons[0].startswith("undecided after 4 looks")
    assert state.route.champion == "v1"


def test_a_candidate_that_does_not_answer_is_taken_back_the_next_day(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(faults={"v2"}))
    site.live(1, 12)
    entries = site.store.entries()
    assert _kinds(site)[3:] == ["retrain", "gate", "canary", "rollback"]
    assert entries[-1].draft.at - entries[-2].draft.at == DAY
    assert entries[-1].draft.reasons == ("40 of 40 rows failed: 1 > 0.01",)


def test_a_candidate_that_is_worse_offline_changes_nothing_for_anyone(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(offline={"v2": 0.02}))
    state = site.live(1, 12)
    assert _kinds(site)[3:] == ["retrain", "reject"]
    assert state.route.generation == 1
    assert state.versions["v2"].name == "rejected"


def test_a_training_that_fails_is_written_down_once_and_tried_again_when_due(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(failing={"v2"}))
    state = site.live(1, 17)
    assert _kinds(site)[3:6] == ["retrain", "fail", "retrain"]
    failed = site.store.entries()[4].draft
    assert failed.reasons == ("The function raised. Mend it.",)
    assert state.versions["v2"].name == "failed"
    assert site.outside.registered == ["v1", "v3"]


def test_a_first_version_that_fails_is_tried_again_a_day_later(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(failing={"v1"}))
    state = site.live(1, 10)
    asked = [entry.draft.at // DAY for entry in site.store.entries() if entry.draft.kind == "bootstrap"]
    assert asked[1] - asked[0] == 1
    assert state.route.champion == "v2"
    assert state.first_version == "v2"


def test_a_first_version_whose_code_was_mended_is_tried_at_once(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(failing={"v1", "v2"}))
    site.process.code = "raises"
    asked = next(day for day in range(1, 10) if site.live(day, day).retrained_at is not None)
    for code, hour, version in (("raises", 1, "v1"), ("raises, too", 2, "v2"), ("raises, too", 3, "v2"), ("", 4, "v3")):
        site.process.code = code
        site.process.settle(asked * DAY + hour * DAY // 24, 1.0)
        assert list(site.store.state("demo").versions)[-1] == version, hour
    assert site.store.state("demo").route.champion == "v3"


def test_a_person_who_rolls_back_amid_a_look_is_not_overruled(tmp_path: Path) -> None:
    site = Site(tmp_path)
    state = site.live(1, 13)
    assert state.route.canary == "v2"
    after, drafts = roll_back_by_hand(state, ASKED, 13 * DAY, "me")
    seen: list[LoopState] = []
    observe = site.outside.observe

    def interrupted(*arguments: object) -> object:
        if not seen:
            seen.append(site.store.commit(state, after, drafts, ()))
        return observe(*arguments)  # type: ignore[arg-type]

    site.outside.observe = interrupted  # type: ignore[method-assign, assignment]
    state = site.live(14, 14)
    assert seen
    assert state.route.canary is None
    assert state.versions["v2"].name == "rolled_back"
    assert _kinds(site)[-1] == "rollback"
    assert _timeless(state).route == seen[0].route
    assert [day.start // DAY for day in _days(site)] == list(range(5, 14))


def test_no_rollout_moves_on_while_a_replica_does_not_follow_and_no_look_is_spent(tmp_path: Path) -> None:
    site = Site(tmp_path)
    before = site.live(1, 12)
    assert before.rollout is not None
    site.process.lagging = lambda loop, generation: ["replica r2 serves nothing"]
    held = site.live(13, 16)
    assert (held.rollout, held.route) == (before.rollout, before.route)
    site.process.lagging = lambda loop, generation: []
    assert site.live(17, 17).route.generation > before.route.generation


def test_days_that_a_clock_which_was_ahead_took_for_ended_are_seen_again_once_they_are(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(quiet_from=7 * DAY))
    site.live(1, 7)
    site.process.settle(9 * DAY, 1.0)  # two days too early
    entries, written = site.store.entries(), {day.day: cursor for cursor, day in site.store.days("demo")}
    for now in (7 * DAY + 1, 8 * DAY - 1):
        state = site.process.tick(now)
        assert [day.end for day in site.process.days if day.end > now] == []
        assert state.decided_until == 9 * DAY
    assert site.store.entries() == entries
    for now in (8 * DAY, 9 * DAY):
        site.start_anew()
        site.process.tick(now)
        assert site.process.days[-1].end == now
    assert site.store.state("demo").early == ()
    again = {day.day: cursor for cursor, day in site.store.days("demo")}
    assert again.keys() == written.keys()
    moved = [name for name in again if again[name] != written[name]]
    assert moved[-2:] == sorted(again)[-2:]
    assert [entry for entry in site.store.entries() if entry not in entries] == []


def test_days_that_a_clock_which_was_ahead_took_for_ended_are_seen_again_also_where_somebody_decides_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, Outside(quiet_from=7 * DAY))
    site.live(1, 7)
    site.process.settle(9 * DAY, 1.0)
    site.process.tick(7 * DAY + 1)
    early = {day.day: cursor for cursor, day in site.store.days("demo")}
    commit = site.process.store.commit

    def second(before: LoopState, *others: Any) -> LoopState:
        monkeypatch.undo()
        commit(before, before, (), ())
        return commit(before, *others)

    monkeypatch.setattr(site.process.store, "commit", second)
    site.process.tick(8 * DAY)
    again = {day.day: cursor for cursor, day in site.store.days("demo")}
    assert again["d007"] > early["d007"]
    assert again["d008"] == early["d008"], "it has not ended yet"


def test_a_clock_that_is_set_back_for_a_moment_makes_no_served_day_be_seen_again(peace: Site, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.live(1, 14)
    written = _days(site)
    for now in (3 * DAY, 14 * DAY + 1):
        site.process.tick(now)
    assert sorted(site.process.days, key=lambda day: day.start) == sorted(written, key=lambda day: day.start)
    site.live(15, LAST)
    _ended_up_the_same(site, peace)


def test_days_that_could_not_be_written_are_seen_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PATIENCE", 0.01)
    site = Site(tmp_path)
    site.live(1, 7)
    with closing(sqlite3.connect(tmp_path / "control.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            site.process.tick(8 * DAY)
    site.process.tick(8 * DAY)
    assert max(day.end for day in _days(site)) == 8 * DAY
