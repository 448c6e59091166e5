"""New categories are named only when they are new, and gone ones only when that is no accident."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.profiles import Profile
from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData
from homeostat.monitoring.categories import new_categories, vanished_categories

NAMES = st.lists(st.integers(0, 250).map("n{:03d}".format), min_size=1, max_size=400)


@given(NAMES, NAMES)
def test_what_is_named_as_new_is_new_and_the_share_is_within_its_bounds(before: list[str], now: list[str]) -> None:
    reference = Profile.of("x", "text", before)
    found = new_categories(reference, reference.count(now))
    truly = {name: rows for name, rows in Counter(now).items() if name not in before}
    assert all(truly[name] == rows for name, rows in found.named.items())
    share = sum(truly.values()) / len(now)
    assert found.least - 1e-12 <= share <= found.most + 1e-12
    if len(set(before)) <= 50 + 32 and len(set(now) - set(reference.categories)) <= 32:
        assert found.named == truly
        assert found.least == found.most


@given(NAMES, NAMES)
def test_what_is_named_as_gone_is_gone_and_no_accident(before: list[str], now: list[str]) -> None:
    reference = Profile.of("x", "text", before)
    for name, share in vanished_categories(reference, reference.count(now)).items():
        assert name not in now
        assert share == pytest.approx(before.count(name) / len(before))
        assert (1 - share) ** len(now) <= 1e-3 * (1 + 1e-9)


def test_names_come_most_frequent_first() -> None:
    reference = Profile.of("x", "text", ["a"])
    found = new_categories(reference, reference.count(["b", "c", "c", "d", "d", "a"]))
    assert list(found.named) == ["c", "d", "b"]


def test_a_flood_of_new_names_is_a_share_not_a_crash() -> None:
    reference = Profile.of("x", "text", ["a", "b"])
    found = new_categories(reference, reference.count([f"id {number}" for number in range(30_000)]))
    assert (found.least, found.most, len(found.named)) == (1.0, 1.0, 32)


def test_a_profile_of_before_names_were_kept_decides_where_nothing_was_unlisted() -> None:
    few = replace(Profile.of("x", "text", ["a", "b"]), unlisted=None)
    assert dict(new_categories(few, few.count(["a", "c"])).named) == {"c": 1}
    many = replace(Profile.of("x", "text", [f"n{number}" for number in range(60)]), unlisted=None)
    with pytest.raises(NotEnoughData):
        new_categories(many, many.count(["a", "c"]))


def test_no_rows_numbers_other_bins_and_no_chance_are_refused() -> None:
    text, number = Profile.of("x", "text", ["a"]), Profile.of("x", "number", [1.0])
    for ask in (new_categories, vanished_categories):
        with pytest.raises(NotEnoughData):
            ask(text, text.count([None]))
        with pytest.raises(NotEnoughData):
            ask(Profile.of("x", "text", [None]), Profile.of("x", "text", [None]).count(["a"]))
        with pytest.raises(InvalidInput):
            ask(number, number)
        with pytest.raises(Conflict):
            ask(text, Profile.of("x", "text", ["b"]))
    for chance in (0.0, 1.0, math.nan):
        with pytest.raises(InvalidInput):
            vanished_categories(text, text, chance=chance)
