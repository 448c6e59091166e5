"""A version is served only with what it was trained on, and every refusal says which definition differs and how."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.app.loops.loader import load_loops
from homeostat.features.defined import Definition
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.earlier import earlier_hash
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.verdicts import ACCEPT, REJECT
from homeostat.registry.binding import Binding, judge_binding, judge_definitions
from tests.harness.world import write_loop
from tests.unit.serving.late import FEATURES

ROOT = Path(__file__).resolve().parents[3]
Change = Callable[[dict[str, Any]], None]


def parts() -> dict[str, Any]:
    """Everything a feature set is declared with, to be changed by a test."""
    return {
        "asked": {"id": hs.text(), "at": hs.instant(), "shop": hs.text(), "hour": hs.integer(0, 23)},
        "sales": {
            "id": hs.text(),
            "at": hs.instant(),
            "later": hs.instant(),
            "shop": hs.text(categories=["n", "s"]),
            "price": hs.number(0, 100),
            "size": hs.number(),
        },
        "key": "id",
        "event_time": "at",
        "selected": ("hour", "shop"),
        "over": ["3h", "24h"],
        "values": {"price": hs.mean("price"), "sold": hs.count()},
        "columns": ["price"],
        "max_age": "3h",
        "default": {"price": 0.0},
        "freshness": "2h",
        "code": "return hour / 2",
        "name": "",
    }


def made(change: Change = lambda parts: None) -> FeatureSet:
    """The feature set of ``parts`` after a change."""
    p = parts()
    change(p)
    asked = hs.Table("asked", key="id", event_time="at", contract=p["asked"])
    sales = hs.Table("sales", key=p["key"], event_time=p["event_time"], contract=p["sales"])
    half = HALVES[p["code"]]
    window = hs.Window(
        sales, by="shop", over=p["over"], values=p["values"], name=p["name"], default=p["default"],
        freshness=p["freshness"],
    )  # fmt: skip
    latest = hs.Latest(sales, by="shop", columns=p["columns"], max_age=p["max_age"])
    return feature_set(asked, [asked[p["selected"]], window, latest, half])


def _halves() -> dict[str, Any]:
    @hs.transform
    def half(hour: Any) -> Any:
        return hour / 2

    first = half

    @hs.transform
    def half(hour: Any) -> Any:
        return hour / 3

    return {"return hour / 2": first, "return hour / 3": half}


HALVES = _halves()


def put(*path: Any) -> Change:
    """Replace what lies at a path by its last item; ``GONE`` takes it away."""
    *places, last, value = path

    def change(found: dict[str, Any]) -> None:
        for place in places:
            found = found[place]
        if value is GONE:
            del found[last]
        else:
            found[last] = value

    return change


GONE = object()
WINDOW, LATEST = "view sales_window_by_shop", "view sales_latest_by_shop"
REFUSED = {
    "another range": (put("over", ["3h", "48h"]), f"{WINDOW}: over 3h, 1d became 3h, 2d"),
    "a range less": (put("over", ["3h"]), f"{WINDOW}: over 3h, 1d became 3h"),
    "another aggregate": (put("values", "price", hs.maximum("price")), "values price kind mean became maximum"),
    "another column": (put("values", "price", hs.mean("size")), "values price column price became size"),
    "a value less": (put("values", {"price": hs.mean("price")}), "values sold was dropped"),
    "another maximum age": (put("max_age", "4h"), f"{LATEST}: max age 3h became 4h"),
    "no maximum age": (put("max_age", None), f"{LATEST}: max age 3h was dropped"),
    "another column of the newest": (put("columns", ["size"]), f"{LATEST}: columns price became size"),
    "another default": (put("default", {"price": 1.0}), f"{WINDOW}: default price 0.0 became 1.0"),
    "no default": (put("default", {}), f"{WINDOW}: default price 0.0 was dropped; freshness 2h was dropped"),
    "a default more": (put("default", {"price": 0.0, "sold": 1.0}), f"{WINDOW}: default sold 1.0 was added"),
    "another freshness": (put("freshness", "1h"), f"{WINDOW}: freshness 2h became 1h"),
    "a narrower range": (put("sales", "price", hs.number(0, 50)), "high of column price 100 became 50"),
    "a bound more": (put("sales", "size", hs.number(0)), None),
    "a category less": (put("sales", "shop", hs.text(categories=["n"])), "categories of column shop n, s became n"),
    "a pattern instead of categories": (put("sales", "shop", hs.text(matches="[ns]")), "matches of column shop [ns]"),
    "a stricter verdict": (
        put("sales", "price", hs.number(0, 100, verdict="reject")),
        "verdict of column price reject",
    ),
    "another kind": (put("sales", "price", hs.integer(0, 100)), "kind of column price number became integer"),
    "another key": (put("key", ("id", "shop")), "table key id became id, shop"),
    "another event time": (put("event_time", "later"), "table event time at became later"),
    "other code": (put("code", "return hour / 3"), "transform half: code"),
    "a question's column less": (put("selected", ("hour",)), None),
    "a narrower question": (put("asked", "hour", hs.integer(6, 23)), "the question: low of column hour 0 became 6"),
}
HONOURED: dict[str, Change] = {
    "nothing": lambda parts: None,
    "a wider range": put("sales", "price", hs.number(0, 200)),
    "no range": put("sales", "price", hs.number()),
    "nulls allowed": put("sales", "price", hs.number(0, 100, nullable=True)),
    "a category more": put("sales", "shop", hs.text(categories=["n", "s", "w"])),
    "categories opened": put("sales", "shop", hs.text(categories=["n", "s"], open=True)),
    "a milder verdict": put("sales", "price", hs.number(0, 100, verdict="warn")),
    "a nullable column more": put("sales", "note", hs.text(nullable=True)),
    "a column less that nothing reads": put("sales", "later", GONE),
    "a wider question": put("asked", "hour", hs.integer(0, 24)),
    "a question's column more": put("asked", "note", hs.text(nullable=True)),
    "a range more": put("over", ["1h", "3h", "24h"]),
    "a value more": put("values", {"price": hs.mean("price"), "sold": hs.count(), "least": hs.minimum("price")}),
    "a column more of the newest": put("columns", ["price", "size"]),
    "another name of a view": put("name", "form"),
}


@pytest.mark.parametrize("name", [name for name in REFUSED if REFUSED[name][1]])
def test_a_changed_meaning_is_refused_naming_the_definition_and_the_difference(name: str) -> None:
    change, said = REFUSED[name]
    found = judge_binding(Binding.of(made()), Binding.of(made(change)))
    assert found.name == REJECT
    assert any(str(said) in text for text in found.texts), found.texts


@pytest.mark.parametrize("name", HONOURED)
def test_what_changes_no_value_orphans_no_version(name: str) -> None:
    found = judge_binding(Binding.of(made()), Binding.of(made(HONOURED[name])))
    assert (found.name, found.reasons[0].code) == (ACCEPT, "definitions_kept"), found.texts


@pytest.mark.parametrize("name", [name for name in REFUSED if REFUSED[name][1]])
def test_a_version_is_always_honoured_by_the_set_it_was_trained_with(name: str) -> None:
    bound = Binding.of(made(REFUSED[name][0]))
    assert judge_binding(bound, bound).name == ACCEPT


def test_a_definition_that_is_gone_is_named() -> None:
    pinned = made().definitions
    current = {name: one for name, one in pinned.items() if name != "half"}
    assert judge_definitions(pinned, current).texts == ("transform half is gone",)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, (*path, place))
    else:
        yield path, value


PINNED = {name: plain(one.meaning) for name, one in made().definitions.items()}
LEAVES = [
    (name, path, value)
    for name, meaning in PINNED.items()
    for path, value in _leaves(meaning)
    if path[-1] != "nullable"  # no column of these is nullable: a change could only allow more
]


@given(st.sampled_from(LEAVES), st.integers(1, 5))
def test_changing_any_leaf_of_any_meaning_is_refused(leaf: tuple[str, tuple[Any, ...], Any], by: int) -> None:
    name, path, value = leaf
    changed: Any = copy.deepcopy(PINNED[name])
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = _other(path, value, by)
    current = dict(made().definitions)
    current[name] = Definition(current[name].kind, digest(changed), changed)
    found = judge_definitions(made().definitions, current)
    assert (found.name, len(found.reasons)) == (REJECT, 1), path
    assert name in found.texts[0]


def _other(path: tuple[Any, ...], value: Any, by: int) -> Any:
    """Another value, and none that only allows more."""
    if isinstance(value, str):
        return value + "x" * by
    if value is None:
        return {"low": -by, "high": by, "categories": ["z"]}.get(path[-1], f"new{by}")
    return value - by if path[-1] == "high" else value + by


EARLIER = {
    "late": "804dbfbf35214f403c30f43d4e5b035c743c52fee3951b6a8b71355d5ec3145c",
    "visits": "3cfa81632e3077bc16ca36a841d53914b42b01fa9fa1f73df483ccc0678d23e8",
    "late-arrival": "c31e31e287232fee045bd616dfcabf71a520863dc5bf6ae818e4573604196d58",
}
"""Hashes to which versions were pinned before they kept their definitions."""


def test_a_version_older_than_the_keeping_of_definitions_is_honoured_by_its_hash(tmp_path: Path) -> None:
    loops = {**load_loops(write_loop(tmp_path)), **load_loops(ROOT / "examples" / "flights" / "loop.py")}
    sets = {"late": FEATURES, **{name: loop.feature_set for name, loop in loops.items()}}
    assert {name: earlier_hash(features) for name, features in sets.items()} == EARLIER
    old = Binding(EARLIER["late"])
    assert judge_binding(old, Binding.of(FEATURES)).name == ACCEPT
    refused = judge_binding(old, Binding.of(sets["visits"]))
    assert (refused.name, refused.reasons[0].code) == (REJECT, "features_changed")
    assert earlier_hash(made()) is None
