"""A table is checked when it is declared, and a key means the same wherever it is written."""

from __future__ import annotations

import re

import pytest

from homeostat.data.contracts import instant, integer, number, text
from homeostat.data.tables import Selection, Table
from homeostat.kernel.errors import InvalidInput

CONTRACT = {"origin": text(), "hour": integer(), "at": instant(), "visib": number(nullable=True)}


def table(**changes):
    parts = {"name": "weather", "key": ("origin", "hour"), "event_time": "at", "contract": CONTRACT}
    return Table(**{**parts, **changes})


def test_a_single_key_and_a_composite_key_read_alike():
    assert table().keys == ("origin", "hour")
    assert table(key="origin").keys == ("origin",)


def test_keys_are_equal_only_for_equal_values():
    row = {"origin": "JFK", "hour": 5, "at": 0, "visib": None}
    assert table().key_of(row) == '["JFK",5]' == table().key_of({**row, "visib": 2.0})
    assert table().key_of({**row, "origin": 'JFK",5'}) != table().key_of({**row, "origin": "JFK"})


def test_columns_are_selected_in_order():
    chosen = table()["visib", "origin"]
    assert isinstance(chosen, Selection)
    assert chosen.names == ("visib", "origin")
    assert table()["hour"].names == ("hour",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "Weather"}, "cannot name a table"),
        ({"name": "a/../b"}, "cannot name a table"),
        ({"contract": {**CONTRACT, "_sequence": integer()}}, "cannot name a column"),
        ({"contract": {**CONTRACT, "x": str}}, "promises nothing"),
        ({"key": "orgin"}, "Did you mean 'origin'?"),
        ({"key": ()}, "no key"),
        ({"key": "visib"}, "may be null"),
        ({"event_time": "att"}, "Did you mean 'at'?"),
        ({"event_time": "hour"}, "is no instant"),
        ({"contract": {**CONTRACT, "at": instant(nullable=True)}}, "is no instant"),
        ({"freshness": "soon"}, "is not a duration"),
        ({"retries": "often"}, "is not a duration"),
        ({"ahead": "0m"}, "is not a duration"),
        ({"event_id": "nr"}, "which its contract lacks"),
        ({"event_id": "visib"}, "identifies nothing"),
        ({"event_id": "at"}, "identifies nothing"),
    ],
)
def test_a_table_that_cannot_work_is_refused_with_its_mend(changes, says):
    with pytest.raises(InvalidInput, match=re.escape(says)):
        table(**changes)


def test_selecting_an_unknown_column_names_the_nearest():
    with pytest.raises(InvalidInput, match="Did you mean 'visib'"):
        table()["visibility"]
