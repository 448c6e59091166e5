"""The tensors of a request as values: whole, of the kind they claim, with null for what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from homeostat.features.ingest import MOST_ROWS
from homeostat.kernel.errors import InvalidInput, TooLarge
from homeostat.web.doors.oip.binary_tensors import values_of_bytes
from homeostat.web.doors.oip.datatypes import Datatype, datatype_of
from homeostat.web.doors.oip.json_tensors import values_of_json
from homeostat.web.doors.oip.protocol import Input


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of ``rows`` by ``width``, row after row; ``matrix`` when it was sent with two dimensions."""

    name: str
    datatype: Datatype
    rows: int
    width: int
    matrix: bool
    values: Sequence[object]


Values = Callable[[Input, Datatype, int, int], Sequence[object]]
"""Reads the values of an input with a datatype, so many rows and so wide. Raises: InvalidInput."""


def read_tensors(inputs: Sequence[Input], binary: memoryview) -> list[Tensor]:
    """All tensors of a request; ``binary`` is what follows its JSON.

    Raises: InvalidInput for tensors that contradict themselves, one another or the binary part; TooLarge.
    """
    tensors: list[Tensor] = []
    start = 0
    for given in inputs:
        size = _size(given)
        if size is not None and size > len(binary) - start:
            raise _told_wrongly(len(binary), f"input {given.name[:60]!r} claims {size} from byte {start} on")
        tensors.append(tensor(given, _behind_json(given, None if size is None else binary[start : start + size])))
        start += size or 0
    if start != len(binary) and inputs:
        raise _told_wrongly(len(binary), f"the inputs claim {start} together")
    must_fit(tensors)
    return tensors


def tensor(given: Input, values: Values) -> Tensor:
    """One tensor of a request, whichever way its values came. Raises: InvalidInput, TooLarge."""
    datatype = datatype_of(given.name, given.datatype)
    rows, width = _extent(given)
    return Tensor(given.name, datatype, rows, width, len(given.shape) == 2, values(given, datatype, rows, width))


def must_fit(tensors: Sequence[Tensor]) -> None:
    """Raises: InvalidInput for no tensors at all, or some with more rows than others."""
    if not tensors:
        raise InvalidInput("The request holds no inputs.", mend="Send one tensor for each column of the question.")
    first = tensors[0]
    for other in tensors:
        if other.rows != first.rows:
            raise InvalidInput(
                f"Input {first.name[:60]!r} has {first.rows} rows, and input {other.name[:60]!r} has {other.rows}.",
                mend="Send as many rows in every tensor.",
            )


def values_of_raw(data: memoryview, given: Input, datatype: Datatype, rows: int, width: int) -> Sequence[object]:
    """The values of a tensor that came in binary. Raises: InvalidInput."""
    return values_of_bytes(given.name, datatype, rows * width, data)


def twice(name: str, where: str) -> InvalidInput:
    """The error for a tensor whose values came in two places."""
    problem = f"Input {name[:60]!r} has its values twice: {where}."
    return InvalidInput(problem, mend="Leave out one of the two.", input=name[:60])


def _behind_json(given: Input, binary: memoryview | None) -> Values:
    if binary is None:
        return values_of_json
    if given.data is not None:
        raise twice(given.name, "in data and in binary")
    return partial(values_of_raw, binary)


def _extent(given: Input) -> tuple[int, int]:
    """Rows and width of a tensor, within what a request may hold."""
    shape = given.shape
    if len(shape) not in (1, 2) or min(shape) < 1:
        raise InvalidInput(
            f"Input {given.name[:60]!r} has the shape {_shown(shape)}.",
            mend="Send [rows], [rows, 1], or [rows, columns] for a matrix, with at least one row.",
            input=given.name[:60],
        )
    if shape[0] > MOST_ROWS:
        problem = f"Input {given.name[:60]!r} has the shape {_shown(shape)}: too many rows."
        raise TooLarge(problem, mend=f"Send at most {MOST_ROWS} rows in one request.", limit=MOST_ROWS)
    return shape[0], shape[1] if len(shape) == 2 else 1


def _size(given: Input) -> int | None:
    size = given.parameter("binary_data_size")
    if size is None or (type(size) is int and size >= 0):
        return size
    problem = f"binary_data_size of input {given.name[:60]!r} is no number of bytes."
    raise InvalidInput(problem, mend="Send a whole number from 0 on.", input=given.name[:60])


def _told_wrongly(there: int, claimed: str) -> InvalidInput:
    return InvalidInput(
        f"{there} bytes follow the JSON, but {claimed}.",
        mend="Check binary_data_size of each input, and the header Inference-Header-Content-Length.",
    )


def _shown(shape: Sequence[int]) -> str:
    text = str(shape) if len(shape) < 10 and max(map(abs, shape), default=0) < 10**30 else "[...]"
    return text if len(text) <= 60 else f"{text[:57]}..."
