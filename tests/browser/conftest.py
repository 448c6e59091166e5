"""A real Chromium, and pages of the dashboard that remember what went wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.fixtures.server import Dashboard

PATIENCE = 15_000
"""Milliseconds for what a page does by itself: other tests hold the cores, too."""
expect.set_options(timeout=PATIENCE)

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LAPTOP, PHONE = (1440, 900), (390, 844)


@dataclass
class Seen:
    """A page of a dashboard, the complaints of its console, and every host it asked."""

    page: Page
    dashboard: Dashboard
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


Open = Callable[..., Seen]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser per file; Playwright gives it a new profile folder.

    While Playwright is open its event loop runs in this thread, which other files' tests must not find.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS), headless=True)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open the dashboard: ``opened("mid", size=PHONE, clock="system")``. All is closed after."""
    closers: list[Callable[[], None]] = []

    def open_page(
        state: str, *, size: tuple[int, int] = LAPTOP, theme: str = "light", path: str = "/", **loop: Any
    ) -> Seen:
        dashboard = Dashboard(state)
        for name, value in loop.items():
            setattr(dashboard.loop, name, value)
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
        )
        seen = Seen(context.new_page(), dashboard)
        seen.page.set_default_timeout(PATIENCE)
        seen.page.on("console", lambda message: _note(seen, message.type, message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).netloc))
        closers.extend((context.close, dashboard.stop))
        seen.page.goto(dashboard.address + path)
        seen.page.wait_for_selector("body[data-ready]")
        return seen

    yield open_page
    for close in closers:
        close()


@pytest.fixture(scope="session")
def script() -> Callable[[str], str]:
    """The text of a script that lies beside the tests, to run in the page."""
    return lambda name: (Path(__file__).parent / name).read_text(encoding="utf-8")


def _note(seen: Seen, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        seen.complaints.append(text)
