"""A segment that hides behind a good average is found, and nothing is where nothing changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from homeostat.data.profiles import Profile
from homeostat.monitoring.kept_slices import KeptSlice
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.slice_figures import FIGURES, Cells, Search, cells_of, figure, grown_worse
from homeostat.monitoring.slices import ALL, MOST_PAIRS, MOST_VALUES, NO_VALUE, OTHERS, Judged, sliced
from homeostat.stats.intervals import Interval
from homeostat.stats.metrics import roc_auc
from tests.harness.segmented import PROFILES, ROWS, SLICES, judged_rows, rows_of

Kept = tuple[KeptSlice, ...]


def days_of(seed: int, count: int, wrong: float = 0.0) -> list[Kept]:
    rng = np.random.default_rng(seed)
    days = [judged_rows(rng, wrong) for _ in range(count)]
    return [sliced(SLICES, columns, PROFILES, rows) for columns, rows in days]


def searched(before: Sequence[Kept], after: Sequence[Kept]) -> Search:
    found = grown_worse(before, after, SLICES)
    assert isinstance(found, Search)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_a_segment_of_five_percent_is_found_while_the_aggregate_stays_inside_its_bounds(seed: int) -> None:
    before, after = days_of(seed, 42), days_of(1_000 + seed, 14, wrong=0.45)
    worst = searched(before, after).found[0]
    assert (worst.of, worst.value) == (("site",), "small")
    assert 0.03 < worst.share < 0.07
    assert worst.after.low > worst.rest.high
    assert worst.rise.low > max(0.0, worst.rest_rise.value)
    old, new = (figure(cells_of(side, ())[0], "log_loss") for side in (before, after))
    assert isinstance(old, Interval)
    assert isinstance(new, Interval)
    assert new.value < 1.1 * old.value


def test_where_nothing_changed_one_look_in_ninety_at_most_names_a_slice() -> None:
    looks = [searched(days_of(seed, 42), days_of(10_000 + seed, 14)) for seed in range(24)]
    assert sum(bool(look.found) for look in looks) <= 2  # at 1 in 90, three of 24 would come once in 400 draws


def test_what_moves_all_slices_alike_is_no_slice_that_grew_worse() -> None:
    rng = np.random.default_rng(5)
    chance = rng.beta(1.5, 3.0, (14, ROWS))
    flat = [sliced(SLICES, rows_of(rng), PROFILES, Judged.of(rng.random(ROWS) < 1.0 - one, one, 0.5)) for one in chance]
    assert searched(days_of(5, 42), flat).found == ()


@pytest.mark.parametrize("one_in", [1, 4])
def test_the_sums_of_every_slice_add_up_to_those_of_all_rows(one_in: int) -> None:
    rng = np.random.default_rng(3)
    chance = rng.random(ROWS)
    whole, *others = sliced(SLICES, rows_of(rng), PROFILES, Judged.of(rng.random(ROWS) < chance, chance, 0.5, one_in))
    assert (whole.of, whole.values, whole.rows) == ((), (ALL,), (one_in * ROWS,))
    for one in others:
        for field in ("rows", "positives", "right", "hits"):
            assert sum(getattr(one, field)) == getattr(whole, field)[0]
        for field in ("log_loss", "brier", "expected"):
            assert sum(getattr(one, field)) == pytest.approx(getattr(whole, field)[0], rel=1e-5)


def test_auc_within_a_day_is_that_of_its_rows() -> None:
    rng = np.random.default_rng(4)
    chance = rng.random(ROWS)
    truth = rng.random(ROWS) < chance
    day = sliced(SLICES[:1], rows_of(rng), {}, Judged.of(truth, chance, 0.5))
    found = figure(cells_of([day] * 3, ())[0], "auc_within_days")
    assert isinstance(found, Interval)
    assert found.value == pytest.approx(roc_auc(truth, chance), abs=1e-6)


def value(cells: Cells, name: str) -> float:
    found = figure(cells, name)
    assert isinstance(found, Interval), found
    return found.value


def test_precision_recall_and_f1_of_a_slice_are_those_of_its_rows() -> None:
    rng, days, rows, said = np.random.default_rng(7), [], [], []
    for _ in range(4):
        columns, chance = rows_of(rng), rng.random(ROWS)
        truth = rng.random(ROWS) < chance
        days.append(sliced(SLICES[:1], columns, {}, Judged.of(truth, chance, 0.6)))
        rows.append(truth[columns["site"] == "A"])
        said.append(chance[columns["site"] == "A"] >= 0.6)
    truth, yes = np.concatenate(rows), np.concatenate(said)
    cells = next(one for one in cells_of(days, ("site",)) if one.value == "A")
    assert value(cells, "precision") == pytest.approx(truth[yes].mean())
    assert value(cells, "recall") == pytest.approx(yes[truth].mean())
    assert value(cells, "f1") == pytest.approx(2 * (truth & yes).sum() / (truth.sum() + yes.sum()))


def test_days_that_did_not_count_hits_are_left_out_and_alone_are_unknown() -> None:
    days = [kept({"site": ["A"] * 100}) for _ in range(4)]
    old = [tuple(dataclasses.replace(one, hits=()) for one in day) for day in days]
    assert figure(cells_of(old, ())[0], "recall") == Unknown("not_counted")
    assert value(cells_of([*old, *days], ())[0], "recall") == value(cells_of(days, ())[0], "recall") == 0.0
    assert figure(cells_of(days, ())[0], "precision") == Unknown("undefined")
    assert value(cells_of(old, ())[0], "accuracy") == 0.5


def kept(columns: Mapping[str, Any], slices: Any = SLICES, labels: Any = None, profiles: Any = None) -> Kept:
    rows = len(next(iter(columns.values())))
    truth = np.arange(rows) % 2 if labels is None else labels
    columns = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return sliced(slices, columns, profiles or {}, Judged.of(truth, np.full(rows, 0.4), 0.5))


def test_of_very_many_values_and_pairs_those_seen_most_stand_and_the_others_are_one() -> None:
    many = [f"v{number % 300:03}" for number in range(3_000)] + ["v007"] * 10
    whole, one, pair = kept({"a": many, "b": many}, [("a",), ("a", "b")])
    assert one.values[0] == "v007"
    assert (len(one.values), len(pair.values)) == (MOST_VALUES + 1, MOST_VALUES + 1)
    assert one.values[-1] == OTHERS
    crossed = kept({"a": many, "b": list(reversed(many))}, [("a", "b")])[1]
    assert len(crossed.values) <= MOST_PAIRS + 1
    assert sum(one.rows) == sum(pair.rows) == sum(crossed.rows) == whole.rows[0]


def test_a_very_long_text_is_named_by_its_beginning() -> None:
    found = kept({"a": ["v" * 60_000, "w"]}, [("a",)])[1]
    assert [len(name) for name in found.values] == [60, 1]


def test_values_that_training_saw_most_stand_on_days_that_lack_them() -> None:
    usual = [f"v{number:02}" for number in range(40) for _ in range(100 - number)]
    profile = Profile.of("a", "text", usual)
    found = kept({"a": ["v00", "v39", "never", None]}, [("a",)], profiles={"a": profile})[1]
    assert dict(zip(found.values, found.rows, strict=True)) == {"v00": 1, NO_VALUE: 1, OTHERS: 2}


def test_a_column_that_the_log_lacks_or_a_number_without_reference_is_left_out() -> None:
    found = kept({"site": ["A", "B"] * 10})
    assert [one.of for one in found] == [(), ("site",)]
    assert sliced([("hour",)], {"hour": np.arange(4.0)}, {}, Judged.of([1, 0, 1, 0], [0.5] * 4, 0.5))[1:] == ()
    assert kept({"site": []}, labels=[]) == ()


@pytest.mark.parametrize("values", [["A"] * 60, [None] * 60, ["", None, float("nan")] * 20])
def test_one_value_or_none_at_all_is_no_segment_beside_a_rest(values: list[Any]) -> None:
    days = [kept({"site": values}, [("site",)])] * 5
    assert len(days[0][1].values) == 1
    assert grown_worse(days, days, [("site",)]) == Unknown("too_few_rows")


def test_too_little_is_unknown_with_its_reason() -> None:
    few = [kept({"site": ["A", "B"]}, [("site",)])] * 5
    assert grown_worse([], few, [("site",)]) == Unknown("too_few_days")
    assert grown_worse(few, few, [("site",)]) == Unknown("too_few_rows")
    cells = cells_of(few, ("site",))[0]
    assert {figure(cells, name) for name in FIGURES} == {Unknown("too_few_rows")}
    short = [kept({"site": ["A"] * 60}, [("site",)])] * 2
    assert figure(cells_of(short, ())[0], "brier") == Unknown("too_few_days")


def test_one_class_has_no_auc_and_its_other_figures_stand() -> None:
    days = [kept({"site": ["A", "B"] * 60}, [("site",)], labels=[0] * 120)] * 4
    cells = cells_of(days, ("site",))[0]
    assert figure(cells, "auc_within_days") == Unknown("one_class")
    rate = figure(cells, "base_rate")
    assert isinstance(rate, Interval)
    assert rate.value == 0.0
