"""Every form in which MLflow's protocol writes rows gives the same predictions, or is told how to mend it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from homeostat.data.contracts import boolean, instant, integer, number, text
from homeostat.data.tables import Table
from homeostat.kernel.errors import InvalidInput, TooLarge
from homeostat.web.doors.mlflow.bodies import rows_of
from homeostat.web.doors.mlflow.columns import Positions
from homeostat.web.doors.mlflow.sheets import rows_of as rows_of_csv
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import question
from tests.unit.serving.rig import NOW_HEADER, Answer, Rig

INVOCATIONS = "/invocations"
CSV = {**NOW_HEADER, "content-type": "text/csv"}
JSON = {**NOW_HEADER, "content-type": "application/json; charset=UTF-8"}
ROWS = [
    {"carrier": "UA", "origin": "JFK", "hour": 8, "distance": 1400.0},
    {"carrier": "AA", "origin": "LGA", "hour": 20, "distance": None},
]
COLUMNS = list(ROWS[0])
VALUES = [list(row.values()) for row in ROWS]
SPLIT = {"columns": COLUMNS, "data": VALUES}
FORMS: dict[str, object] = {
    "records": {"dataframe_records": ROWS},
    "split": {"dataframe_split": SPLIT},
    "split with an index": {"dataframe_split": {**SPLIT, "index": [7, 9]}},
    "split without names": {"dataframe_split": {"data": VALUES}},
    "split with numbers as names": {"dataframe_split": {"columns": [0, 1, 2, 3], "data": VALUES}},
    "instances as records": {"instances": ROWS},
    "instances as values": {"instances": VALUES},
    "inputs as records": {"inputs": ROWS},
    "inputs as columns": {"inputs": {name: [row[name] for row in ROWS] for name in COLUMNS}},
    "inputs as values": {"inputs": VALUES},
    "parameters": {"inputs": ROWS, "params": {"temperature": 1}},
    "null as parameters": {"inputs": ROWS, "params": None},
    "more than MLflow reads": {"inputs": ROWS, "client_request_id": "a"},
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_predictions_of_the_same_rows(with_rig: WithRig[object], name: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        plain = await rig.predict(*(question(place, **row) for place, row in enumerate(ROWS)))
        for path in (INVOCATIONS, "/loops/late/invocations"):
            _same(await rig.ask("POST", path, FORMS[name], JSON), plain)

    with_rig(scenario)


def _same(found: Answer, plain: Answer) -> None:
    assert (found.status, plain.status) == (200, 200), found.body
    told = found.json["predictions"]
    assert [set(one) for one in told] == [set(one) for one in plain.json["predictions"]]
    assert [one["probability"] for one in told] == [one["probability"] for one in plain.json["predictions"]]
    assert {one["version"] for one in told} == {"v1"}


def test_what_mlflow_calls_missing_is_null_where_the_contract_allows_it(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        good = {"dataframe_records": [{**ROWS[0], "distance": float("nan")}]}
        assert (await rig.ask("POST", INVOCATIONS, good)).status == 200
        assert rig.records()[-1].question["distance"] is None
        bad = {"dataframe_records": [{**ROWS[0], "hour": float("nan"), "carrier": float("nan")}]}
        answer = await rig.ask("POST", INVOCATIONS, bad)
        assert (answer.status, answer.error["code"]) == (422, "contract_broken")
        assert [one["reason"] for one in answer.error["facts"]["breaks"]] == ["null_not_allowed"] * 2
        late = {"inputs": [{**ROWS[0], "asked_at": "NaT"}]}
        answer = await rig.ask("POST", INVOCATIONS, late)
        assert [one["reason"] for one in answer.error["facts"]["breaks"]] == ["null_not_allowed"]

    with_rig(scenario)


def test_left_out_keys_and_times_are_filled_in_and_given_ones_are_kept(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        given = {"flight_id": "mine", "asked_at": "2013-02-01T12:00:00Z"}
        answer = await rig.ask("POST", INVOCATIONS, {"inputs": [ROWS[0], ROWS[0], {**ROWS[0], **given}]})
        assert answer.status == 200
        first, second, third = rig.records()
        assert len({first.key, second.key, third.key}) == 3
        assert (third.key, third.asked_at) == ('["mine"]', first.asked_at - 3_600_000_000)
        again = await rig.ask("POST", INVOCATIONS, {"inputs": [ROWS[0]]})
        assert again.status == 200
        assert len({one.key for one in rig.records()}) == 4

    with_rig(scenario)


SHEETS = {
    "as pandas writes it": "carrier,origin,hour,distance\nUA,JFK,8,1400.0\nAA,LGA,20,\n",
    "with an index": ",carrier,origin,hour,distance\n0,UA,JFK,8.0,1.4e3\n1,AA,LGA,20,NaN\n",
    "from a spreadsheet": '\ufeffcarrier,origin,hour,distance\r\n"UA",JFK, 8,+1400\r\nAA,LGA,20,NA\r\n\r\n',
}


@pytest.mark.parametrize("name", SHEETS)
def test_csv_gives_the_predictions_of_the_same_rows(with_rig: WithRig[object], name: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        plain = await rig.predict(*(question(place, **row) for place, row in enumerate(ROWS)))
        _same(await rig.ask("POST", INVOCATIONS, SHEETS[name].encode(), CSV), plain)

    with_rig(scenario)


# what is sent, its headers, the status, the code, and a word of problem or mend
REFUSED: dict[str, tuple[bytes, dict[str, str], int, str, str]] = {
    "empty": (b"", JSON, 400, "invalid_input", "exactly one of"),
    "a list": (b"[1]", JSON, 400, "invalid_input", "exactly one of"),
    "no form": (b'{"rows": []}', JSON, 400, "invalid_input", "rows"),
    "two forms": (b'{"inputs": [], "instances": []}', JSON, 400, "invalid_input", "instances, inputs"),
    "bad params": (b'{"inputs": [{}], "params": 7}', JSON, 400, "invalid_input", "params"),
    "no rows": (b'{"inputs": []}', JSON, 400, "invalid_input", "no rows"),
    "no columns": (b'{"inputs": {}}', JSON, 400, "invalid_input", "no rows"),
    "a text": (b'{"inputs": "x"}', JSON, 400, "invalid_input", "list of records"),
    "ragged columns": (b'{"inputs": {"a": [1], "b": [1, 2]}}', JSON, 400, "invalid_input", "length"),
    "columns and values": (b'{"inputs": {"a": [1], "b": 2}}', JSON, 400, "invalid_input", "length"),
    "records that are none": (b'{"dataframe_records": {}}', JSON, 400, "invalid_input", "list"),
    "split without data": (b'{"dataframe_split": {"columns": []}}', JSON, 400, "invalid_input", "orient"),
    "split with more": (b'{"dataframe_split": {"data": [], "names": 1}}', JSON, 400, "invalid_input", "names"),
    "odd names": (b'{"dataframe_split": {"columns": [null], "data": []}}', JSON, 400, "invalid_input", "names"),
    "twice": (b'{"dataframe_split": {"columns": ["a", "a"], "data": []}}', JSON, 400, "invalid_input", "twice"),
    "ragged": (b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', JSON, 400, "invalid_input", "1 values"),
    "values of unknown columns": (b'{"inputs": [[1, 2]]}', JSON, 400, "invalid_input", "carrier, origin, hour"),
    "bare values": (b'{"instances": [1, 2]}', JSON, 400, "invalid_input", "carrier, origin, hour"),
    "Infinity": (b'{"inputs": [{"a": -Infinity, "b": NaN}]}', JSON, 400, "invalid_input", "Infinity"),
    "out of range": (b'{"inputs": [{"a": 1e400, "b": NaN}]}', JSON, 400, "invalid_input", "range"),
    "nested": (b'{"inputs": ' + b"[" * 20_000 + b", NaN", JSON, 400, "invalid_input", "deep"),
    "an unknown column": (b'{"inputs": [{"carier": "UA"}]}', JSON, 422, "contract_broken", "carrier"),
    "parquet": (b"PAR1", {"content-type": "application/vnd.apache.parquet"}, 415, "unsupported_media_type", "text/csv"),
    "latin": (b"", {"content-type": "text/csv; charset=latin-1"}, 415, "unsupported_media_type", "UTF-8"),
    "empty csv": (b"\n\n", CSV, 400, "invalid_input", "empty"),
    "csv without rows": (b"carrier,hour\n", CSV, 400, "invalid_input", "no rows"),
    "csv not UTF-8": (b"\xff\xfe", CSV, 400, "invalid_input", "UTF-8"),
    "csv of many values": (b"carrier,hour\nUA,8,9\n", CSV, 400, "invalid_input", "Line 2"),
    "csv with a name twice": (b"hour,hour\n8,9\n", CSV, 400, "invalid_input", "twice"),
    "csv of a huge field": (b"hour\n" + b"9" * 40_000, CSV, 422, "contract_broken", "whole number"),
    "csv of infinity": (b"hour\ninf\n", CSV, 422, "contract_broken", "whole number"),
}


MANY = [[1]] * 10_001
TOO_MANY = {
    "split": (json.dumps({"dataframe_split": {"columns": ["hour"], "data": MANY}}).encode(), JSON),
    "columns": (json.dumps({"inputs": {"hour": [1] * 10_001}}).encode(), JSON),
    "records": (json.dumps({"dataframe_records": [{}] * 10_001}).encode(), JSON),
    "csv": (b"hour\n" + b"1\n" * 10_001, CSV),
}


@pytest.mark.parametrize("name", TOO_MANY)
def test_more_rows_than_a_request_may_hold_are_413(with_rig: WithRig[object], name: str) -> None:
    body, headers = TOO_MANY[name]

    async def scenario(rig: Rig) -> None:
        answer = await rig.ask("POST", INVOCATIONS, body, headers)
        assert (answer.status, answer.error["facts"]["limit"]) == (413, 10_000)

    with_rig(scenario)


@pytest.mark.parametrize("name", ["split", "columns", "csv"])
def test_too_many_values_are_refused_before_rows_are_made_of_them(name: str) -> None:
    body, headers = TOO_MANY[name]
    if headers is CSV:
        with pytest.raises(TooLarge):
            rows_of_csv(body, DEVICES.contract)
    else:
        with pytest.raises(TooLarge):
            rows_of(body, Positions(DEVICES, ("device", "at")))


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_is_no_rows_is_told_how_to_mend_it(with_rig: WithRig[object], name: str) -> None:
    body, headers, status, code, said = REFUSED[name]

    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        answer = await rig.ask("POST", INVOCATIONS, body, {**NOW_HEADER, **headers})
        assert (answer.status, answer.error["code"]) == (status, code), answer.body
        assert said in json.dumps(answer.error), answer.error
        assert rig.records() == []

    with_rig(scenario)


def test_ping_health_and_version_answer_as_an_mlflow_server(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        for path in ("/ping", "/health"):
            assert (await rig.ask("GET", path)).status == 503
        await rig.route(generation=1, champion="v1")
        for path in ("/ping", "/health"):
            answer = await rig.ask("GET", path)
            assert (answer.status, answer.body) == (200, b"\n")
        assert (await rig.ask("GET", "/version")).body.decode().split(".")[0] == "3"
        assert (await rig.ask("POST", "/loops/lat/invocations", {})).error["code"] == "not_found"

    with_rig(scenario)


def test_where_several_loops_are_served_invocations_names_them(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        rig.live._loops = ("late", "other")
        answer = await rig.ask("POST", INVOCATIONS, {"inputs": ROWS})
        assert (answer.status, answer.error["facts"]["loops"]) == (404, ["late", "other"])
        assert "/loops/{loop}/invocations" in answer.error["mend"]

    with_rig(scenario)


DEVICES = Table(
    "devices",
    key="device",
    event_time="at",
    contract={
        "device": text(),
        "at": instant(),
        "site": text(nullable=True),
        "heat": number(),
        "turns": integer(),
        "open": boolean(),
    },
)


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ([1.5, 2, True], {"heat": 1.5, "turns": 2, "open": True}),
        (["a", 1.5, 2, True], {"site": "a", "heat": 1.5, "turns": 2, "open": True}),
        (["d", "t", "a", 1, 2, True], {"device": "d", "at": "t", "site": "a", "heat": 1, "turns": 2, "open": True}),
    ],
)
def test_bare_values_are_the_columns_in_order_where_their_number_tells_which(
    values: list[Any], row: dict[str, Any]
) -> None:
    positions = Positions(DEVICES, ("device", "at"))
    assert rows_of(json.dumps({"inputs": [values]}).encode(), positions) == [row]
    with pytest.raises(InvalidInput, match="site, heat, turns, open"):
        rows_of(b'{"inputs": [[1, 2]]}', positions)


def test_csv_values_are_read_as_the_kinds_of_the_contract() -> None:
    body = b"device,site,heat,turns,open,x\nNA,,1e3,3.0,TRUE,7\nd,s,,-4,false,\nd,s,1_0,x,1,\n"
    assert rows_of_csv(body, DEVICES.contract) == [
        {"device": "NA", "site": None, "heat": 1000.0, "turns": 3.0, "open": True, "x": "7"},
        {"device": "d", "site": "s", "heat": None, "turns": -4, "open": False, "x": None},
        {"device": "d", "site": "s", "heat": "1_0", "turns": "x", "open": "1", "x": None},
    ]
