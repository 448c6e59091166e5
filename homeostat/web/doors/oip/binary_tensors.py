"""Tensors in binary, as they come and as they go: elements little-endian, texts behind their lengths."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from homeostat.kernel.errors import InvalidInput
from homeostat.web.doors.oip.datatypes import DATATYPES, Datatype

_LENGTH = struct.Struct("<I")


def values_of_bytes(name: str, datatype: Datatype, count: int, data: memoryview) -> Sequence[object]:
    """The values of a tensor of ``count`` elements; NaN is None. Raises: InvalidInput."""
    if datatype.family == "text":
        return _texts(name, count, data)
    if len(data) != count * datatype.size:
        problem = f"Input {name[:60]!r} has {len(data)} bytes for {count} elements of {datatype.name}"
        raise _wrong(name, problem, f"Send {datatype.size} bytes for each element.")
    values = struct.unpack(f"<{count}{datatype.code}", data)
    if datatype.family == "boolean":
        return _booleans(name, values)
    if datatype.floating:
        return [None if value != value else value for value in values]  # only NaN differs from itself
    return values


def bytes_of_values(datatype: str, values: Sequence[object]) -> bytes:
    """What ``values_of_bytes`` reads."""
    code = DATATYPES[datatype].code
    if code:
        return struct.pack(f"<{len(values)}{code}", *values)
    texts = [str(value).encode() for value in values]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))


def _texts(name: str, count: int, data: memoryview) -> list[object]:
    if count * _LENGTH.size > len(data):
        problem = f"Input {name[:60]!r} has {len(data)} bytes, too few for {count} texts"
        raise _wrong(name, problem, "Send each text behind its length, 4 bytes little-endian.")
    values: list[object] = []
    start = 0
    for _ in range(count):
        begin = start + _LENGTH.size
        end = begin + _LENGTH.unpack_from(data, start)[0] if begin <= len(data) else begin
        if end > len(data):
            problem = f"Text {len(values)} of input {name[:60]!r} ends behind the input's {len(data)} bytes"
            raise _wrong(name, problem, "Send each text whole, behind its length of 4 bytes little-endian.")
        values.append(text_of(name, data[begin:end]))
        start = end
    if start != len(data):
        problem = f"Input {name[:60]!r} has {len(data)} bytes, but its {count} texts end at byte {start}"
        raise _wrong(name, problem, "Send as many texts as the shape says.")
    return values


def text_of(name: str, data: memoryview | bytes) -> str:
    """One text of a tensor. Raises: InvalidInput when it is not UTF-8."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise _wrong(name, f"Input {name[:60]!r} holds a text that is not UTF-8", "Encode texts as UTF-8.") from error


def _booleans(name: str, values: Sequence[object]) -> list[object]:
    if not {0, 1}.issuperset(values):
        raise _wrong(name, f"Input {name[:60]!r} of datatype BOOL holds other bytes than 0 and 1", "Send 0 or 1.")
    return [value == 1 for value in values]


def _wrong(name: str, problem: str, mend: str) -> InvalidInput:
    return InvalidInput(f"{problem}.", mend=mend, input=name[:60])
