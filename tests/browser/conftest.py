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

PATIENCE = 45_000
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


class Tab:
    """One tab of the browser and one server for all tests of a file: what a page loads again lies in the cache."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context(reduced_motion="reduce")
        page, self._dashboard = self._context.new_page(), Dashboard("empty", cached=True)
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: _note(self._seen, message.type, message.text))
        page.on("pageerror", lambda error: self._seen.complaints.append(str(error)))
        page.on("request", lambda request: self._seen.hosts.add(urlsplit(request.url).netloc))
        self._seen = Seen(page, self._dashboard)
        self._shown: object = None

    def open(
        self, state: str, *, size: tuple[int, int] = LAPTOP, theme: str = "light", path: str = "/", **loop: Any
    ) -> Seen:
        """A new page of a new loop, as if nobody had looked before."""
        self.leave()
        page = self._seen.page
        self._dashboard.show(state)
        for name, value in loop.items():
            setattr(self._dashboard.loop, name, value)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.goto(self._dashboard.address + path)
        page.wait_for_selector("body[data-ready]")
        return self._seen

    def look(self, *asked: Any, **how: Any) -> Seen:
        """The page that the test before looked at where it is this one, otherwise a new one."""
        if self._shown != (asked, how):
            self.open(*asked, **how)
            self._shown = (asked, how)
        return self._seen

    def leave(self) -> None:
        """Forget what was shown, told and chosen."""
        page, self._shown = self._seen.page, None
        if page.url != "about:blank":
            page.mouse.move(0, 0)
            page.evaluate("localStorage.clear()")
            page.goto("about:blank")
        self._seen = Seen(page, self._dashboard)

    def close(self) -> None:
        """Close the tab and stop the server."""
        self._context.close()
        self._dashboard.stop()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Tab]:
    """The tab of a file's tests."""
    found = Tab(browser)
    yield found
    found.close()


@pytest.fixture
def opened(tab: Tab) -> Iterator[Open]:
    """Open the dashboard: ``opened("mid", size=PHONE, clock="system")``. It is left after."""
    yield tab.open
    tab.leave()


@pytest.fixture
def looked(tab: Tab) -> Open:
    """The same for a test that changes nothing: neighbours that look at the same share one page."""
    return tab.look


@pytest.fixture(scope="session")
def script() -> Callable[[str], str]:
    """The text of a script that lies beside the tests, to run in the page."""
    return lambda name: (Path(__file__).parent / name).read_text(encoding="utf-8")


def _note(seen: Seen, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        seen.complaints.append(text)
