"""What every page owes its reader: no complaint, no other host, no stray value, no overflow, no faint text."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.browser.conftest import Seen

_STRAY = re.compile(r"\b(?:null|undefined|NaN|Invalid Date)\b(?! not)")
_WIDE = """[...document.querySelectorAll('main *')].filter(e => !e.closest('.table-frame')
 && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className.baseVal ?? e.className)"""


def complaints(seen: Seen, within: str = "body") -> list[str]:
    """What went wrong while the page was drawn, other hosts it asked, and values that no reader should see."""
    strange = seen.hosts - {f"127.0.0.1:{seen.dashboard.port}"}
    return [*seen.complaints, *sorted(strange), *_STRAY.findall(seen.page.inner_text(within))]


def fits(seen: Seen, size: tuple[int, int]) -> None:
    """Nothing sticks out sideways on a screen of this size; only tables scroll, within their frames."""
    seen.page.set_viewport_size({"width": size[0], "height": size[1]})
    seen.page.wait_for_function(f"() => {_WIDE}.length === 0 && document.documentElement.scrollWidth <= innerWidth")


def faint(seen: Seen, theme: str, script: Callable[[str], str]) -> list[str]:
    """Texts that do not stand out from their ground in a theme."""
    seen.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    found: list[str] = seen.page.evaluate(script("contrast.js"))
    return found
