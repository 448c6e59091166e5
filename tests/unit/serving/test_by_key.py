"""Asked by key: the row that was sent as an event is looked up, and answered as if it had been sent again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.data.contracts import boolean, instant, integer, number, text
from homeostat.data.tables import Table
from homeostat.features.kept_rows import KEPT, keeping, kept_rows, rows_of
from homeostat.kernel.clock import duration
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import DEPARTURES, NOW, PLAN, question
from tests.unit.serving.rig import PREDICT, Answer, Rig

BY_KEY = replace(PLAN, rows=kept_rows(DEPARTURES))
MIXED = Table(
    "mixed",
    key=("shop", "number"),
    event_time="at",
    contract={
        "shop": text(),
        "number": integer(),
        "at": instant(),
        "due": instant(nullable=True),
        "sold": boolean(nullable=True),
        "price": number(nullable=True),
        "said": text(nullable=True),
    },
)


async def keys(rig: Rig, *keys: object) -> Answer:
    return await rig.ask("POST", PREDICT, {"keys": list(keys)})


def stored(index: int = 0, **changed: Any) -> dict[str, Any]:
    """A question as the recorder has parsed it."""
    return {**question(index), "asked_at": NOW, **changed}


def test_a_key_is_answered_as_its_newest_row_is(with_rig_of: Any) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        rig.told("departures", stored(hour=3), stored(1, distance=None), stored(hour=8))
        by_key = await keys(rig, "f0", {"flight_id": "f1"})
        by_row = await rig.predict(question(), question(1, distance=None))
        assert by_key.status == by_row.status == 200
        first, second = by_key.json["predictions"], by_row.json["predictions"]
        assert [{**one, "prediction_id": ""} for one in first] == [{**one, "prediction_id": ""} for one in second]
        asked = [(one.question, one.features, one.asked_at, one.key) for one in rig.records()]
        assert asked[:2] == asked[2:]

    with_rig_of(BY_KEY)(scenario)


def test_unknown_keys_are_listed_and_nothing_is_predicted_for_the_others(with_rig_of: Any) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        rig.told("departures", stored(), stored(7, asked_at=NOW - duration(KEPT) - 1))
        told = await keys(rig, "f0", "f7", "f9", "f0")
        assert (told.status, told.error["code"]) == (404, "not_found")
        assert told.error["facts"]["keys"] == ["f7", "f9"]
        assert "POST /tables/departures/events" in told.error["mend"]
        assert not rig.records()

    with_rig_of(BY_KEY)(scenario)


@pytest.mark.parametrize("key", [7, None, ["f0"], {"flight": "f0"}, {}, {"flight_id": None}])
def test_what_is_no_key_breaks_the_contract_with_its_place(with_rig_of: Any, key: object) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        told = await keys(rig, "f0", key)
        assert (told.status, told.error["code"]) == (422, "contract_broken")
        assert {one["row"] for one in told.error["facts"]["breaks"]} == {1}

    with_rig_of(BY_KEY)(scenario)


@pytest.mark.parametrize("body", [{"keys": []}, {"keys": ["f0"], "rows": [question()]}, {"keys": "f0"}, {}])
def test_a_body_of_neither_or_both_is_refused(with_rig_of: Any, body: object) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        told = await rig.ask("POST", PREDICT, body)
        assert (told.status, told.error["code"]) == (400, "invalid_input")

    with_rig_of(BY_KEY)(scenario)


def test_a_loop_that_keeps_no_rows_says_how_to_keep_them(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        told = await keys(rig, "f0")
        assert (told.status, told.error["code"]) == (403, "refused")
        assert "ask_by_key=True" in told.error["mend"]

    with_rig(scenario)


def test_keys_are_described_where_they_are_taken(with_rig_of: Any) -> None:
    async def scenario(rig: Rig) -> None:
        document = (await rig.ask("GET", "/openapi.json")).json
        body = document["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert [list(one["properties"]) for one in body["oneOf"]] == [["rows"], ["keys"]]

    with_rig_of(BY_KEY)(scenario)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteOnlineStore, Path]]:
    path = tmp_path_factory.mktemp("rows") / "online.sqlite"
    made = SqliteOnlineStore(path)
    made.prepare([keeping(kept_rows(MIXED))])
    yield made, path
    made.close()


ROWS = st.fixed_dictionaries(
    {
        "shop": st.text(max_size=3).filter(lambda value: value.isascii()),
        "number": st.integers(-(2**63), 2**63 - 1),
        "at": st.integers(NOW - duration(KEPT) // 2, NOW),
        "due": st.none() | st.integers(0, NOW),
        "sold": st.none() | st.booleans(),
        "price": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "said": st.none() | st.sampled_from(["", "a", "\N{SNOWMAN}"]),
    }
)


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_a_row_comes_back_exactly_as_it_was_parsed(store: tuple[SqliteOnlineStore, Path], rows: list[Any]) -> None:
    kept, path = store
    kept.apply("mixed", rows, kept.sequence() + 1)
    newest = {(row["shop"], row["number"]): row for row in rows}
    reader = SqliteOnlineReader(path)
    found = rows_of(kept_rows(MIXED), [*newest, ("nowhere", 0)], NOW, reader)
    reader.close()
    assert found == [*newest.values(), None]
    for one, row in zip(found, newest.values(), strict=False):
        assert one is not None
        assert {name: type(value) for name, value in one.items()} == {name: type(row[name]) for name in one}
