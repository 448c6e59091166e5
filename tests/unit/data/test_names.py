"""Which names a message offers."""

from __future__ import annotations

from homeostat.data.checks import did_you_mean


def test_of_many_names_whole_ones_are_listed_and_the_rest_is_counted() -> None:
    names = [f"a_rather_long_name_of_a_column_{number:02}" for number in range(40)]
    told = did_you_mean("nope", names)
    assert told.startswith("Known: a_rather_long_name_of_a_column_00, ")
    assert told.endswith("a_rather_long_name_of_a_column_07 and 32 more.")


def test_one_endless_name_is_cut() -> None:
    assert did_you_mean("nope", ["x" * 1_000, "y"]).endswith("... and 1 more.")
    assert did_you_mean("nope", []) == "Known: none."
