"""The page on a real control server: what it shows is what the loop did, and its button works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from homeostat.kernel.clock import format_instant
from tests.browser.real import Seen, tab
from tests.harness.first import FIRST, first_home
from tests.harness.running import Running, started, until
from tests.harness.world import LOOP_FILE, World, day, write_loop

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(600)]

NOW = 16
BY_OUTCOMES = "hs.Emergency() | hs.Realised(tolerance=0.1, trail=3) | "
TEXT = LOOP_FILE.replace(BY_OUTCOMES, "").replace('at_latest="20d"', 'at_latest="6d"')


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A loop whose first version serves, whose second one is on trial, with some rows kept apart."""
    folder, world = tmp_path_factory.mktemp("real"), World()
    with started(first_home(folder / "home"), write_loop(folder, text=TEXT)) as found:
        found.live(world, FIRST, NOW)
        found.send("visits", [{"visit": "odd"}], day(NOW))
        told = {"start": day(0), "until": day(20), "at": day(NOW)}
        body = {**{name: format_instant(at) for name, at in told.items()}, "phase": "serving"}
        found.control.post("/api/replay", json=body).raise_for_status()
        yield found


@pytest.fixture(scope="module")
def seen(browser: Browser, running: Running) -> Iterator[Seen]:
    """The page as a person opens it; the last test presses its button."""
    with tab(browser) as found:
        yield found.open(str(running.control.base_url))


def api(running: Running, what: str) -> Any:
    """What the control API says of the loop."""
    return running.control.get(f"/api/loops/{running.loop}/{what}").raise_for_status().json()


def test_it_shows_real_data_without_complaint(seen: Seen, running: Running, tmp_path: Path) -> None:
    assert seen.complaints == []
    assert seen.hosts == {urlsplit(str(running.control.base_url)).netloc}
    assert re.findall(r"\b(?:null|undefined|NaN|Invalid Date)\b", seen.page.inner_text("body")) == []
    shot = tmp_path / "dashboard.png"
    seen.page.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 50_000


def test_it_shows_the_route_and_the_rollout_that_is_open(seen: Seen, running: Running) -> None:
    rollout = api(running, "overview")["rollout"]
    assert seen.page.locator(".arm strong").all_inner_texts() == ["v1", "v2", "\N{EN DASH}"]
    assert seen.page.locator(".steps li strong").all_inner_texts() == ["5 %", "25 %", "50 %", "100 %"]
    assert seen.page.inner_text(
        ".steps [aria-current=step] strong"
    ) == f"{rollout['steps'][rollout['step']]:.0%}".replace("%", " %")
    assert f"judged {rollout['looks']} of at most {rollout['max_looks']} times" in seen.page.inner_text("#rollout")
    figure = f"{rollout['paired_difference']['value']:+.4f}".replace("-", "\N{MINUS SIGN}")
    assert seen.page.inner_text(".difference-figures strong") == figure


def test_it_shows_the_place_of_the_replay_and_the_totals(seen: Seen, running: Running) -> None:
    told = api(running, "overview")
    assert seen.page.inner_text(".place-now") == "17 Jan 2024"
    assert seen.page.get_attribute(".place .progress", "aria-valuenow") == "80"
    shown = {tile.get_attribute("data-total"): tile.inner_text() for tile in seen.page.locator("[data-total]").all()}
    assert shown == {name: f"{value:,}" for name, value in told["totals"].items()}
    assert told["totals"]["served"] == (NOW - FIRST) * 24 * World().per_hour
    chips = seen.page.inner_text(".chips").replace("\n", " ")
    assert "1 row kept apart" in chips
    assert "late" not in chips


def test_every_decision_is_listed_and_marked_in_its_lane(seen: Seen, running: Running) -> None:
    decisions = api(running, "decisions")["decisions"]
    titles = [one["title"] for one in reversed(decisions)]
    assert seen.page.locator("#decisions .decision-title strong").all_inner_texts() == titles
    assert [one["kind"] for one in decisions][:5] == ["bootstrap", "gate", "promote", "rotate_key", "retrain"]
    groups = [mark.get_attribute("data-seqs") or "" for mark in seen.page.locator(".mark").all()]
    assert {int(seq) for group in groups for seq in group.split()} == {one["seq"] for one in decisions}
    assert seen.page.locator(".decision[data-kind=bootstrap] svg.icon-bootstrap path").get_attribute("d")
    assert "First version" in seen.page.inner_text("#decisions .filters")


def test_the_curve_and_the_drift_map_cover_the_days_of_the_loop(seen: Seen, running: Running) -> None:
    windows = api(running, "windows?after=0")["windows"]
    judged = [one for one in windows if one["trail"]]
    assert len(judged) >= 6
    for line in ("live", "frozen"):
        assert (seen.page.get_attribute(f"path.line.{line}", "d") or "").count("L") == len(judged) - 1
    canvas = seen.page.locator(".heat-canvas")
    assert canvas.get_attribute("data-columns") == str(len(windows))
    assert canvas.get_attribute("data-rows") == str(len(windows[-1]["drift"]) + 1)
    assert set(seen.page.locator(".heat-names li").all_inner_texts()) == {*windows[-1]["drift"], "prediction"}


def attacked(running: Running) -> str:
    """What the section says of where the time went in the last minutes, which go on."""
    return f"Attack {api(running, 'serving')['traffic']['budget']['attack']['stage']}"


def test_it_shows_who_answered_how_often_and_the_replica_that_did(seen: Seen, running: Running) -> None:
    told = until(lambda: (now := api(running, "serving")["traffic"])["known"] and now)
    for one in told["arms"]:
        row = seen.page.locator(f"#serving tr[data-arm={one['arm']}]")
        expect(row).to_contain_text(one["version"])
        expect(row).to_contain_text(f"{one['share']:.0%}".replace("%", " %"))
    assert [one["arm"] for one in told["arms"]][:2] == ["champion", "canary"]
    expect(seen.page.locator("#serving tr[data-replica=r1]")).to_contain_text("Ready")
    until(lambda: attacked(running) in " ".join(seen.page.inner_text("#serving .stage-attack").split()))
    assert told["whole"]["requests"] > 100
    assert told["whole"]["error_share"] == 0.0


def test_every_version_is_listed_with_its_fingerprint(seen: Seen, running: Running) -> None:
    versions = api(running, "versions")["versions"]
    rows = [row.inner_text().split() for row in seen.page.locator("#versions tbody tr").all()]
    assert [row[0] for row in rows] == [one["version"] for one in versions] == ["v2", "v1"]
    assert [row[1] for row in rows] == ["Candidate", "Champion"]
    for row, one in zip(rows, versions, strict=True):
        assert f"{one['metrics']['auc']:.3f}" in row
        assert one["fingerprint"]["data"][:8] in row


def test_its_button_takes_the_candidate_back_for_real(seen: Seen, running: Running) -> None:
    seen.page.click("#rollback")
    dialog = seen.page.get_by_role("dialog", name="Take back v2?")
    dialog.get_by_label("Reason").fill("complaints of the north shop")
    dialog.get_by_role("button", name="Take back v2").click()
    expect(dialog).to_have_count(0)
    newest = seen.page.locator("#decisions .decision").first
    expect(newest).to_contain_text("v2 is taken back; v1 serves")
    expect(newest).to_contain_text("complaints of the north shop")
    expect(seen.page.locator("#status")).to_contain_text("v1 serves all traffic.")
    assert api(running, "overview")["route"]["canary"] is None
    assert running.doors.get("/health/ready").json()["loops"][running.loop]["canary"] is None
    assert seen.complaints == []
