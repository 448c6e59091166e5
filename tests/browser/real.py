"""A tab for the pages of a real control server, as a person has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests.browser.conftest import LAPTOP, PATIENCE


@dataclass
class Seen:
    """A page and what went wrong in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, address: str) -> Seen:
        """Go there, and wait until all is drawn."""
        self.page.goto(address)
        self.page.wait_for_selector("body[data-ready]")
        return self


@contextmanager
def tab(browser: Browser) -> Iterator[Seen]:
    """An empty page; complaints and hosts are of all that it shows."""
    context = browser.new_context(viewport={"width": LAPTOP[0], "height": LAPTOP[1]}, reduced_motion="reduce")
    found = Seen(context.new_page())
    found.page.set_default_timeout(PATIENCE)
    found.page.on("console", lambda message: found.complaints.append(f"{message.type}: {message.text}"))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.hosts.add(urlsplit(request.url).netloc))
    yield found
    context.close()
