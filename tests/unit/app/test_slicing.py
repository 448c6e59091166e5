"""What the prediction log holds of a slice's columns is what a day keeps of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa

import homeostat as hs
from homeostat.app.control.slicing import slices_of_rows
from homeostat.control.loop import Loop
from homeostat.data.profiles import Profile
from tests.unit.control.rig import loop_of

ASKED = hs.Table(
    "asked",
    key="id",
    event_time="at",
    contract={"id": hs.text(), "at": hs.instant(), "x": hs.number(), "site": hs.text(), "paid": hs.boolean()},
)
PROFILES = {"x": Profile.of("x", "number", np.arange(100.0))}
LABELS = np.arange(40) % 2


def sliced_loop(*slices: object) -> Loop:
    return dataclasses.replace(loop_of(), question=ASKED, features=[ASKED["x"]], slices=list(slices))  # type: ignore[arg-type]


def log(**left_out: None) -> pa.Table:
    columns = {
        "probability": np.linspace(0.1, 0.9, 40),
        "x_x": [None, *np.arange(39.0) * 2.5],
        "q_x": np.zeros(40),
        "q_site": ["A", "B", None, "A"] * 10,
        "q_paid": [True, False] * 20,
    }
    return pa.table({name: values for name, values in columns.items() if name not in left_out})


def test_features_are_cut_as_served_and_other_columns_of_the_question_by_their_text() -> None:
    whole, x, site, pair = slices_of_rows(sliced_loop("x", "site", ("site", "paid")), log(), LABELS, PROFILES, 1)
    assert whole.rows == (40,)
    assert dict(zip(x.values, x.rows, strict=True))["(no value)"] == 1
    assert len(x.values) == 6
    assert dict(zip(site.values, site.rows, strict=True)) == {"A": 20, "B": 10, "(no value)": 10}
    assert dict(zip(pair.values, pair.rows, strict=True)) == {
        "A & True": 10,
        "A & False": 10,
        "B & False": 10,
        "(no value) & True": 10,
    }


def test_each_row_stands_for_as_many_as_were_served() -> None:
    found = slices_of_rows(sliced_loop("site"), log(), LABELS, PROFILES, 4)
    assert [sum(one.rows) for one in found] == [160, 160]


def test_a_column_that_an_older_log_lacks_leaves_the_other_slices() -> None:
    loop = sliced_loop("x", "site", ("site", "paid"))
    assert [one.of for one in slices_of_rows(loop, log(q_site=None), LABELS, PROFILES, 1)] == [(), ("x",)]
    assert [one.of for one in slices_of_rows(loop, log(x_x=None, q_paid=None), LABELS, {}, 1)] == [(), ("site",)]


def test_a_feature_that_was_a_text_when_it_was_served_is_left_out_and_nothing_fails() -> None:
    older = log().set_column(1, "x_x", pa.array(["warm", "cold"] * 20))
    assert [one.of for one in slices_of_rows(sliced_loop("x"), older, LABELS, PROFILES, 1)] == [()]
    texts = {"x": Profile.of("x", "text", ["warm", "cold"])}
    assert [one.of for one in slices_of_rows(sliced_loop("x"), log(), LABELS, texts, 1)] == [()]


def test_without_rows_or_declared_slices_nothing_is_kept() -> None:
    assert slices_of_rows(sliced_loop(), log(), LABELS, PROFILES, 1) == ()
    assert slices_of_rows(sliced_loop("site"), log().slice(0, 0), LABELS[:0], PROFILES, 1) == ()
