"""A hash of rows: equal for equal rows however they lie, different for any difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.training.rowhash import digest_rows
from homeostat.training.rows import TrainingRows
from tests.unit.training.toy import DAY, HOUR


def rows(count: int = 200, seed: int = 0) -> TrainingRows:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=count).astype(np.float32)
    size[::7] = np.nan
    shop = pd.Series(rng.choice(["a", "b", ""], count), dtype=object)
    features = pd.DataFrame({"shop": shop, "size": size, "n": rng.integers(0, 9, count).astype(np.float32)})
    return TrainingRows(features, rng.random(count) < 0.3, np.arange(count) * HOUR)


def taken(of: TrainingRows, places: np.ndarray) -> TrainingRows:
    features = of.features.iloc[places].reset_index(drop=True)
    return TrainingRows(features, of.label[places], of.asked_at[places])


ROWS = rows()
DIGEST = digest_rows(ROWS)


@given(st.permutations(range(ROWS.label.size)), st.permutations(list(ROWS.features.columns)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_and_of_columns_does_not_count(places: list[int], columns: list[str]) -> None:
    other = taken(ROWS, np.array(places))
    assert digest_rows(replace(other, features=other.features[columns])) == DIGEST


@given(st.integers(0, 199), st.sampled_from(["shop", "size", "n", "label", "asked_at"]))
@settings(max_examples=40, deadline=None)
def test_one_changed_value_is_found_with_its_column_and_its_day(place: int, column: str) -> None:
    features, label, asked_at = ROWS.features.copy(), ROWS.label.copy(), ROWS.asked_at.copy()
    if column == "label":
        label[place] = ~label[place]
    elif column == "asked_at":
        asked_at[place] += 1
    else:
        features.loc[place, column] = "new" if column == "shop" else np.float32(99.5)
    found = digest_rows(TrainingRows(features, label, asked_at))
    assert found.hash != DIGEST.hash
    assert [name for name in found.columns if found.columns[name] != DIGEST.columns[name]] == [column]
    day = int(ROWS.asked_at[place] // DAY) + 1
    assert [name for name in found.days if found.days[name] != DIGEST.days[name]] == [f"1970-01-0{day}"]


def test_values_that_change_places_within_their_column_are_found() -> None:
    features = ROWS.features.copy()
    one, other = (int(np.flatnonzero(features["shop"] == shop)[0]) for shop in "ab")
    features.loc[[one, other], "shop"] = features.loc[[other, one], "shop"].to_numpy()
    found = digest_rows(replace(ROWS, features=features))
    assert found.hash != DIGEST.hash
    assert found.columns == DIGEST.columns


def test_two_equal_rows_are_not_one_nor_none() -> None:
    hashes = {digest_rows(taken(ROWS, np.array(places, dtype=int))).hash for places in ([], [0], [0, 0], [0, 0, 0])}
    assert len(hashes) == 4


def test_a_missing_number_is_the_same_however_it_came_about() -> None:
    other = ROWS.features.copy()
    other["size"] = np.where(np.isnan(other["size"]), -np.float32(np.nan), other["size"]).astype(np.float32)
    assert digest_rows(replace(ROWS, features=other)) == DIGEST


def test_it_does_not_depend_on_how_the_work_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeostat.training.rowhash._PART", 7)
    assert digest_rows(ROWS, threads=3) == DIGEST


def test_it_stays_what_it_is_for_ever() -> None:
    """Versions that are registered hold it: another algorithm would call all of them different."""
    features = pd.DataFrame({"a": np.array([1.5, np.nan], np.float32), "b": pd.Series(["x", ""], dtype=object)})
    found = digest_rows(TrainingRows(features, np.array([True, False]), np.array([0, DAY])))
    assert (found.rows, found.hash[:16]) == (2, "0886391e62d7b351")


def test_labels_that_are_names_of_classes_are_texts() -> None:
    named = TrainingRows(ROWS.features, np.where(ROWS.label, "bread", "cake"), ROWS.asked_at)
    found = digest_rows(named)
    assert found.columns["size"] == DIGEST.columns["size"]
    assert found.columns["label"] != DIGEST.columns["label"]
    assert digest_rows(taken(named, np.arange(200)[::-1])) == found
