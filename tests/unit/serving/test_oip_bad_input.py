"""Tensors that contradict themselves, one another or the contract are refused with a mend; nothing is predicted."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from homeostat.serving.plans import ServingPlan
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import question
from tests.unit.serving.oip import INFER, WIDE, binary, inputs, tensor
from tests.unit.serving.rig import NOW_HEADER, Rig

ROW = inputs([question(1)])
LENGTH = "inference-header-content-length"


def one(tensor: Any, **members: Any) -> bytes:
    """A request whose last tensor is this; its namesake is left out."""
    return json.dumps(
        {"inputs": [*(other for other in ROW if other["name"] != tensor["name"]), tensor], **members}
    ).encode()


def shaped(*shape: int, data: list[Any] | None = None) -> bytes:
    return one({"name": "hour", "datatype": "INT64", "shape": list(shape), "data": [8] if data is None else data})


def hour(datatype: str, *data: Any) -> bytes:
    return one(tensor("hour", datatype, data))


BAD_JSON: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "inputs"),
    "array": (b"[]", 400, "inputs"),
    "not utf-8": (b'{"inputs": [], "id": "\xff"}', 400, "UTF-8"),
    "nan": (b'{"inputs": [{"name": "hour", "shape": [1], "datatype": "FP64", "data": [NaN]}]}', 400, "null"),
    "deep nesting": (b'{"inputs": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, "inputs"),
    "deep parameters": (b'{"inputs": [], "parameters": ' + b'{"a":' * 8_000 + b"1" + b"}" * 8_001, 400, "inputs"),
    "no inputs member": (b"{}", 400, "inputs"),
    "no inputs": (b'{"inputs": []}', 400, "one tensor for each column"),
    "inputs null": (b'{"inputs": null}', 400, "inputs"),
    "id no text": (one(ROW[0], id=7), 400, "inputs"),
    "no name": (b'{"inputs": [{"shape": [1], "datatype": "FP64", "data": [1]}]}', 400, "inputs"),
    "data no list": (one({**ROW[4], "data": 8}), 400, "inputs"),
    "no data": (one({**ROW[4], "data": None}), 400, "binary_data_size"),
    "shared memory": (one({**ROW[4], "data": None, "parameters": {"shared_memory_region": "x"}}), 400, "in data"),
    "unknown datatype": (hour("INT63", 8), 400, "INT64"),
    "bf16": (hour("BF16", 8), 400, "FP16"),
    "no shape": (shaped(), 400, "[rows]"),
    "zero rows": (shaped(0, data=[]), 400, "at least one row"),
    "zero width": (shaped(1, 0, data=[]), 400, "at least one row"),
    "negative dimension": (shaped(-1), 400, "at least one row"),
    "two negative dimensions": (shaped(-1, -1), 400, "at least one row"),
    "three dimensions": (shaped(1, 1, 1), 400, "[rows]"),
    "a million dimensions": (shaped(*[1] * 20_000), 400, "[rows]"),
    "huge dimension": (shaped(1, 10**30), 400, "values in one list"),
    "dimension beyond reading": (b'{"inputs": [{"name": "a", "shape": [' + b"9" * 5_000 + b"]}]}", 400, "64 bits"),
    "huge rows": (shaped(2**63), 413, "10000 rows"),
    "huge negative": (shaped(-(10**40)), 400, "at least one row"),
    "fractional dimension": (shaped(1.5), 400, "inputs"),  # type: ignore[arg-type]
    "too many rows": (shaped(10_001, data=[8] * 10_001), 413, "10000 rows"),
    "data too short": (shaped(2), 400, "2 x 1 values"),
    "data too long": (shaped(1, data=[8, 9]), 400, "1 x 1 values"),
    "nested for one dimension": (shaped(1, data=[[8]]), 400, "1 x 1 values"),
    "ragged": (one(tensor("m", "FP64", [[8, 1], [9]], [2, 2])), 400, "2 x 2 values"),
    "nested too deeply": (shaped(1, 1, data=[[[8]]]), 400, "Send numbers"),
    "object in data": (hour("INT64", {"a": 8}), 400, "Send numbers"),
    "text for a number": (hour("INT64", "8"), 400, "Send numbers"),
    "boolean for a number": (hour("INT64", True), 400, "Send numbers"),
    "number for a boolean": (hour("BOOL", 1), 400, "Send true or false"),
    "number for a text": (one(tensor("carrier", "BYTES", [8])), 400, "Send texts"),
    "rows that differ": (shaped(2, data=[8, 9]), 400, "as many rows"),
    "twice the same input": (json.dumps({"inputs": [*ROW, ROW[4]]}).encode(), 400, "Send each column once"),
    "unknown column": (one(tensor("hours", "INT64", [8])), 400, "Did you mean 'hour'"),
    "unknown column of odd name": (one(tensor("\0\u202e" * 400, "INT64", [8])), 400, "Known"),
    "column too wide": (shaped(1, 2, data=[8, 9]), 400, "[rows, 1]"),
    "matrix too narrow": (one(tensor("m", "FP64", [8] * 3, [1, 3])), 400, "2 columns hour, distance, in this order"),
    "matrix of texts": (one(tensor("m", "BYTES", ["8", "9"], [1, 2])), 400, "Send numbers"),
    "matrix and a column of it": (one(tensor("m", "FP64", [8, 9], [1, 2])), 400, "or in the matrix"),
    "missing column": (json.dumps({"inputs": ROW[:4]}).encode(), 422, "required"),
    "fraction for an integer": (hour("FP64", 1.5), 422, "whole number"),
    "fraction that claims to be an integer": (hour("INT64", 1.5), 422, "whole number"),
    "boolean tensor for an integer": (hour("BOOL", True), 422, "whole number"),
    "text tensor for an integer": (hour("BYTES", "8"), 422, "whole number"),
    "above the maximum": (hour("INT64", 24), 422, "at most"),
    "beyond 64 bits": (hour("UINT64", 2**64), 422, "at most"),
    "null where forbidden": (hour("INT64", None), 422, "null means missing"),
    "number for a time": (one(tensor("asked_at", "INT64", [1_359_723_600])), 422, "a time such as"),
    "from the future": (one(tensor("asked_at", "BYTES", ["2013-02-01T13:05:01Z"])), 422, "clock"),
    "number that would be rounded": (one(tensor("distance", "INT64", [2**53 + 1])), 400, "Send FP64"),
    "number far beyond": (one(tensor("distance", "UINT64", [10**400])), 400, "Send FP64"),
    "unknown output": (one(ROW[0], outputs=[{"name": "probabilty"}]), 400, "Did you mean 'probability'"),
    "output asked for twice": (one(ROW[0], outputs=[{"name": "arm"}] * 2), 400, "Name each output once"),
    "output without name": (one(ROW[0], outputs=[{}]), 400, "inputs"),
    "classification": (one(ROW[0], outputs=[{"name": "arm", "parameters": {"classification": 2}}]), 400, "Leave"),
    "form of an output": (one(ROW[0], outputs=[{"name": "arm", "parameters": {"binary_data": 1}}]), 400, "true or"),
    "form of all outputs": (one(ROW[0], parameters={"binary_data_output": "yes"}), 400, "true or false"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "mend"), BAD_JSON.values(), ids=list(BAD_JSON))
def test_bad_json_is_told_how_to_mend_it(with_rig: WithRig[object], body: bytes, status: int, mend: str) -> None:
    refuses(with_rig, body, NOW_HEADER, status, mend)


def packed(head: Any, rest: bytes, length: object = None) -> tuple[bytes, dict[str, str]]:
    text = json.dumps(head).encode()
    return text + rest, {LENGTH: str(len(text) if length is None else length)}


def behind(
    datatype: str, rest: bytes, size: object = None, name: str = "hour", **changed: Any
) -> tuple[bytes, dict[str, str]]:
    """A request whose last tensor is in binary."""
    told = {"binary_data_size": len(rest) if size is None else size}
    last = {"name": name, "datatype": datatype, "shape": [1], "parameters": told, **changed}
    return packed({"inputs": [*(other for other in ROW if other["name"] != name), last]}, rest)


def text(content: bytes, length: int | None = None) -> bytes:
    return struct.pack("<I", len(content) if length is None else length) + content


EIGHT = struct.pack("<q", 8)
BAD_BINARY: dict[str, tuple[tuple[bytes, dict[str, str]], int, str]] = {
    "size without header": ((behind("INT64", EIGHT)[0], {}), 400, "Mend it near"),
    "header beyond the body": (packed({"inputs": ROW}, b"", 10**6), 400, "number of bytes of the JSON"),
    "header too long": (packed({"inputs": ROW}, b"", "9" * 400), 400, "number of bytes of the JSON"),
    "header negative": (packed({"inputs": ROW}, b"", -1), 400, "number of bytes of the JSON"),
    "header no number": (packed({"inputs": ROW}, b"", "\u0661\u0662"), 400, "number of bytes of the JSON"),
    "header zero": (packed({"inputs": ROW}, b"", 0), 400, "inputs"),
    "header short": (packed({"inputs": ROW}, b"", 20), 400, "Mend it near"),
    "bytes that nobody claims": (packed({"inputs": ROW}, EIGHT), 400, "binary_data_size"),
    "size beyond the body": (behind("INT64", EIGHT, 800), 400, "binary_data_size"),
    "size short": (behind("INT64", EIGHT, 4), 400, "Send 8 bytes"),
    "size negative": (behind("INT64", EIGHT, -8), 400, "from 0 on"),
    "size no number": (behind("INT64", EIGHT, "8"), 400, "from 0 on"),
    "size true": (behind("INT64", EIGHT, True), 400, "from 0 on"),
    "size huge": (behind("INT64", EIGHT, 10**30), 400, "binary_data_size"),
    "element of another size": (behind("FP32", EIGHT), 400, "Send 4 bytes"),
    "values twice": (behind("INT64", EIGHT, data=[8]), 400, "Leave out one"),
    "more rows than bytes": (behind("INT64", EIGHT, shape=[2]), 400, "Send 8 bytes"),
    "huge width": (behind("INT64", EIGHT, shape=[1, 10**30]), 400, "Send 8 bytes"),
    "no bytes": (behind("INT64", b""), 400, "Send 8 bytes"),
    "boolean of another byte": (behind("BOOL", b"\x02"), 400, "Send 0 or 1"),
    "text without length": (behind("BYTES", b"\x02\0", name="carrier"), 400, "4 bytes little-endian"),
    "text cut short": (behind("BYTES", text(b"UA", 3), name="carrier"), 400, "4 bytes little-endian"),
    "text of 4 GB": (behind("BYTES", text(b"UA", 2**32 - 1), name="carrier"), 400, "4 bytes little-endian"),
    "text too many": (behind("BYTES", text(b"UA") * 2, name="carrier"), 400, "as many texts"),
    "length cut in two": (
        behind("BYTES", text(b"UAUA") + b"\0\0", name="carrier", shape=[2]),
        400,
        "4 bytes little-endian",
    ),
    "more texts than bytes": (behind("BYTES", text(b"UA"), name="carrier", shape=[1, 10**30]), 400, "4 bytes"),
    "text not utf-8": (behind("BYTES", text(b"\xff\xfe"), name="carrier"), 400, "UTF-8"),
    "half a surrogate pair": (behind("BYTES", text(b"\xed\xa0\x80"), name="carrier"), 400, "UTF-8"),
    "infinity": (behind("FP64", struct.pack("<d", float("inf")), name="distance"), 422, "null for a missing number"),
    "fraction for an integer": (behind("FP64", struct.pack("<d", 1.5)), 422, "whole number"),
    "integer beyond": (behind("UINT64", struct.pack("<Q", 2**64 - 1)), 422, "at most"),
    "number that would be rounded": (
        behind("INT64", struct.pack("<q", -(2**53) - 1), name="distance"),
        400,
        "Send FP64",
    ),
}


@pytest.mark.parametrize(("asked", "status", "mend"), BAD_BINARY.values(), ids=list(BAD_BINARY))
def test_bad_binary_is_told_how_to_mend_it(
    with_rig: WithRig[object], asked: tuple[bytes, dict[str, str]], status: int, mend: str
) -> None:
    refuses(with_rig, asked[0], {**NOW_HEADER, **asked[1]}, status, mend)


def refuses(with_rig: WithRig[object], body: bytes, headers: dict[str, str], status: int, mend: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        answer = await rig.ask("POST", INFER, body, headers)
        assert (answer.status, type(answer.error)) == (status, str), answer.body
        assert mend in answer.json["mend"]
        assert answer.json["problem"].endswith(".")
        assert rig.records() == []
        assert (await rig.ask("POST", INFER, {"inputs": ROW})).status == 200

    with_rig(scenario)


def test_thousands_of_unknown_columns_are_refused_at_the_first(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        body, headers = binary([tensor(f"c{place}", "UINT8", [0]) for place in range(700)])
        answer = await rig.ask("POST", INFER, body, headers)
        assert (answer.status, answer.json["problem"]) == (400, "No column 'c0' here.")

    with_rig(scenario)


def test_a_matrix_of_another_width_is_told_its_columns_and_one_column_its_names(
    with_rig_of: Callable[[ServingPlan], WithRig[object]],
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        wide = tensor("m", "FP32", [0] * 9, [1, 9])
        answer = await rig.ask("POST", INFER, {"inputs": [*ROW[:4], wide]})
        assert "hour, distance, seats, in this order" in answer.json["mend"]
        narrow = tensor("m", "FP32", [0], [1, 1])
        assert "Known" in (await rig.ask("POST", INFER, {"inputs": [*ROW[:4], narrow]})).json["mend"]

    with_rig_of(WIDE)(scenario)
