"""What a person can do on the page, with the pointer and with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from homeostat import Retrain
from homeostat.control.policies.judging import explain_retrain
from homeostat.control.policies.situation import Situation
from homeostat.kernel.clock import duration
from tests.browser.conftest import LAPTOP, PHONE, Open
from tests.browser.looks import faint

DAY = duration("1d")
pytestmark = pytest.mark.browser


def test_the_drift_map_answers_to_arrow_keys_and_is_read_out(looked: Open) -> None:
    page = looked("full").page
    page.locator(".heat-canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    spoken = page.locator(".heat-middle [aria-live]")
    expect(spoken).to_contain_text("origin_temp, Tue, 31 Dec 2013: PSI ")


def test_hovering_a_mark_tells_the_decision_and_its_reasons(looked: Open) -> None:
    page = looked("full").page
    page.locator(".mark.tone-bad").hover()
    expect(page.locator("#tooltip")).to_contain_text("v7 is taken back; v6 serves")
    expect(page.locator("#tooltip")).to_contain_text("log-loss above the champion's by at least 0.0038 > 0")


def test_the_marks_are_one_tab_stop_and_arrows_walk_through_time(looked: Open) -> None:
    page = looked("full").page
    assert page.locator(".mark[tabindex='0']").count() == 1
    page.locator(".mark[tabindex='0']").focus()
    page.keyboard.press("Home")
    expect(page.locator("#tooltip")).to_contain_text("Train the first version, v1")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tooltip")).to_contain_text("v1 serves as the first champion")
    page.keyboard.press("Escape")
    expect(page.locator("#tooltip")).to_be_hidden()


def test_the_crosshair_answers_to_arrow_keys_and_is_read_out(looked: Open) -> None:
    page = looked("full").page
    pad = page.locator(".pad")
    pad.focus()
    page.keyboard.press("Home")
    expect(pad).to_have_attribute("aria-valuetext", "Fri, 1 Feb 2013: outcomes still maturing")
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert "10 Feb 2013: live AUC 0." in (pad.get_attribute("aria-valuetext") or "")
    expect(page.locator("#tooltip")).to_contain_text("10 Feb 2013")


def test_a_cell_of_the_drift_map_tells_the_distance_and_its_limit(looked: Open) -> None:
    page = looked("full").page
    _hover(page, ".heat-canvas", 0.5, 0.01)
    expect(page.locator("#tooltip")).to_contain_text("month")
    expect(page.locator("#tooltip")).to_contain_text("PSI")
    expect(page.locator("#tooltip")).to_contain_text("earned on training's own days")
    _hover(page, ".heat-canvas", 0.02, 0.01)
    expect(page.locator("#tooltip")).to_contain_text("customary")


def test_choosing_a_mark_opens_its_decision_with_evidence_and_hash(opened: Open) -> None:
    seen = opened("full")
    seen.page.locator(".mark[tabindex='0']").focus()
    seen.page.keyboard.press("Home")
    seen.page.keyboard.press("Enter")
    first = seen.page.locator("#decision-1")
    expect(first.locator("pre")).to_be_in_viewport()
    expect(first.locator("pre")).to_contain_text('"looks"')
    expect(first).to_contain_text(seen.dashboard.loop.story.decisions[0]["hash"])
    expect(first.locator("summary")).to_be_focused()


def test_the_crosshair_answers_to_the_pointer_and_points_in_both_charts(opened: Open) -> None:
    page = opened("mid").page
    _hover(page, ".pad", 0.3)
    expect(page.locator("#tooltip")).to_contain_text("Live AUC")
    expect(page.locator("#tooltip")).to_contain_text("Frozen first version")
    expect(page.locator(".cross-group")).to_be_visible()
    expect(page.locator(".heat-cursor")).to_be_attached()
    assert page.locator(".heat-cursor").get_attribute("hidden") is None


def test_the_drift_map_shows_windows_of_days_and_of_weeks(opened: Open) -> None:
    page = opened("full").page
    chips = page.get_by_role("group", name="Length of the windows").get_by_role("button")
    assert chips.all_inner_texts() == ["1 day", "7 days", "28 days"]
    day = float(page.locator(".heat-latest li").first.inner_text())
    chips.nth(2).click()
    expect(chips.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(chips.nth(0)).to_have_attribute("aria-pressed", "false")
    assert float(page.locator(".heat-latest li").first.inner_text()) < day


def test_metric_and_span_redraw_the_curve(opened: Open) -> None:
    page = opened("full").page
    auc = page.get_attribute("path.line.live", "d")
    page.get_by_label("Log-loss").check(force=True)
    expect(page.locator("#performance")).to_contain_text("lower is better")
    assert page.get_attribute("path.line.live", "d") != auc
    page.get_by_label("30 days").check(force=True)
    expect(page.locator(".heat-canvas")).to_have_attribute("data-columns", "30")


def test_the_theme_follows_the_system_until_chosen_and_the_choice_is_remembered(opened: Open) -> None:
    page = opened("mid", theme="dark").page
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Switch to the light theme").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate(ground) == light
    expect(page.get_by_role("button", name="Switch to the dark theme")).to_be_visible()


def test_decisions_are_filtered_by_kind(opened: Open) -> None:
    page = opened("full").page
    page.locator(".filters").get_by_role("button", name="Promote").click()
    kinds = {row.get_attribute("data-kind") for row in page.locator("#decisions .decision").all()}
    assert kinds == {"promote"}
    assert page.locator("#decisions .decision").count() == 9


def test_a_rollback_names_what_serves_after_and_asks_for_a_reason(opened: Open) -> None:
    seen = opened("full")
    seen.page.click("#rollback")
    dialog = seen.page.get_by_role("dialog", name="Roll back to v10?")
    expect(dialog).to_contain_text("v10 serves every request of late-arrival and v12 serves none")
    dialog.get_by_label("Reason").fill("complaints from the gate agents")
    dialog.get_by_role("button", name="Roll back to v10").click()
    expect(dialog).to_have_count(0)
    assert seen.dashboard.loop.asked == ["complaints from the gate agents"]


def test_an_open_rollout_is_what_is_taken_back_first(opened: Open) -> None:
    page = opened("mid").page
    page.click("#rollback")
    dialog = page.get_by_role("dialog", name="Take back v8?")
    expect(dialog).to_contain_text("v6 serves every request of late-arrival and v8 serves none")


def test_a_cancelled_rollback_asks_for_nothing(opened: Open) -> None:
    seen = opened("full")
    seen.page.click("#rollback")
    seen.page.keyboard.press("Escape")
    expect(seen.page.get_by_role("dialog")).to_have_count(0)
    assert seen.dashboard.loop.asked == []


def test_a_refused_rollback_shows_the_problem_and_its_mend(opened: Open) -> None:
    seen = opened("full")
    seen.dashboard.loop.refuses = True
    seen.page.click("#rollback")
    dialog = seen.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("slow")
    dialog.get_by_role("button", name="Roll back to v10").click()
    expect(dialog.get_by_role("alert")).to_have_text("The route has moved on. Look again, then retry.")


ASKING = {
    "question": "late-arrival/rollout/v8/2",
    "may": "v8 advance to 100%",
    "since": "2013-07-30T00:00:00Z",
    "until": "2013-08-06T00:00:00Z",
    "reasons": ["log-loss minus the champion's at most 0.0026 < 0.03, on 2,744 rows of 3 days"],
    "answer": None,
}


@pytest.mark.parametrize(("button", "said"), [("Approve", "approve"), ("Refuse", "refuse")])
def test_a_rollout_that_asks_shows_its_evidence_and_takes_an_answer_with_a_reason(
    opened: Open, button: str, said: str
) -> None:
    seen = opened("mid")
    seen.dashboard.loop.asking = ASKING
    asks = seen.page.get_by_role("group", name="A person is asked")
    expect(asks).to_contain_text("May v8 advance to 100%?")
    expect(asks).to_contain_text("at most 0.0026 < 0.03")
    expect(asks).to_contain_text("homeostat approve late-arrival/")
    expect(seen.page.locator("#status")).to_contain_text("A person is asked: may v8 advance to 100%?")
    asks.get_by_role("button", name=button).click()
    dialog = seen.page.get_by_role("dialog", name=f"{button}: v8 advance to 100%?")
    dialog.get_by_label("Reason").fill("the agents agree")
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_have_count(0)
    expect(asks).to_have_count(0)
    answer = {"question": ASKING["question"], "reason": "the agents agree"}
    assert seen.dashboard.loop.answered == [(f"rollout/{said}", answer)]


PROPOSING = {
    **ASKING,
    "question": "late-arrival/propose/v8/9",
    "may": "Homeostat train v8 to follow v7",
    "reasons": ["skill at most 0.041 < promised 0.093 - 0.02, to 2013-06-12; 3 windows in a row"],
}


def test_a_policy_that_asks_before_it_retrains_takes_an_answer_with_a_reason(opened: Open) -> None:
    seen = opened("full")
    seen.dashboard.loop.proposing = PROPOSING
    asks = seen.page.get_by_role("group", name="A person is asked")
    expect(asks).to_contain_text("May Homeostat train v8 to follow v7?")
    expect(asks).to_contain_text("3 windows in a row")
    expect(asks).to_contain_text("homeostat approve late-arrival/")
    expect(seen.page.locator("#status")).to_contain_text("A person is asked: may Homeostat train v8")
    asks.get_by_role("button", name="Approve").click()
    dialog = seen.page.get_by_role("dialog", name="Approve: Homeostat train v8 to follow v7?")
    dialog.get_by_label("Reason").fill("the timetable changed")
    dialog.get_by_role("button", name="Approve").click()
    expect(asks).to_have_count(0)
    answer = {"question": PROPOSING["question"], "reason": "the timetable changed"}
    assert seen.dashboard.loop.answered == [("retrain/approve", answer)]


RELEASING = {
    **ASKING,
    "question": "late-arrival/retrain/v9/release",
    "may": "v9 follow v8",
    "reasons": ["skill 0.2 > 0", "by somebody other than ana@example.org"],
    "not_by": "ana@example.org",
}


@pytest.mark.parametrize(("button", "said"), [("Approve", "approve"), ("Refuse", "refuse")])
def test_a_gate_that_asks_takes_an_answer_from_somebody_with_a_name_who_is_not_the_author(
    opened: Open, button: str, said: str
) -> None:
    seen = opened("full")
    seen.dashboard.loop.releasing = RELEASING
    asks = seen.page.get_by_role("group", name="A person is asked")
    expect(asks).to_contain_text("May v9 follow v8?")
    expect(asks).to_contain_text("by somebody other than ana@example.org")
    asks.get_by_role("button", name=button).click()
    dialog = seen.page.get_by_role("dialog", name=f"{button}: v9 follow v8?")
    dialog.get_by_label("Reason").fill("looked at it")
    dialog.get_by_role("button", name=button).click()
    expect(dialog.get_by_label("Who you are")).to_be_focused()
    dialog.get_by_label("Who you are").fill("ana")
    dialog.get_by_role("button", name=button).click()
    expect(dialog.get_by_role("alert")).to_contain_text("ana wrote what v9 was made with.")
    dialog.get_by_label("Who you are").fill(" ben ")
    dialog.get_by_role("button", name=button).click()
    expect(asks).to_have_count(0)
    answer = {"question": RELEASING["question"], "reason": "looked at it", "by": "ben"}
    assert seen.dashboard.loop.answered == [(f"release/{said}", answer)]


TRAINING = {
    "kind": "training",
    "version": "v11",
    "step": "train: training on 800 rows of 12 features",
    "since": "2013-12-30T00:00:00Z",
    "log": ["   0.1 s  snapshot: reading tables", "   2.5 s  train: training on 800 rows of 12 features"],
    "steps": [
        {"name": "snapshot", "state": "kept", "seconds": 0.4, "done": 0, "of": 0},
        {"name": "train", "state": "running", "seconds": 0.0, "done": 3, "of": 8},
        {"name": "sign", "state": "waiting", "seconds": 0.0, "done": 0, "of": 0},
        {"name": "register", "state": "waiting", "seconds": 0.0, "done": 0, "of": 0},
    ],
}


def test_a_training_can_be_asked_for_and_is_seen_step_by_step(opened: Open, script: Callable[[str], str]) -> None:
    seen = opened("full", size=PHONE)
    seen.dashboard.loop.refuses = True
    seen.page.get_by_role("button", name="Train now").click()
    dialog = seen.page.get_by_role("dialog", name="Train a new version now?")
    dialog.get_by_label("Reason").fill("the timetable changed")
    dialog.get_by_role("button", name="Train").click()
    expect(dialog.get_by_role("alert")).to_contain_text("one candidate at a time")
    seen.dashboard.loop.refuses = False
    seen.dashboard.loop.doing = TRAINING
    dialog.get_by_role("button", name="Train").click()
    expect(dialog).to_have_count(0)
    assert seen.dashboard.loop.wanted == ["the timetable changed"]
    shown = seen.page.get_by_role("group", name="Training v11")
    expect(shown).to_contain_text("train 3 of 8, step 2 of 4")
    expect(shown).to_contain_text("training on 800 rows")
    expect(shown.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
    expect(seen.page.get_by_role("button", name="Train now")).to_have_count(0)
    for theme in ("light", "dark"):
        assert faint(seen, theme, script) == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_decision_to_retrain_shows_what_each_policy_found(opened: Open) -> None:
    seen = opened("full")
    judged = explain_retrain(Situation(60 * DAY, "1970-03-02T00:00", "v7", 0, None), Retrain()).evidence()
    seen.dashboard.loop.add(kind="retrain", title="Retrain: v99", evidence=judged)
    row = seen.page.locator(".decision", has_text="Retrain: v99")
    row.locator("summary").click()
    found = row.get_by_role("group", name="What each policy found")
    expect(found).to_contain_text("cool-down RETRAIN retrained 60.0 days ago >= 14d")
    expect(found).to_contain_text("schedule RETRAIN 60.0 days since 1970-01-01T00:00:00Z: one more would exceed 60d")
    expect(found).to_contain_text("emergency INCONCLUSIVE skill over 3 days is not known")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= LAPTOP[0]


def test_whoever_answers_after_somebody_else_is_told(opened: Open) -> None:
    seen = opened("mid")
    seen.dashboard.loop.asking = ASKING
    seen.page.get_by_role("button", name="Approve").click()
    seen.dashboard.loop.refuses = True
    dialog = seen.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("fine")
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog.get_by_role("alert")).to_have_text("Somebody was faster. Look again, then retry.")


def test_what_is_asked_stands_out_from_its_ground_and_nothing_sticks_out(
    opened: Open, script: Callable[[str], str]
) -> None:
    seen = opened("mid", size=PHONE)
    seen.dashboard.loop.asking = ASKING
    expect(seen.page.get_by_role("group", name="A person is asked")).to_be_visible()
    for theme in ("light", "dark"):
        assert faint(seen, theme, script) == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def _hover(page: Page, selector: str, across: float, down: float = 0.5) -> None:
    target = page.locator(selector)
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
