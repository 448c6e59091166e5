"""Tensors in JSON: lists of values, flat or row by row."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from itertools import chain

import msgspec

from homeostat.data.checks import shown
from homeostat.kernel.errors import InvalidInput
from homeostat.web.doors.oip.datatypes import Datatype, Family
from homeostat.web.doors.oip.protocol import Input

_NOTHING = type(None)
_KINDS: dict[Family, tuple[frozenset[type], str]] = {
    "number": (frozenset({int, float, _NOTHING}), "numbers"),
    "boolean": (frozenset({bool, _NOTHING}), "true or false"),
    "text": (frozenset({str, _NOTHING}), "texts"),
}


def values_of_json(given: Input, datatype: Datatype, rows: int, width: int) -> Sequence[object]:
    """The values of a tensor, row after row; null is None.

    A number is read as it is written, whatever number's datatype is named: nothing is rounded or cut.
    Raises: InvalidInput.
    """
    values = _flat(given, rows, width)
    kinds, wanted = _KINDS[datatype.family]
    if not kinds.issuperset(map(type, values)):
        wrong = next(value for value in values if type(value) not in kinds)
        raise InvalidInput(
            f"Input {given.name[:60]!r} of datatype {datatype.name} holds {shown(wrong)}.",
            mend=f"Send {wanted}, or null for what is missing.",
            input=given.name[:60],
        )
    return meant(given, values) if datatype.family == "text" else values


def meant(given: Input, values: Sequence[object]) -> Sequence[object]:
    """What texts stand for, where the tensor has a content type of MLServer's codecs. Raises: InvalidInput."""
    read = _ENCODED.get(str(given.parameter("content_type")))
    return values if read is None else [_decoded(read, given, value) for value in values]


def _flat(given: Input, rows: int, width: int) -> Sequence[object]:
    data = given.data
    if data is None:
        raise InvalidInput(
            f"Input {given.name[:60]!r} has no values.",
            mend="Send them in data, or in binary with the parameter binary_data_size.",
            input=given.name[:60],
        )
    if len(data) == rows * width and list not in map(type, data):
        return data
    if len(given.shape) == 2 and len(data) == rows and all(type(row) is list and len(row) == width for row in data):
        return list(chain.from_iterable(data))
    raise InvalidInput(
        f"The data of input {given.name[:60]!r} is not of its shape: {len(data)} values or rows.",
        mend=f"Send {rows} x {width} values in one list, or one list for each row of a matrix.",
        input=given.name[:60],
    )


def _decoded(read: Callable[[str], object], given: Input, value: object) -> object:
    try:
        return read(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"Input {given.name[:60]!r} holds {shown(value)}, which its content_type does not read.",
            mend="Send what the content type promises, or leave the parameter out.",
            input=given.name[:60],
        ) from error


def _base64(value: str) -> object:
    return b64decode(value, validate=True).decode()


_ENCODED: dict[str, Callable[[str], object]] = {"base64": _base64, "pd_json": msgspec.json.decode}
"""Content types of MLServer's codecs whose texts stand for something else than themselves."""
