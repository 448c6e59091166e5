"""The page of alerts: the most urgent on top, with its clock, and what a person may do about it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open

pytestmark = pytest.mark.browser


def test_open_alerts_come_first_with_cause_clock_and_count(opened: Open) -> None:
    page = opened("mid", path="/alerts").page
    assert page.inner_text(".headline-main") == "3 alerts open, the most urgent P1."
    assert "1 alert should have been acknowledged by now." in page.inner_text("#status")
    assert page.locator(".alert .pill").all_inner_texts() == ["P1", "P2", "P3"]
    first, second = page.locator(".alert").nth(0), page.locator(".alert").nth(1)
    assert "3 times, last 2013-07-30. Not acknowledged within 1h. Sent again 1 time." in first.inner_text()
    assert "Sent to chat. Did not reach pager yet." in first.inner_text()
    assert "Most likely cause: table weather misses its objective" in second.inner_text()
    assert "To be acknowledged within 20 h." in second.inner_text()
    assert "Failing" in page.inner_text("#messages")
    assert "retrained on rows since May" in page.inner_text("#past")


def test_an_alert_is_acknowledged_resolved_with_a_mark_and_silenced_by_keyboard(opened: Open) -> None:
    page = opened("mid", path="/alerts").page
    page.get_by_role("button", name="Acknowledge freshness table weather").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Reason, for whoever looks at it later").fill("asked the station")
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".alert").first).to_contain_text("Acknowledged by dashboard: asked the station.")
    page.get_by_role("button", name="Silence missing inputs").click()
    page.get_by_label("For how long").select_option("8")
    page.get_by_label("Reason, for whoever looks at it later").fill("known")
    page.get_by_role("dialog").get_by_role("button", name="Silence").click()
    expect(page.locator("#silences")).to_contain_text("known")
    expect(page.locator(".alert").nth(1)).to_contain_text("Silenced.")
    page.get_by_role("button", name="Resolve drift inputs").click()
    dialog = page.get_by_role("dialog")
    page.get_by_label("Reason, for whoever looks at it later").fill("a season")
    dialog.get_by_role("button", name="Resolve").click()
    expect(dialog).to_be_visible()  # nobody has said yet whether anybody acted
    page.get_by_label("No", exact=True).check()
    dialog.get_by_role("button", name="Resolve").click()
    expect(page.locator(".alert")).to_have_count(2)
    expect(page.locator("#past tbody tr").first).to_contain_text("a season (dashboard)")


def test_a_silence_is_ended_from_its_row(opened: Open) -> None:
    page = opened("mid", path="/alerts").page
    page.locator("#silences").get_by_role("button", name="End").click()
    expect(page.locator("#silences")).to_contain_text("Nothing is silenced")
