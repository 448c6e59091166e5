"""The section that shows serving live: who answers whom, how fast and how well, and which replica lags."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from playwright.sync_api import Locator, Page, expect

from homeostat.app.gateway.latency import STAGES
from tests.browser.conftest import Open, Seen
from tests.browser.fixtures.serving import BROKEN, FakeServing

pytestmark = pytest.mark.browser
DASH = "\N{EN DASH}"
FITS = """() => [...document.querySelectorAll("#serving *")].every((e) =>
  !e.checkVisibility() || e.closest("thead") || e.getBoundingClientRect().right <= innerWidth + 1)
  && [...document.querySelectorAll("#serving .table-frame")].every((e) => e.scrollWidth <= e.clientWidth)"""


def crowded(serving: FakeServing) -> None:
    """An experiment, shadows, failures, a price, and a replica that lags beside one that is silent."""
    serving.divide()
    serving.replicas, serving.behind, serving.silent = 3, "r2", "r3"
    serving.failing, serving.errors, serving.price = 0.04, 0.012, 0.42
    serving.defaults = {"crowding": 3, "origin_temp": 1}


def idle(serving: FakeServing) -> None:
    """One replica that nobody asks."""
    serving.replicas, serving.idle = 1, True


def away(serving: FakeServing) -> None:
    """Doors that do not answer."""
    serving.away = True


def begun(serving: FakeServing) -> None:
    """Control that has just started."""
    serving.since = 0


SITUATIONS = (crowded, idle, away, begun)
Situation = Callable[[FakeServing], None]


@cache
def serving_in(situation: Situation) -> FakeServing:
    """What serving tells in a situation."""
    serving = FakeServing()
    situation(serving)
    return serving


def shown(opened: Open, situation: Situation) -> Seen:
    """The page in a situation of serving."""
    return opened("young", serving=serving_in(situation))


def tidy(found: Locator) -> str:
    """What is written there, on one line."""
    return " ".join(found.inner_text().split())


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_reads_well_in_both_themes_and_on_every_screen(
    opened: Open, script: Callable[[str], str], situation: Situation
) -> None:
    seen = shown(opened, situation)
    assert re.findall(r"\b(?:null|undefined|NaN|Infinity|Invalid Date)\b", seen.page.inner_text("#serving")) == []
    for theme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=theme)
        assert seen.page.evaluate(script("contrast.js")) == []
    for width in (1440, 1180, 820, 560, 390, 320):
        seen.page.set_viewport_size({"width": width, "height": 900})
        seen.page.wait_for_function(FITS)
    assert seen.complaints == []


def test_every_arm_shadow_and_standby_has_a_row_with_what_it_gets_and_how_it_does(looked: Open) -> None:
    page = shown(looked, crowded).page
    rows = [tidy(row) for row in page.locator(".arms-table tbody tr").all()]
    figures = r"none 0\.\d\d ms 0\.\d\d ms"
    failing = r"\d+ \(4\.\d %\) 0\.\d\d ms 0\.\d\d ms"
    expected = [
        rf"Champion v6 30 % \d+ {figures}",
        rf"Canary v8 50 % \d+ {failing}",
        rf"wording: plain 50 % of 40 % v6 10 % \d+ {failing}",
        rf"wording: bold 50 % of 40 % v9 10 % \d+ {failing}",
        "Shadow v10 sees 50 % 41,200 scored, none failed, none skipped",
        "Shadow v11 sees 100 % 41,199 scored, 3 failed, none skipped",
        "Standby v5 loaded and warm, one step away",
    ]
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        assert re.fullmatch(wanted, row), row
    assert page.locator(".arms-table .spark path.stroke").count() == 4
    assert tidy(page.locator("#serving .aside")) == "Route generation 27, written 3 h ago"


def test_a_replica_that_lags_stands_out_and_says_that_the_rollout_stops(looked: Open) -> None:
    page = shown(looked, crowded).page
    told = tidy(page.locator(".serving-alerts"))
    assert told == (
        f"The rollout stops: replica r2 serves generation 26, not 27: {BROKEN} "
        "It takes no step until every replica serves the newest route."
    )
    rows = {row.get_attribute("data-replica"): tidy(row) for row in page.locator("[data-replica]").all()}
    assert rows == {
        "r1": "r1 27 Ready Serves the newest route.",
        "r2": f"r2 26 Behind {BROKEN}",
        "r3": "r3 27 Silent for 42 s It is not counted on until it speaks again.",
    }
    grounds = [_ground(page, name) for name in ("r1", "r2", "r3")]
    assert len(set(grounds)) == 3


def test_requests_errors_and_latency_are_told_for_now_and_drawn_over_five_minutes(looked: Open) -> None:
    page = shown(looked, crowded).page
    panels = {one.get_attribute("data-panel"): tidy(one.locator(".serving-figure")) for one in _panels(page)}
    assert re.fullmatch(r"1\d\d \d\d,\d{3} in 5 min", panels["rate"])
    assert re.fullmatch(r"1\.\d % 0\.\d % in 5 min, 0\.\d % refused", panels["errors"])
    assert re.fullmatch(r"1\.\d\d ms p50 \d\.\d\d ms p99", panels["latency"])
    for one in _panels(page):
        for path in one.locator("path.stroke").all():
            drawn = path.get_attribute("d") or ""
            assert (drawn.count("L"), "NaN" in drawn) == (59, False)


def test_the_charts_answer_to_the_pointer_and_to_arrow_keys_and_are_read_out(looked: Open) -> None:
    page = shown(looked, crowded).page
    pad = page.locator("[data-panel=latency] .moment")
    pad.hover()
    expect(page.locator("#tooltip")).to_contain_text("Requests a second")
    expect(page.locator("#serving .minutes .cross[visibility=visible]")).to_have_count(3)
    pad.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(pad).to_have_attribute("aria-valuenow", "58")
    spoken = pad.get_attribute("aria-valuetext") or ""
    assert re.fullmatch(r"\d\d:\d\d:\d\d UTC: 1\d\d requests a second, 1\.\d % errors, p50 .* ms, p99 .* ms", spoken)
    page.keyboard.press("Home")
    expect(pad).to_have_attribute("aria-valuenow", "0")


def test_where_the_time_goes_is_one_bar_and_the_stage_to_attack_is_named(looked: Open) -> None:
    page = shown(looked, crowded).page
    parts = page.locator(".stage-bar i")
    assert [part.get_attribute("data-stage") for part in parts.all()] == [*STAGES, "other"]
    widths = [(part.bounding_box() or {"width": 0})["width"] for part in parts.all()]
    listed = [tidy(one) for one in page.locator(".stage-list li").all()]
    assert widths.index(max(widths)) == list(STAGES).index("features")
    assert re.fullmatch(r"features 0\.\d\d ms 3\d %", listed[2])
    assert tidy(page.locator(".stage-attack")).startswith("Attack features first. Read fewer views")
    assert sum(int(one.split()[-2]) for one in listed) in range(98, 103)


def test_fallbacks_spool_defaults_and_cost_are_told(looked: Open) -> None:
    page = shown(looked, crowded).page
    facts = {tidy(one.locator("dt")): tidy(one) for one in page.locator(".serving-facts > div").all()}
    assert re.fullmatch(r"Fallbacks [\d,]+ rows that the champion answered for a failing arm", facts["Fallbacks"])
    assert facts["Spool"] == "Spool 184.3 kB acknowledged, on the way to the log"
    assert facts["Defaults"] == "Defaults 240 crowding 180, origin_temp 60"
    cost = r"Cost per 1,000 0\.\d+ predictions as deployed; 0\.\d+ by processor time"
    assert re.fullmatch(cost, facts["Cost per 1,000"])


def test_once_the_replica_follows_nothing_stops_any_more(opened: Open) -> None:
    serving = FakeServing()
    crowded(serving)
    seen = opened("young", serving=serving)
    serving.behind = ""
    expect(seen.page.locator(".serving-alerts")).to_be_empty()
    expect(seen.page.locator("[data-replica=r2]")).to_contain_text("Ready")


def test_a_replica_whose_counts_are_missing_is_named(opened: Open) -> None:
    def situation(serving: FakeServing) -> None:
        serving.uncounted = "r2"

    page = shown(opened, situation).page
    assert tidy(page.locator(".serving-alerts")) == "Not counted: r2 did not tell what it counted at the last look."


def test_without_a_price_it_says_how_to_give_one(opened: Open) -> None:
    facts = tidy(opened("young").page.locator(".serving-facts"))
    assert "'homeostat up --hourly-price' says what a replica costs" in facts


def test_before_the_first_version_there_are_only_replicas_that_wait(opened: Open) -> None:
    page = opened("empty").page
    assert "No version answers yet." in page.inner_text("#serving")
    assert (
        page.locator("#serving .serving-flow, #serving .arms-table, #serving .serving-facts")
        .locator("visible=true")
        .count()
        == 0
    )
    assert page.locator(".serving-alert").count() == 0
    assert tidy(page.locator("[data-replica=r1]")) == f"r1 {DASH} Waiting For a first version."


def test_without_traffic_nothing_is_made_up(opened: Open) -> None:
    page = shown(opened, idle).page
    told = tidy(page.locator("#serving"))
    assert "No request for a prediction came in the last five minutes." in told
    assert "Nobody asked for a prediction in the last 5 minutes." in told
    panels = {one.get_attribute("data-panel"): tidy(one.locator(".serving-figure")) for one in _panels(page)}
    assert panels == {"rate": "0 0 in 5 min", "errors": DASH, "latency": f"{DASH} p50 {DASH} p99"}
    assert page.locator("[data-replica]").count() == 1


def test_while_the_doors_are_away_the_present_is_unknown_and_the_past_stays(opened: Open) -> None:
    page = shown(opened, away).page
    assert "The doors do not answer." in tidy(page.locator(".serving-alerts"))
    panels = {one.get_attribute("data-panel"): tidy(one.locator(".serving-figure")) for one in _panels(page)}
    assert re.fullmatch(rf"{DASH} \d\d,\d{{3}} in 5 min", panels["rate"])
    assert panels["latency"] == f"{DASH} p50 {DASH} p99"
    line = page.locator("[data-panel=rate] path.stroke").get_attribute("d") or ""
    assert line.count("L") == 52
    assert f"Spool {DASH}" in tidy(page.locator(".serving-facts"))


def test_a_gap_in_what_is_known_breaks_the_line(opened: Open) -> None:
    def situation(serving: FakeServing) -> None:
        serving.gap = range(20, 24)

    line = shown(opened, situation).page.locator("[data-panel=rate] path.stroke").get_attribute("d") or ""
    assert (line.count("M"), line.count("L")) == (2, 54)


def test_it_lives(opened: Open) -> None:
    seen = opened("young")
    expect(seen.page.locator("[data-panel=rate] .serving-figure")).to_contain_text("in 5 min")
    seen.dashboard.loop.serving.idle = True
    expect(seen.page.locator("#serving .card-note")).to_contain_text("No request for a prediction came")
    assert seen.complaints == []


def test_what_replicas_say_is_text_and_never_markup(opened: Open) -> None:
    seen = opened("young")
    seen.dashboard.loop.serving.defaults = {"<img src=x onerror=alert(1)>": 3}
    expect(seen.page.locator(".serving-facts")).to_contain_text("<img src=x onerror=alert(1)>")
    assert seen.page.locator("main img").count() == 0


def _panels(page: Page) -> list[Locator]:
    return page.locator(".serving-panel").all()


def _ground(page: Page, replica: str) -> str:
    found: str = page.locator(f"[data-replica={replica}] th").evaluate("e => getComputedStyle(e).backgroundColor")
    return found
