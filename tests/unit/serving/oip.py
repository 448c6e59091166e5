"""Requests of the Open Inference Protocol as its specification writes them, made without the code under test."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.data.contracts import Column, boolean, instant, integer, text
from homeostat.data.tables import Table
from homeostat.features.definitions import feature_set
from homeostat.serving.plans import ServingPlan
from tests.unit.serving.late import DEPARTURES, FEATURES
from tests.unit.serving.rig import NOW_HEADER

INFER = "/v2/models/late/infer"
_STRUCT = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "UINT8": "B", "UINT16": "H", "UINT32": "I",
    "UINT64": "Q", "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
_EXTRA = {
    "wet": boolean(nullable=True),
    "planned": instant(nullable=True),
    "note": text(nullable=True),
    "seats": integer(nullable=True),
}


def _plan(key: str | tuple[str, ...], contract: Mapping[str, Column]) -> ServingPlan:
    asked = Table("departures", key=key, event_time="asked_at", contract=contract)
    return ServingPlan("late", asked, feature_set(asked, [asked["carrier", "hour", "distance"], *FEATURES.views]))


WIDE = _plan("flight_id", {**DEPARTURES.contract, **_EXTRA})
"""The loop "late" with a column of every kind."""
SEVERAL_KEYS = _plan(("flight_id", "origin"), DEPARTURES.contract)
"""The loop "late" with a key of two columns."""


def tensor(name: str, datatype: str, data: Sequence[Any], shape: Sequence[int] | None = None, **parameters: Any) -> Any:
    """One tensor in JSON."""
    told = {"parameters": parameters} if parameters else {}
    return {"name": name, "datatype": datatype, "shape": list(shape or [len(data)]), "data": list(data), **told}


def inputs(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Rows of the loop "late" as one tensor for each column."""
    kinds = {"hour": "INT64", "distance": "FP64"}
    return [tensor(name, kinds.get(name, "BYTES"), [row[name] for row in rows]) for name in rows[0]]


def packed(datatype: str, values: Sequence[Any]) -> bytes:
    """Values in binary: null as NaN, texts behind their lengths."""
    if datatype == "BYTES":
        texts = [value if isinstance(value, bytes) else str(value).encode() for value in values]
        return b"".join(struct.pack("<I", len(one)) + one for one in texts)
    known = [float("nan") if value is None else value for value in values]
    return struct.pack(f"<{len(known)}{_STRUCT[datatype]}", *known)


def binary(tensors: Sequence[Any], **members: Any) -> tuple[bytes, dict[str, str]]:
    """A request with all its tensors in binary: its body, and its headers."""
    parts = [packed(one["datatype"], one["data"]) for one in tensors]
    told = [
        {**{name: one[name] for name in ("name", "datatype", "shape")}, "parameters": {"binary_data_size": len(part)}}
        for one, part in zip(tensors, parts, strict=True)
    ]
    head = json.dumps({"inputs": told, **members}).encode()
    return head + b"".join(parts), {**NOW_HEADER, "inference-header-content-length": str(len(head))}


def outputs(answer: Any) -> dict[str, list[Any]]:
    """The tensors of an answer by name, whichever way they came."""
    length = answer.headers.get("inference-header-content-length")
    told = json.loads(answer.body[: int(length)] if length else answer.body)
    rest = answer.body[int(length) :] if length else b""
    found: dict[str, list[Any]] = {}
    for one in told["outputs"]:
        size = one.get("parameters", {}).get("binary_data_size")
        found[one["name"]] = one["data"] if size is None else unpacked(one["datatype"], one["shape"][0], rest[:size])
        rest = rest[size or 0 :]
    assert rest == b""
    return found


def unpacked(datatype: str, count: int, data: bytes) -> list[Any]:
    if datatype != "BYTES":
        return list(struct.unpack(f"<{count}{_STRUCT[datatype]}", data))
    texts = []
    for _ in range(count):
        end = 4 + struct.unpack_from("<I", data)[0]
        texts.append(data[4:end].decode())
        data = data[end:]
    assert data == b""
    return texts
