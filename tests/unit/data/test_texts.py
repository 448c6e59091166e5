"""What a person or a file writes as text is read as its column's kind, or left for the contract to refuse."""

from __future__ import annotations

import pytest

from homeostat.data.contracts import boolean, compile_contract, instant, integer, number, text
from homeostat.data.texts import reader_of, value_of
from homeostat.kernel.errors import InvalidInput

COLUMNS = {"t": text(), "n": number(), "i": integer(), "b": boolean(), "at": instant()}


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("t", "3", "3"),
        ("n", "3", 3.0),
        ("n", " 1e3 ", 1_000.0),
        ("i", "-7", -7),
        ("i", "7.0", 7),
        ("b", "TRUE", True),
        ("b", "false", False),
        ("at", "1970-01-01T00:00:01Z", 1_000_000),
    ],
)
def test_a_value_is_read_as_its_column_means_it(name, written, value):
    assert value_of(name, COLUMNS[name], written) == value


@pytest.mark.parametrize(
    ("name", "written"),
    [("n", "much"), ("n", "nan"), ("n", "inf"), ("i", "7.5"), ("b", "1"), ("b", "yes"), ("at", "1970-01-01T00:00:01")],
)
def test_what_cannot_be_meant_is_refused_with_its_mend(name, written):
    with pytest.raises(InvalidInput, match=f"Column '{name}'") as caught:
        value_of(name, COLUMNS[name], written)
    assert caught.value.mend


def test_a_missing_value_is_null_for_the_contract_to_judge():
    row = {name: reader_of(column.kind)(None) for name, column in COLUMNS.items()}
    assert {found.reason for found in compile_contract(COLUMNS)([row]).breaks} == {"null_not_allowed"}
