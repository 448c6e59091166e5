"""Pages of other sites reach neither doors nor control."""

from __future__ import annotations

import pytest

from homeostat.kernel.errors import Refused
from homeostat.web.foreign import refuse_foreign


@pytest.mark.parametrize(
    ("host", "origin", "changes"),
    [
        ("127.0.0.1:8400", None, True),
        ("localhost:8400", "http://localhost:8400", True),
        ("[::1]:8400", None, True),
        (None, None, True),
        ("127.0.0.1:8400", "http://elsewhere.example", False),
    ],
)
def test_programs_and_our_own_page_are_let_in(host: str | None, origin: str | None, changes: bool) -> None:
    refuse_foreign(host, origin, changes=changes)


@pytest.mark.parametrize(
    ("host", "origin", "changes"),
    [
        ("elsewhere.example", None, False),
        ("elsewhere.example:8400", "http://elsewhere.example:8400", True),
        ("127.0.0.1:8400", "http://elsewhere.example", True),
        ("127.0.0.1:8400", "http://127.0.0.1:9999", True),
        ("127.0.0.1:8400", "null", True),
    ],
)
def test_foreign_names_and_pages_are_refused(host: str, origin: str | None, changes: bool) -> None:
    with pytest.raises(Refused):
        refuse_foreign(host, origin, changes=changes)
