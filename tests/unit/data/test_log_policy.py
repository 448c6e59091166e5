"""What the log hides stays hidden, and stays useful: equal values hash alike, under one key only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.contracts import instant, integer, text
from homeostat.data.log_policy import KEEP_ALL, Log, hashed_text, hiding
from homeostat.data.tables import Table
from homeostat.kernel.errors import InvalidInput

KEY = bytes(range(32))
ASKED = Table(
    "asked",
    key="id",
    event_time="at",
    contract={"id": text(), "at": instant(), "email": text(nullable=True), "age": integer(nullable=True)},
)


@given(st.text(), st.text())
def test_a_hash_tells_values_apart_and_says_nothing_of_them(one: str, other: str) -> None:
    found = hashed_text(one, KEY)
    assert (found == hashed_text(other, KEY)) == (one == other)
    assert found != hashed_text(one, KEY[::-1])
    assert len(found) == len("hashed:") + 32


def test_the_rest_of_a_row_is_kept_as_it_is() -> None:
    hide = hiding(Log(hashed=["email"], left_out=["age"]), KEY)
    assert hide is not None
    row = {"id": "a", "at": 7, "email": "ada@example.org", "age": 36}
    assert hide(row) == {"id": "a", "at": 7, "email": hashed_text("ada@example.org", KEY)}
    assert row["age"] == 36


def test_a_missing_value_stays_missing() -> None:
    hide = hiding(Log(hashed=["email"]), KEY)
    assert hide is not None
    assert hide({"id": "a", "email": None}) == {"id": "a", "email": None}


def test_a_log_that_keeps_all_does_nothing_to_a_row() -> None:
    assert hiding(KEEP_ALL, b"") is None


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: Log(hashed="email"), "no list of columns"),
        (lambda: Log(left_out=[7]), "no list of columns"),  # type: ignore[list-item]
        (lambda: Log(hashed=["email"], left_out=["email"]), "would hash 'email' and leave it out"),
        (lambda: hiding(Log(hashed=["email"]), bytes(15)), "A key of 15 bytes"),
        (lambda: Log(hashed=["emial"]).check(ASKED, {}), "Did you mean 'email'"),
        (lambda: Log(hashed=["age"]).check(ASKED, {}), "only text is hashed. Leave it out"),
        (
            lambda: Log(left_out=["id"]).check(ASKED, {"id": ("its key", "Take another.")}),
            "it is its key. Take another",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_mend(made: object, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        made()  # type: ignore[operator]
