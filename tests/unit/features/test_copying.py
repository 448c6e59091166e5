"""Features that are the question's own columns come out as the general look-up gives them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.contracts import Value, boolean, instant, integer, number, text
from homeostat.data.tables import Table
from homeostat.features.definitions import feature_set
from homeostat.features.online import Snapshot, lookup

ASKED = Table(
    "asked",
    key="id",
    event_time="at",
    contract={
        "id": text(),
        "at": instant(),
        "n": number(nullable=True),
        "k": integer(nullable=True),
        "b": boolean(nullable=True),
        "t": text(nullable=True),
    },
)
ROWS = st.fixed_dictionaries(
    {
        "id": st.just("q"),
        "at": st.just(0),
        "n": st.none() | st.floats(allow_nan=False),
        "k": st.none() | st.integers(-(2**53), 2**53),
        "b": st.none() | st.booleans(),
        "t": st.none() | st.text(),
    }
)


@given(row=ROWS, names=st.permutations(["n", "k", "b", "t"]), count=st.integers(1, 4))
def test_copied_features_are_those_of_the_look_up(row: dict[str, Value], names: list[str], count: int) -> None:
    features = feature_set(ASKED, [ASKED[tuple(names[:count])]])
    assert features.direct is not None
    nothing: Snapshot = None  # type: ignore[assignment]
    (wanted,) = lookup(features, [row], [0], nothing).values
    found = features.direct(row)
    assert found == wanted
    assert [type(value) for value in found] == [type(value) for value in wanted]
