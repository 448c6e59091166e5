"""Profiles add, survive JSON, and show a move wherever it goes."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.data.bins import TOP_CATEGORIES
from homeostat.data.profiles import Profile, ReferenceProfile, merged
from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData, NotFound

NUMBERS = st.lists(st.one_of(st.floats(allow_infinity=True), st.integers(0, 5).map(float)), max_size=60)
TEXTS = st.lists(st.sampled_from(["JFK", "LGA", "EWR", "new", "", None]), max_size=40)
ANY = st.one_of(
    st.tuples(st.just("number"), NUMBERS, NUMBERS, NUMBERS), st.tuples(st.just("text"), TEXTS, TEXTS, TEXTS)
)


@given(ANY)
def test_merging_is_pooling_in_any_order_and_grouping(case: tuple[str, list, list, list]) -> None:  # type: ignore[type-arg]
    kind, first, second, third = case
    reference = Profile.of("x", kind, first)  # type: ignore[arg-type]
    a, b, c = (reference.count(values) for values in (first, second, third))
    assert a + b == reference.count([*first, *second])
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a == reference
    assert reference.rows == len(first)


@given(ANY)
def test_the_json_form_reads_back_exactly(case: tuple[str, list, list, list]) -> None:  # type: ignore[type-arg]
    profile = Profile.of("x", case[0], case[1])  # type: ignore[arg-type]
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_counts_are_what_the_edges_say_and_edges_ascend(values: list[float]) -> None:
    profile = Profile.of("x", "number", values)
    assert list(profile.edges) == sorted(set(profile.edges))
    bounds = [-np.inf, *profile.edges, np.inf]
    counted = [sum(low < value <= high for value in values) for low, high in pairwise(bounds)]
    assert list(profile.counts) == counted


def test_bins_of_a_smooth_number_are_equally_full() -> None:
    values = np.random.default_rng(1).normal(size=10_000)
    profile = Profile.of("x", "number", values)
    assert len(profile.counts) == 20
    assert profile.shares() == pytest.approx(np.full(20, 0.05), abs=1e-3)


@pytest.mark.parametrize("moved", [0.0, 2.0])
def test_a_constant_number_shows_a_move_to_either_side(moved: float) -> None:
    profile = Profile.of("x", "number", [1.0] * 50)
    assert profile.count([1.0] * 7).shares().max() == 1.0
    assert profile.shares() @ profile.count([moved] * 7).shares() == 0.0


def test_a_frequent_value_has_a_bin_of_its_own() -> None:
    profile = Profile.of("rain", "number", [0.0] * 90 + [float(value) for value in range(1, 11)])
    at_zero = profile.count([0.0] * 3)
    assert at_zero.counts[1] == 3
    assert profile.count([-1.0]).counts[0] == 1
    assert profile.count([1.0]).counts[1] == 0


def test_the_highest_frequent_value_has_an_upper_edge_too() -> None:
    profile = Profile.of("hour", "number", [float(hour) for hour in range(20)] * 30)
    assert profile.shares() @ profile.count([20.0] * 5).shares() == 0.0


def test_rounding_to_float32_moves_no_value_to_another_bin() -> None:
    values = np.round(np.random.default_rng(2).normal(10, 3, 4000), 1)
    profile = Profile.of("x", "number", values)
    assert profile.count(values.astype(np.float32)).counts == profile.counts


def test_rare_and_new_categories_are_counted_together() -> None:
    values = [f"c{index:02d}" for index in range(60) for _ in range(60 - index)]
    profile = Profile.of("dest", "text", values)
    assert len(profile.categories) == TOP_CATEGORIES
    assert profile.counts[-1] == sum(range(1, 11))
    assert profile.count(["c00", "c59", "never seen"]).counts[-1] == 2


def test_missing_values_are_counted_apart_whatever_they_look_like() -> None:
    assert Profile.of("x", "text", ["a", None, "", float("nan")]).missing == 3
    assert Profile.of("x", "number", [1.0, None, float("nan")]).missing == 2
    assert Profile.of("x", "text", ["a", None]).missing_share() == 0.5


def test_a_wholly_missing_feature_still_has_a_missing_share() -> None:
    for kind in ("number", "text"):
        profile = Profile.of("x", kind, [None, None])
        assert profile.missing_share() == 1.0
        assert profile.counts == (0,)
        with pytest.raises(NotEnoughData):
            profile.shares()
    with pytest.raises(NotEnoughData):
        Profile.of("x", "number", []).missing_share()


def test_infinite_values_fall_into_the_outer_bins() -> None:
    profile = Profile.of("x", "number", [1.0, 2.0, 3.0, float("inf")], bins=2)
    assert profile.count([float("-inf"), float("inf")]).counts[0] == 1
    assert profile.count([float("inf")]).counts[-1] == 1
    assert Profile.of("x", "number", [float("inf")]).edges == ()


def test_profiles_over_other_bins_never_add() -> None:
    with pytest.raises(Conflict):
        Profile.of("x", "number", [1.0, 2.0]) + Profile.of("x", "number", [1.0, 5.0])


def test_what_is_no_number_and_no_profile_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Profile.of("x", "number", ["many"])
    with pytest.raises(InvalidInput):
        Profile.of("x", "number", [1.0], bins=1)
    good = Profile.of("x", "number", [1.0]).to_json()
    for broken in ({}, {**good, "counts": [1]}, {**good, "edges": None}):
        with pytest.raises(InvalidInput):
            Profile.from_json(broken)
    with pytest.raises(InvalidInput):
        ReferenceProfile.from_json({})


@settings(max_examples=20)
@given(NUMBERS, TEXTS)
def test_a_reference_profile_counts_adds_and_reads_back(numbers: list[float], texts: list[str | None]) -> None:
    columns: dict[str, list[Any]] = {"hour": [*numbers, 1.0], "carrier": [*texts, "UA"]}
    reference = ReferenceProfile.of({"hour": "number", "carrier": "text"}, columns, [0.1, 0.2, 0.7])
    day = reference.count(columns, [0.1, 0.2, 0.7])
    assert day == reference
    assert (day + day).features["hour"].rows == 2 * len(columns["hour"])
    assert (day + day).prediction.rows == 6
    assert ReferenceProfile.from_json(json.loads(json.dumps(reference.to_json()))) == reference


def test_a_feature_that_was_not_served_is_not_passed_over() -> None:
    reference = ReferenceProfile.of({"hour": "number"}, {"hour": [1.0, 2.0]}, [0.5])
    with pytest.raises(NotFound):
        reference.count({}, [0.5])
    other = ReferenceProfile.of({"day": "number"}, {"day": [1.0, 2.0]}, [0.5])
    with pytest.raises(Conflict):
        reference + other


MIXED = st.lists(
    st.one_of(st.sampled_from(["a", "1", "True", "", None, float("nan"), 1, 1.0, True, False, 0]), st.text(max_size=3)),
    max_size=40,
)


@given(MIXED, MIXED)
def test_a_text_is_counted_under_the_name_it_is_written_with(first: list[object], second: list[object]) -> None:
    """1, 1.0 and True are equal, but three names; what is counted is independent of how it is counted."""
    profile = Profile.of("x", "text", first)
    day = profile.count(second)
    names = Counter(str(value) for value in second if not (value is None or value == "" or value != value))
    assert day.counts[:-1] == tuple(names[name] for name in profile.categories)
    assert day.counts[-1] == sum(rows for name, rows in names.items() if name not in profile.categories)
    assert day.missing == len(second) - sum(names.values())
    assert day == profile.count(np.array(second, dtype=object))
    assert day == profile.count_names(names, day.missing)


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=40), st.sampled_from([1, 30]))
def test_a_number_is_counted_where_its_edges_say_whatever_it_comes_in(values: list[float | None], times: int) -> None:
    profile = Profile.of("x", "number", [0.0, 0.0, 1.0, 2.0, 3.0, 10.0], bins=4)
    known = [value for value in values if value is not None and value == value]
    looked_up = np.bincount(np.searchsorted(profile.edges, known), minlength=len(profile.counts)) * times
    day = profile.count(values * times)
    assert day.counts == tuple(looked_up.tolist())
    assert day.missing == (len(values) - len(known)) * times
    assert day == profile.count(np.array(values * times, dtype=np.float64))


def test_unlisted_names_are_told_with_their_rows() -> None:
    profile = Profile.of("origin", "text", ["JFK"] * 9 + ["EWR"])
    day = profile.count(["JFK", "XNA", "XNA", None, "EGE"])
    assert day.unlisted is not None
    assert day.unlisted.rows == {"XNA": 2, "EGE": 1}
    assert (day + day).unlisted.rows == {"XNA": 4, "EGE": 2}  # type: ignore[union-attr]


def test_a_flood_of_new_names_is_counted_in_bounded_room() -> None:
    day = Profile.of("id", "text", ["a", "b"]).count([f"new {number}" for number in range(50_000)])
    assert day.counts == (0, 0, 50_000)
    assert len(json.dumps(day.to_json())) < 2_000


def test_a_profile_that_was_written_without_names_reads_and_adds() -> None:
    profile = Profile.of("origin", "text", ["JFK", "EWR"])
    old = {key: value for key, value in profile.to_json().items() if key != "unlisted"}
    read = Profile.from_json(old)
    assert read.unlisted is None
    assert read.to_json() == old
    assert read.count(["XNA"]).unlisted is not None
    assert (read + profile).unlisted is None
    assert (read + profile).counts == (profile + profile).counts


@given(ANY)
def test_merging_many_is_adding_one_by_one(case: tuple[str, list, list, list]) -> None:  # type: ignore[type-arg]
    kind, first, second, third = case
    reference = Profile.of("x", kind, first)  # type: ignore[arg-type]
    parts = [reference.count(values) for values in (first, second, third)]
    assert merged(parts) == parts[0] + parts[1] + parts[2]
    with pytest.raises(NotEnoughData):
        merged([])
    with pytest.raises(Conflict):
        merged([*parts, Profile.of("y", "number", [5.0])])


def test_names_are_those_of_a_text_only() -> None:
    with pytest.raises(InvalidInput):
        Profile.of("x", "number", [1.0, 2.0]).count_names({"a": 1})
