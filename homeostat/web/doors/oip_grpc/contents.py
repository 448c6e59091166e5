"""The tensors of a request: typed contents or raw ones, never both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from homeostat.kernel.errors import InvalidInput
from homeostat.web.doors.oip.binary_tensors import text_of
from homeostat.web.doors.oip.datatypes import Datatype
from homeostat.web.doors.oip.json_tensors import meant
from homeostat.web.doors.oip.protocol import Input
from homeostat.web.doors.oip.tensors import Tensor, Values, must_fit, tensor, twice, values_of_raw
from homeostat.web.doors.oip_grpc.messages import Message, given_parameters

_FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where the interface has the values of a datatype; one that is missing here is sent raw."""


def tensors_of(request: Message) -> list[Tensor]:
    """All tensors of a request. Raises: InvalidInput for tensors that contradict themselves or one another; TooLarge.

    Read one by one: a request of very many is refused at the first that is wrong.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidInput(
            f"There are {len(raw)} raw_input_contents and {len(request.inputs)} inputs.",
            mend="Send one for each input, in their order; or none, and every input's values in its contents.",
        )
    found = [_tensor(given, raw[place] if raw else None) for place, given in enumerate(request.inputs)]
    must_fit(found)
    return found


def _tensor(given: Message, raw: bytes | None) -> Tensor:
    named = Input(given.name, list(given.shape), given.datatype, given_parameters(given.parameters))
    return tensor(named, _values(given, raw))


def _values(given: Message, raw: bytes | None) -> Values:
    filled = [field.name for field, _ in given.contents.ListFields()]
    if raw is None:
        return partial(_typed, given.contents, filled)
    if filled:
        raise twice(given.name, f"in {filled[0]} and in raw_input_contents")
    return partial(values_of_raw, memoryview(raw))


def _typed(
    contents: Message, filled: Sequence[str], given: Input, datatype: Datatype, rows: int, width: int
) -> Sequence[object]:
    field = _FIELDS.get(datatype.name)
    if field is None:
        problem = f"Input {given.name[:60]!r} of datatype {datatype.name} is not in raw_input_contents"
        raise _wrong(given, problem, "Send it there: the interface has no other place for this datatype.")
    if filled != [field]:
        held = f"its values in {' and '.join(filled)}" if filled else "no values"
        problem = f"Input {given.name[:60]!r} of datatype {datatype.name} has {held}"
        raise _wrong(given, problem, f"Send them in {field}, and there alone; or in raw_input_contents.")
    values = getattr(contents, field)
    if len(values) != rows * width:
        problem = f"Input {given.name[:60]!r} has {len(values)} values in {field}"
        raise _wrong(given, problem, f"Send {rows} x {width} values, as its shape says.")
    if datatype.family == "text":
        return meant(given, [text_of(given.name, value) for value in values])
    if datatype.floating:
        return [None if value != value else value for value in values]  # only NaN differs from itself
    return list(values)


def _wrong(given: Input, problem: str, mend: str) -> InvalidInput:
    return InvalidInput(f"{problem}.", mend=mend, input=given.name[:60])
