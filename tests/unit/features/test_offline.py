from __future__ import annotations

import numpy as np
import pytest

from homeostat.features.offline import point_in_time
from tests.unit.features.reference import (
    FEATURES,
    Question,
    asked,
    asked_table,
    sales,
    stored,
    visits,
)


def recomputed(questions, facts):
    tables = {"sales": stored(sales, facts["sales"]), "visits": stored(visits, facts["visits"])}
    return point_in_time(FEATURES, asked_table(asked, questions), tables)


def sale_at(at, sequence, **changes):
    row = {"id": f"s{sequence}", "at": at, "shop": "north", "zone": 1, "price": 1.0, "pieces": 1}
    return {**row, "member": None, "note": "n", **changes}, sequence


def ask(time, known, shop="north", zone=1):
    return Question({"id": "q", "at": time, "shop": shop, "zone": zone, "distance": 1.0}, time, known)


def one(name, time, known, *facts):
    return recomputed([ask(time, known)], {"sales": facts, "visits": []})[name][0]


@pytest.mark.parametrize(("at", "inside"), [(6, 0.0), (7, 1.0), (10, 1.0), (11, 0.0)])
def test_a_window_leaves_out_its_beginning_and_holds_its_end(at, inside):
    assert one("shop_sold_3us", 9 if at != 10 else 10, 5, sale_at(at, 1)) == inside


@pytest.mark.parametrize(("age", "found"), [(4, "n"), (5, "none")])
def test_a_fact_of_exactly_the_greatest_age_still_counts(age, found):
    assert one("zone_note", 20, 5, sale_at(20 - age, 1)) == found


def test_of_two_facts_at_one_time_the_one_accepted_last_is_newest():
    assert one("shop_note", 9, 5, sale_at(4, 2, note="later"), sale_at(4, 1, note="earlier")) == "later"


def test_a_correction_is_unknown_before_it_was_accepted():
    facts = [sale_at(4, 1, id="s", price=1.0), sale_at(4, 7, id="s", price=2.0)]
    assert [one("shop_price_sum_10us", 9, known, *facts) for known in (6, 7)] == [1.0, 2.0]


def test_a_fact_is_gone_from_the_very_sequence_that_supersedes_it_whatever_its_neighbours():
    first = [sale_at(3, 1, id="a"), sale_at(3, 20, id="a", shop="south")]
    second = [sale_at(4, 2, id="b"), sale_at(4, 7, id="b", shop="south")]
    questions = [ask(9, known) for known in (6, 7, 19, 20)]
    values = recomputed(questions, {"sales": [*first, *second], "visits": []})
    assert values["shop_sold_10us"].tolist() == [2.0, 1.0, 1.0, 0.0]


def test_a_correction_may_move_a_fact_to_another_entity():
    facts = [sale_at(4, 1, id="s"), sale_at(4, 7, id="s", shop="south")]
    assert [one("shop_sold_10us", 9, known, *facts) for known in (6, 7)] == [1.0, 0.0]


def test_a_null_entity_matches_nothing_not_even_null():
    values = recomputed([ask(9, 5, shop=None)], {"sales": [sale_at(4, 1, shop=None)], "visits": []})
    assert values["shop_sold_10us"][0] == 0.0
    assert values["shop_note"][0] is None


def test_a_small_sum_survives_large_neighbours():
    facts = [sale_at(at, at, price=price) for at, price in enumerate([1e15, 1e9, 0.1, -1e9, -1e15], start=1)]
    assert one("shop_price_sum_3us", 4, 9, *facts) == 0.1


def test_a_sum_beyond_the_greatest_number_is_missing_and_spoils_no_other():
    facts = [sale_at(1, 1, price=1.7e308), sale_at(2, 2, price=1.7e308), sale_at(9, 3, price=2.0)]
    assert np.isnan(one("shop_price_sum_10us", 9, 9, *facts))
    assert one("shop_price_sum_3us", 9, 9, *facts) == 2.0


def test_long_runs_of_hidden_facts_are_skipped_without_being_wrong():
    late = [sale_at(5, 1000 + i, note="late") for i in range(300)]
    dead = [sale_at(4, 10 + i, id="same", note=str(i)) for i in range(300)]
    facts = [sale_at(2, 1, note="seen"), *dead, sale_at(3, 400, id="same"), *late]
    assert one("shop_note", 9, 5, *facts) == "seen"
    assert one("shop_note", 9, 12, *facts) == "2"
    assert one("shop_note", 9, 999, *facts) == "n"
