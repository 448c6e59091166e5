from __future__ import annotations

import numpy as np
import pytest

from homeostat.data.contracts import instant, number, text
from homeostat.data.tables import Table
from homeostat.features.definitions import Window, count, feature_set, mean
from homeostat.features.parity import Mismatch, compare
from homeostat.kernel.errors import InvalidInput

CONTRACT = {"id": text(), "at": instant(), "shop": text(nullable=True), "price": number()}
asked = Table("asked", key="id", event_time="at", contract=CONTRACT)
sales = Table("sales", key="id", event_time="at", contract=CONTRACT)
window = Window(sales, by="shop", over=["1h"], values={"sold": count(), "price": mean("price")})
features = feature_set(asked, [asked["shop"], window])


def columns(shop, sold, price):
    return {
        "shop": np.array([shop], dtype=object),
        "shop_sold_1h": np.array([sold]),
        "shop_price_1h": np.array([price]),
    }


def test_equal_rows_have_no_mismatch_and_means_may_differ_in_the_last_bits():
    assert compare(features, [["a", 3.0, 2.0]], columns("a", 3.0, 2.0 + 1e-12)) == []
    assert compare(features, [[None, 0.0, None]], columns(None, 0.0, np.nan)) == []


def test_every_differing_value_is_listed_with_both_sides():
    found = compare(features, [["a", 3.0, None]], columns("b", 3.0 + 1e-12, 2.0))
    assert found == [
        Mismatch(0, "shop", "a", "b"),
        Mismatch(0, "shop_sold_1h", 3.0, 3.0 + 1e-12),
        Mismatch(0, "shop_price_1h", None, 2.0),
    ]


def test_rows_of_another_feature_set_are_refused():
    with pytest.raises(InvalidInput, match="do not all have the 3 features"):
        compare(features, [["a"]], columns("a", 1.0, 1.0))
    with pytest.raises(InvalidInput, match="does not have the 1 row "):
        compare(features, [["a", 1.0, 1.0]], {})
