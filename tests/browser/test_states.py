"""The page in its three states: complete, quiet, self-contained, and readable on a laptop and a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import LAPTOP, PHONE, Open
from tests.browser.looks import complaints, faint, fits

pytestmark = pytest.mark.browser
STATES = ("empty", "young", "mid", "full")


@pytest.mark.parametrize("state", STATES)
def test_it_renders_without_complaint_fits_and_stands_out(
    opened: Open, script: Callable[[str], str], state: str
) -> None:
    seen = opened(state)
    assert complaints(seen) == []
    for size in (LAPTOP, PHONE):
        fits(seen, size)
    seen.page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    if state != "empty":
        seen.page.locator("#decisions summary").first.click()
        seen.page.locator(".mark[tabindex='0']").focus()
    for theme in ("light", "dark"):
        assert faint(seen, theme, script) == []


@pytest.mark.parametrize("state", STATES)
def test_it_is_drawn_for_a_phone_in_the_dark_from_the_start(
    opened: Open, script: Callable[[str], str], state: str
) -> None:
    seen = opened(state, size=PHONE, theme="dark")
    fits(seen, PHONE)
    assert faint(seen, "dark", script) == []
    assert complaints(seen) == []


def test_a_text_that_does_not_stand_out_would_be_found(opened: Open, script: Callable[[str], str]) -> None:
    page = opened("empty").page
    page.evaluate("document.querySelector('#status p').style.color = '#ccc'")
    assert page.evaluate(script("contrast.js")) == ["No version serves yet.: 1.50"]


def test_before_the_first_version_it_says_what_happens_and_what_comes_next(looked: Open) -> None:
    page = looked("empty").page
    assert page.inner_text("#status").splitlines() == ["No version serves yet.", "", "Taking in January."]
    assert "Take in history" in page.inner_text("#route [aria-current=step]")
    assert "Nothing to judge yet" in page.inner_text("#performance")
    assert page.locator("#decisions .decision").count() == 0
    assert page.locator("#rollback").count() == 0


def test_before_any_label_there_is_no_estimate(looked: Open) -> None:
    assert looked("empty").page.locator(".readout .estimate").count() == 0


def test_while_the_first_version_serves_alone_nothing_leads_and_nothing_can_be_rolled_back(opened: Open) -> None:
    page = opened("young").page
    assert page.locator(".arm strong").all_inner_texts() == ["v1", "\N{EN DASH}"]
    assert "0.000\nlevel or ahead on 17 of 17 days" in page.inner_text(".readout")
    assert page.locator("#rollback").count() == 0


def test_it_says_why_nothing_serves_and_when_that_may_change(opened: Open) -> None:
    seen = opened("empty")
    why = "v1 did not pass the gate (skill over the base rate may be -0.02 <= 0)"
    seen.dashboard.loop.waiting = {"code": "rejected", "text": why, "version": "v1", "next_try": "2013-02-02T05:00:00Z"}
    told = seen.page.locator("#status")
    told.get_by_text("v1 did not pass the gate (skill over the base rate may be -0.02 <= 0).").wait_for()
    assert "It is tried again from" in told.inner_text()


def test_a_version_that_the_loop_file_cannot_feed_is_named_first(opened: Open) -> None:
    seen = opened("mid")
    seen.dashboard.loop.problems = ["v7 was trained with other definitions than the loop file has: view sky: over 3h"]
    seen.page.locator("#status").get_by_text("Cannot be served: v7 was trained with other definitions").wait_for()


@pytest.mark.parametrize("state", ["empty", "mid"])
def test_on_the_system_clock_there_is_no_replay_to_follow(opened: Open, state: str) -> None:
    seen = opened(state, clock="system")
    assert seen.page.locator(".place .progress").is_hidden()
    assert seen.page.inner_text(".top .pill") == "Live"
    assert seen.complaints == []


def test_one_of_several_loops_can_be_chosen(opened: Open) -> None:
    page = opened("young", beside=["churn"]).page
    assert page.locator(".brand-loop option").all_inner_texts() == ["late-arrival", "churn"]
    page.get_by_label("Loop").select_option("churn")
    page.wait_for_url("**/?loop=churn")


def test_mid_year_it_shows_the_route_and_the_open_rollout(looked: Open) -> None:
    page = looked("mid").page
    assert page.locator(".arm strong").all_inner_texts() == ["v6", "v8", "v5"]
    assert page.get_attribute(".share", "aria-label") == "v6 serves 50 %, v8 serves 50 %"
    assert page.locator(".steps li strong").all_inner_texts() == ["5 %", "25 %", "50 %", "100 %"]
    assert page.inner_text(".steps [aria-current=step] strong") == "50 %"
    assert page.inner_text(".difference-figures strong") == "\N{MINUS SIGN}0.0044"
    assert page.locator(".interval .margin").count() == 1
    assert page.locator(".past-row").count() == 5


def test_days_without_labels_show_what_is_expected_of_them_and_call_it_an_estimate(looked: Open) -> None:
    page = looked("mid").page
    for metric in ("auc", "skill", "log_loss"):
        page.check(f"input[name=metric][value={metric}]", force=True)
        assert page.get_attribute(".line.estimate", "d").count("L") == 2
        assert page.get_attribute("path.reach", "d").endswith("Z")
    assert "Estimated, 2 days without labels" in page.inner_text(".readout .estimate")
    assert "Estimate, before labels" in page.inner_text("#performance .legend")
    page.focus(".pad")
    page.keyboard.press("End")
    assert "Estimated Log-loss" in page.inner_text("#tooltip")
    assert "2 days without labels in it" in page.inner_text("#tooltip")
    assert "estimated at" in page.get_attribute(".pad", "aria-valuetext")


def test_the_totals_are_those_of_the_loop(looked: Open) -> None:
    seen = looked("full")
    told = seen.dashboard.loop.overview()["totals"]
    shown = {tile.get_attribute("data-total"): tile.inner_text() for tile in seen.page.locator("[data-total]").all()}
    assert shown == {name: f"{value:,}" for name, value in told.items()}


def test_the_curve_covers_every_day_with_outcomes(looked: Open) -> None:
    page = looked("full").page
    for line in ("live", "frozen"):
        path = page.get_attribute(f"path.line.{line}", "d") or ""
        assert path.count("L") > 320
        assert "NaN" not in path
    assert page.locator("path.band").get_attribute("d")
    assert page.locator("path.lead").get_attribute("d")


def test_every_decision_is_marked_on_the_chart_and_listed(looked: Open) -> None:
    seen = looked("full")
    known = {each["seq"] for each in seen.dashboard.loop.story.decisions}
    groups = [mark.get_attribute("data-seqs") or "" for mark in seen.page.locator(".mark").all()]
    assert {int(seq) for group in groups for seq in group.split()} == known
    seen.page.click(".more")
    assert seen.page.locator("#decisions .decision").count() == len(known)
    assert len(known) >= 60


def test_the_drift_map_has_a_cell_for_every_feature_and_day(looked: Open) -> None:
    seen = looked("full")
    days = seen.dashboard.loop.story.windows
    canvas = seen.page.locator(".heat-canvas")
    # One row more than features: the predictions' own drift.
    assert canvas.get_attribute("data-rows") == str(len(days[0]["drift"]) + 1)
    assert canvas.get_attribute("data-columns") == str(len(days))
    assert seen.page.locator(".heat-names li").first.inner_text() == "month"


def test_the_drift_map_paints_strong_drift_strong_and_hatches_what_is_unknown(looked: Open) -> None:
    seen = looked("full")
    paint = """([row, day]) => {
      const canvas = document.querySelector(".heat-canvas"), pen = canvas.getContext("2d");
      const wide = canvas.width / 334, tall = canvas.height / Number(canvas.dataset.rows);
      const [left, top] = [Math.floor(day * wide), Math.floor(row * tall)];
      const data = pen.getImageData(left, top, Math.ceil(wide * 3), Math.floor(tall) - 2).data;
      const found = new Set();
      for (let i = 0; i < data.length; i += 4) found.add([...data.slice(i, i + 4)].join());
      return [...found];
    }"""
    names = seen.page.locator(".heat-names li").all_inner_texts()
    strong = seen.page.evaluate(paint, [names.index("month"), 300])
    calm = seen.page.evaluate(paint, [names.index("distance"), 300])
    hatched = seen.page.evaluate(paint, [names.index("origin_temp"), 150])
    assert set(strong).isdisjoint(calm)
    assert len(hatched) > len(strong)


def test_the_versions_say_what_became_of_them(looked: Open) -> None:
    seen = looked("full")
    states = [cell.inner_text() for cell in seen.page.locator("#versions .pill").all()]
    assert states[0] == "Champion"
    assert {"Standby", "Retired", "Rejected", "Rolled back"} <= set(states)
    assert len(states) == len(seen.dashboard.loop.story.versions)
    legs = seen.page.locator("#versions .legs .changed")
    assert legs.count() == len(states) - 1, "each but the first has other data, and no other leg changed"
    assert "homeostat versions diff" in str(legs.first.get_attribute("title"))
