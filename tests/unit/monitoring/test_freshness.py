"""A silent feed looks old, a broken one looks broken, and nothing looks fine for lack of data."""

from __future__ import annotations

import pytest

import homeostat as hs
from homeostat.features.definitions import feature_set
from homeostat.kernel.clock import duration
from homeostat.kernel.verdicts import INCONCLUSIVE
from homeostat.monitoring.freshness import (
    freshness,
    judge_freshness,
    objectives_of,
)
from homeostat.monitoring.signals import EXCEEDED, WITHIN, Unknown
from homeostat.monitoring.windows import Window

DAY = Window(0, 86_400_000_000, "1970-01-01")
OBJECTIVE = duration("3h")


def test_age_is_measured_at_the_windows_end() -> None:
    fresh = freshness("weather", DAY, DAY.end - OBJECTIVE)
    stale = freshness("weather", DAY, DAY.end - OBJECTIVE - 1)
    assert (fresh.known, fresh.unit) == (10_800.0, "s")
    assert judge_freshness(fresh, OBJECTIVE).name == WITHIN
    assert judge_freshness(stale, OBJECTIVE).name == EXCEEDED


@pytest.mark.parametrize(("newest", "reason"), [(None, "no_events"), (DAY.end, "newest_event_after_window")])
def test_no_event_or_a_later_one_is_unknown_never_fresh(newest: int | None, reason: str) -> None:
    signal = freshness("weather", DAY, newest)
    assert signal.value == Unknown(reason)
    assert judge_freshness(signal, OBJECTIVE).name == INCONCLUSIVE


def test_each_table_and_view_has_its_objective_and_a_view_without_one_its_tables() -> None:
    contract = {"id": hs.text(), "at": hs.instant(), "shop": hs.text(), "price": hs.number()}
    asked = hs.Table("asked", key="id", event_time="at", contract=contract)
    sales = hs.Table("sales", key="id", event_time="at", contract=contract, freshness="3h")
    views = [
        hs.Latest(sales, by="shop", columns=["price"]),
        hs.Window(sales, by="shop", over=["1h"], values={"sold": hs.count()}, freshness="1h"),
    ]
    found = objectives_of([asked, sales], feature_set(asked, views))
    assert {one.id: (one.table, one.limit) for one in found} == {
        "table sales": ("sales", duration("3h")),
        "view sales_latest_by_shop": ("sales", duration("3h")),
        "view sales_window_by_shop": ("sales", duration("1h")),
    }
    ages = (duration("1h"), duration("2h"), duration("4h"), None)
    assert [[one.met(DAY, age) for one in found] for age in ages] == [
        [True, True, True],
        [True, True, False],
        [False, False, False],
        [None, None, None],
    ]
