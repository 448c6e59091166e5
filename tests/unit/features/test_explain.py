"""How a value was made: recomputing from the listed rows gives what training would see."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.features.behind import Asked
from homeostat.features.definitions import Window
from homeostat.features.explain import explain
from homeostat.features.offline import point_in_time
from tests.unit.features.reference import (
    FEATURES,
    Question,
    _aggregate,
    asked,
    asked_table,
    question,
    sale,
    sales,
    stored,
    visit,
    visits,
)


def explained(asking, facts, newest=1_000):
    tables = {"sales": stored(sales, facts["sales"]), "visits": stored(visits, facts["visits"])}

    def read(table, columns, where):
        given = tables[table.name]
        return given.filter(where).select([name for name in columns if name in given.column_names])

    return explain(FEATURES, Asked(asking.row, asking.time, asking.known), read, newest=newest)


def one(name, asking, *sold, newest=1_000):
    found = explained(asking, {"sales": sold, "visits": []}, newest)
    return next(each for each in found if each.feature == name)


def sold(at, sequence, price=1.0, name=None, **changes):
    row = {"id": name or f"s{sequence}", "at": at, "shop": "north", "zone": 1, "price": price, "pieces": 1}
    return {**row, "member": None, "note": "n", **changes}, sequence


def ask(time, known):
    return Question({"id": "q", "at": time, "shop": "north", "zone": 1, "distance": 1.0}, time, known)


def agree(feature, value, offline):
    if feature.kind == "text":
        return value == offline
    if value is None:
        return bool(np.isnan(offline))
    return value == offline if feature.exact else math.isclose(value, offline, rel_tol=1e-9)


@given(
    st.lists(sale, max_size=25),
    st.lists(visit, max_size=8),
    question,
    st.integers(-1, 25),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None)
def test_recomputing_from_the_listed_rows_gives_what_training_sees(sold, visited, row, known, shuffled):
    sequences = list(range(len(sold) + len(visited)))
    shuffled.shuffle(sequences)
    facts = {"sales": list(zip(sold, sequences, strict=False))}
    facts["visits"] = list(zip(visited, sequences[len(sold) :], strict=True))
    asking = Question(row, row["at"], known)
    tables = {"sales": stored(sales, facts["sales"]), "visits": stored(visits, facts["visits"])}
    offline = point_in_time(FEATURES, asked_table(asked, [asking]), tables)
    found = explained(asking, facts)
    assert [each.feature for each in found] == list(FEATURES.names)
    for feature, each in zip(FEATURES.features, found, strict=True):
        assert agree(feature, each.value, offline[feature.name][0]), (feature.name, each)
    windows = {
        feature.name: aggregate
        for view in FEATURES.views
        if isinstance(view, Window)
        for feature, aggregate in zip(view.features, (a for a in view.values.values() for _ in view.over), strict=True)
    }
    for each in found:
        assert len(each.rows) == each.total
        counted = [listed for listed in each.rows if listed.standing in ("counted", "empty")]
        assert len(counted) == each.counted
        if each.defaulted:
            continue
        if each.feature in windows:
            again = _aggregate(windows[each.feature], [listed.values for listed in reversed(counted)])
            assert again == each.value or math.isclose(again, each.value, rel_tol=1e-9)
        elif each.how == "latest":
            column = each.feature.split("_", 1)[1]
            assert [listed.values[column] for listed in counted] in ([], [each.value])


def test_each_row_says_why_it_did_not_count():
    first, corrected = sold(20, 0, 5.0, "a"), sold(20, 3, 7.0, "a")
    late, empty, outside = sold(21, 9, 100.0, "late"), sold(22, 4, None, "b"), sold(10, 1, 1.0, "gone")
    found = one("shop_price_sum_10us", ask(22, 5), first, outside, corrected, empty, late)
    assert found.value == 7.0
    assert (found.counted, found.total) == (2, 4)
    assert [(row.values["id"], row.values["price"], row.standing) for row in found.rows] == [
        ("b", None, "empty"),
        ("late", 100.0, "unknown"),
        ("a", 7.0, "counted"),
        ("a", 5.0, "corrected"),
    ]
    assert [row.superseded_by for row in found.rows] == [None, None, None, 3]


def test_a_fact_corrected_after_the_question_counts_and_says_by_which():
    found = one("shop_price_sum_10us", ask(22, 5), sold(20, 0, 5.0, "a"), sold(20, 6, 7.0, "a"))
    assert found.value == 5.0
    assert [(row.standing, row.superseded_by) for row in found.rows] == [("unknown", None), ("counted", 6)]


def test_a_fact_that_moved_to_another_entity_is_shown_as_corrected():
    found = one("shop_sold_10us", ask(22, 5), sold(20, 0, 5.0, "a"), sold(20, 3, 5.0, "a", shop="south"))
    assert found.value == 0.0
    assert [(row.standing, row.superseded_by) for row in found.rows] == [("corrected", 3)]


def test_the_latest_fact_is_listed_with_every_newer_one_that_did_not_count():
    found = one("shop_price", ask(22, 5), sold(10, 0, 1.0), sold(20, 2, 2.0), sold(21, 8, 3.0))
    assert found.value == 2.0
    assert [(row.event_time, row.standing) for row in found.rows] == [(21, "unknown"), (20, "counted")]


def test_a_latest_fact_older_than_allowed_is_shown_as_such():
    found = one("zone_price", ask(22, 5), sold(10, 0, 1.0))
    assert found.value is None
    assert [(row.standing, found.counted) for row in found.rows] == [("older", 0)]


def test_only_the_newest_rows_are_listed_and_all_are_counted():
    found = one("shop_sold_10us", ask(30, 50), *(sold(21 + n, n) for n in range(9)), newest=3)
    assert (found.value, found.counted, found.total) == (9.0, 9, 9)
    assert [row.event_time for row in found.rows] == [29, 28, 27]


def test_a_transform_shows_its_inputs():
    found = one("crowding", ask(22, 5), sold(14, 0), sold(20, 1))
    assert found.how == "transform"
    assert found.inputs == {"shop_sold_3us": 1.0, "shop_sold_10us": 2.0}
    assert found.value == pytest.approx(0.5)


def test_a_default_says_whether_the_value_was_missing_or_its_source_silent():
    def people(asking, *visited):
        found = explained(asking, {"sales": [], "visits": visited})
        return next(each for each in found if each.feature == "zone_people_4us")

    seen = {"zone": 1, "at": 20, "people": None}, 0
    told = people(ask(22, 5), seen)
    assert (told.value, told.defaulted, told.counted) == (-7.0, "missing", 1)
    told = people(ask(40, 5), seen)
    assert (told.value, told.defaulted, told.total) == (-7.0, "silent", 0)
