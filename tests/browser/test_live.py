"""The page while the world moves: new days, an absent control, a loop started afresh, hostile words."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open

pytestmark = pytest.mark.browser


def test_a_new_day_and_its_decision_appear_by_themselves(opened: Open) -> None:
    seen = opened("mid")
    decisions = len(seen.dashboard.loop.story.decisions)
    while len(seen.dashboard.loop.story.decisions) == decisions:
        seen.dashboard.loop.grow()
    newest = seen.dashboard.loop.story.decisions[-1]
    expect(seen.page.locator("#decisions .decision").first).to_contain_text(newest["title"])
    expect(seen.page.locator(".heat-canvas")).to_have_attribute(
        "data-columns", str(len(seen.dashboard.loop.story.windows))
    )
    assert seen.complaints == []


def test_outcomes_that_arrive_later_extend_the_curve(opened: Open) -> None:
    seen = opened("mid")
    before = seen.page.get_attribute("path.line.live", "d") or ""
    seen.dashboard.loop.grow()
    longer = re.compile(rf"(L[^L]*){{{before.count('L') + 1}}}")
    expect(seen.page.locator("path.line.live")).to_have_attribute("d", longer)


def test_an_opened_decision_stays_open_and_focused_while_others_arrive(opened: Open) -> None:
    seen = opened("mid")
    top = seen.page.locator("#decisions .decision").first
    name = top.get_attribute("id")
    top.locator("summary").click()
    seen.dashboard.loop.add(title="Retrain: v9")
    expect(seen.page.locator("#decisions .decision").first).to_contain_text("Retrain: v9")
    kept = seen.page.locator(f"#{name}")
    expect(kept.locator("pre")).to_be_visible()
    expect(kept.locator("summary")).to_be_focused()


def test_a_focused_mark_keeps_the_focus_while_days_pass(opened: Open) -> None:
    seen = opened("mid")
    seen.page.locator(".mark[tabindex='0']").focus()
    seen.page.keyboard.press("Home")
    before = seen.page.get_attribute("path.line.live", "d") or ""
    seen.dashboard.loop.grow()
    expect(seen.page.locator("path.line.live")).not_to_have_attribute("d", before)
    assert "1" in (seen.page.evaluate("document.activeElement.dataset.seqs") or "").split()


def test_it_says_quietly_that_control_is_away_and_recovers(opened: Open) -> None:
    seen = opened("mid")
    banner = seen.page.locator("#banner")
    with seen.dashboard.away():
        expect(banner).to_contain_text("Control does not answer.")
        expect(banner).to_contain_text("Serving goes on without it.")
        expect(seen.page.locator(".arm strong").first).to_have_text("v6")
    expect(banner).to_be_empty()
    assert [text for text in seen.complaints if "ERR_CONNECTION" not in text] == []


def test_a_loop_started_afresh_leaves_nothing_of_the_past_one(opened: Open) -> None:
    seen = opened("full")
    seen.dashboard.loop.restart("mid")
    expect(seen.page.locator("#decisions .decision").first).to_contain_text("v8 advances to 50%")
    expect(seen.page.locator(".heat-canvas")).to_have_attribute("data-columns", "181")
    seen.dashboard.loop.restart("empty")
    expect(seen.page.locator("#status")).to_contain_text("No version serves yet.")
    expect(seen.page.locator("#decisions .decision")).to_have_count(0)
    expect(seen.page.locator("#performance")).to_contain_text("Nothing to judge yet")


def test_what_a_loop_says_is_text_and_never_markup(opened: Open) -> None:
    seen = opened("full")
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    seen.dashboard.loop.add(title=hostile, reasons=[hostile], verdict=hostile, evidence={hostile: hostile})
    newest = seen.page.locator("#decisions .decision").first
    expect(newest.locator("strong")).to_have_text(hostile)
    newest.locator("summary").click()
    seen.page.locator(f".mark[data-seqs~='{len(seen.dashboard.loop.story.decisions)}']").hover()
    expect(seen.page.locator("#tooltip")).to_contain_text(hostile)
    assert seen.page.locator("main img, main script, #tooltip img").count() == 0
    assert seen.complaints == []


def test_an_unknown_kind_of_decision_is_shown_all_the_same(opened: Open) -> None:
    seen = opened("mid")
    seen.dashboard.loop.add(kind="approve", verdict="APPROVED", title="Approved by the owner")
    expect(seen.page.locator("#decisions .decision").first).to_contain_text("Approved by the owner")
    seq = len(seen.dashboard.loop.story.decisions)
    expect(seen.page.locator(f".mark[data-seqs~='{seq}']")).to_have_count(1)
    assert seen.complaints == []
