"""Whatever is sent is answered or told how to mend it: a table of mistakes, and what nobody thought of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import question
from tests.unit.serving.rig import GOOD, PREDICT, Answer, Rig

FINITE = "null for a missing number"
A_TIME = "2013-02-01T05:00:00Z"


def with_value(column: str, literal: str) -> bytes:
    """A body whose one row has this JSON text as the value of a column."""
    row = {
        "flight_id": '"f1"',
        "asked_at": '"2013-02-01T13:00:00Z"',
        "carrier": '"UA"',
        "origin": '"JFK"',
        "hour": "8",
    }
    members = ", ".join(f'"{name}": {text}' for name, text in {**row, column: literal}.items())
    return f'{{"rows": [{{{members}}}]}}'.encode("utf-8", "surrogatepass")


# what is sent, the status, the code, and a word of the mend
BAD_BODIES: dict[str, tuple[bytes, int, str, str]] = {
    "empty": (b"", 400, "invalid_input", "rows"),
    "blank": (b"  \n", 400, "invalid_input", "rows"),
    "truncated": (GOOD[:-3], 400, "invalid_input", "Mend it near"),
    "trailing": (GOOD + b"x", 400, "invalid_input", "Mend it near"),
    "single quotes": (b"{'rows': []}", 400, "invalid_input", "Mend it near"),
    "not utf-8": (GOOD.replace(b"UA", b"\xff\xfe"), 400, "invalid_input", "UTF-8"),
    "utf-16": (GOOD.decode().encode("utf-16"), 400, "invalid_input", "Mend it near"),
    "bom": (b"\xef\xbb\xbf" + GOOD, 400, "invalid_input", "Mend it near"),
    "null byte": (b"\0", 400, "invalid_input", "Mend it near"),
    "nan": (with_value("distance", "NaN"), 400, "invalid_input", FINITE),
    "infinity": (with_value("distance", "Infinity"), 400, "invalid_input", FINITE),
    "minus infinity": (with_value("distance", "-Infinity"), 400, "invalid_input", FINITE),
    "huge exponent": (with_value("distance", "1e999"), 400, "invalid_input", "64 bits"),
    "half a surrogate pair": (with_value("origin", '"\\ud800"'), 400, "invalid_input", "Mend it near"),
    "deep nesting": (b'{"rows": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, "invalid_input", "rows"),
    "array": (b"[]", 400, "invalid_input", "rows"),
    "string": (b'"rows"', 400, "invalid_input", "rows"),
    "no rows member": (b"{}", 400, "invalid_input", "rows"),
    "unknown member": (b'{"rows": [], "loop": 1}', 400, "invalid_input", "rows"),
    "rows no list": (b'{"rows": {}}', 400, "invalid_input", "rows"),
    "no rows": (b'{"rows": []}', 400, "invalid_input", "at least one row"),
    "too many rows": (b'{"rows": [' + b"1," * 10_000 + b"1]}", 413, "too_large", "10000"),
    "row no object": (b'{"rows": [[1]]}', 422, "contract_broken", "object"),
    "row null": (b'{"rows": [null]}', 422, "contract_broken", "object"),
    "missing column": (b'{"rows": [{}]}', 422, "contract_broken", "required"),
    "unknown column": (with_value("carier", '"UA"'), 422, "contract_broken", "Did you mean 'carrier'"),
    "unknown column of odd text": (with_value("\\u0000\\u202e", "1"), 422, "contract_broken", "Known"),
    "wrong type": (with_value("hour", '"8"'), 422, "contract_broken", "whole number"),
    "boolean for a number": (with_value("distance", "true"), 422, "contract_broken", "a number"),
    "null where forbidden": (with_value("carrier", "null"), 422, "contract_broken", "null means missing"),
    "below the minimum": (with_value("distance", "-1"), 422, "contract_broken", "at least"),
    "above the maximum": (with_value("hour", "24"), 422, "contract_broken", "at most"),
    "no category": (with_value("carrier", '"Ua"'), 422, "contract_broken", "Known"),
    "fraction": (with_value("hour", "8.5"), 422, "contract_broken", "whole number"),
    "integer of a thousand digits": (with_value("hour", "9" * 1_000), 422, "contract_broken", "at most"),
    "number too large": (with_value("distance", "9" * 400), 422, "contract_broken", "below 1.8e308"),
    "integer of too many digits to read": (with_value("hour", "9" * 5_000), 400, "invalid_input", "64 bits"),
    "time without offset": (with_value("asked_at", '"2013-02-01T13:00:00"'), 422, "contract_broken", "'Z'"),
    "time that is none": (with_value("asked_at", '"yesterday"'), 422, "contract_broken", A_TIME),
    "time as a number": (with_value("asked_at", "1359723600"), 422, "contract_broken", A_TIME),
    "no time": (with_value("asked_at", "null"), 422, "contract_broken", "null means missing"),
    "from the future": (with_value("asked_at", '"2013-02-01T13:05:01Z"'), 422, "contract_broken", "clock"),
    "last moment of all": (with_value("asked_at", '"9999-12-31T23:59:59-23:59"'), 422, "contract_broken", ""),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "code", "mend"), BAD_BODIES.values(), ids=list(BAD_BODIES))
def test_bad_input_is_told_how_to_mend_it(
    with_rig: WithRig[object], body: bytes, status: int, code: str, mend: str
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        answer = await rig.ask("POST", PREDICT, body)
        assert (answer.status, answer.error["code"]) == (status, code)
        assert mend in answer.error["mend"]
        assert answer.error["problem"].endswith(".")
        assert rig.records() == []
        assert (await rig.ask("POST", PREDICT, GOOD)).status == 200

    with_rig(scenario)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
columns = st.sampled_from(["flight_id", "asked_at", "carrier", "origin", "hour", "distance", "other"])
times = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
near_rows = st.dictionaries(columns, json_values | times, max_size=7).map(lambda changed: question(1, **changed))
paths = st.sampled_from([PREDICT, "/tables/arrivals/events", "/", "/metrics"]) | st.text()


def test_no_input_whatever_is_answered_with_a_fault_of_ours(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        loop = asyncio.get_running_loop()

        def ask(*arguments: Any) -> Answer:
            return asyncio.run_coroutine_threadsafe(rig.ask(*arguments), loop).result(60)

        @given(st.binary() | st.binary().map(lambda junk: GOOD[:60] + junk))
        @settings(max_examples=150)
        def bytes_are_mended(body: bytes) -> None:
            assert ask("POST", PREDICT, body).status in (400, 422)

        @given(st.lists(json_values | near_rows, max_size=4).map(lambda rows: {"rows": rows}) | json_values)
        @settings(max_examples=300)
        def json_is_answered_or_mended(body: object) -> None:
            assert ask("POST", PREDICT, body).status in (200, 400, 422)

        @given(
            st.sampled_from(["GET", "POST", "HEAD", "OPTIONS"]),
            paths,
            st.binary(max_size=30),
            st.text(max_size=20),
        )
        @settings(max_examples=150)
        def any_request_has_its_answer(method: str, path: str, body: bytes, now: str) -> None:
            headers = {"homeostat-now": now.encode("utf-8", "replace").decode("latin-1")}
            assert ask(method, path, body, headers).status in (200, 307, 400, 404, 405, 422)

        def all_of_them() -> None:
            bytes_are_mended()
            json_is_answered_or_mended()
            any_request_has_its_answer()

        await asyncio.to_thread(all_of_them)

    with_rig(scenario)
