"""The tensors of a request as values: whole, of the kind they claim, with null for what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def read_tensors(inputs: Sequence[Input], binary: memoryview) -> list[Tensor]:
    """All tensors of a request; ``binary`` is what follows its JSON.

    Raises: InvalidInput for tensors that contradict themselves, one another or the binary part; TooLarge.
    """
    if not inputs:
        raise InvalidInput("The request holds no inputs.", mend="Send one tensor for each column of the question.")
    tensors: list[Tensor] = []
    start = 0
    for given in inputs:
        size = _size(given)
        if size is not None and size > len(binary) - start:
            raise _told_wrongly(len(binary), f"input {given.name[:60]!r} claims {size} from byte {start} on")
        tensors.append(_read(given, None if size is None else binary[start : start + size]))
        start += size or 0
    if start != len(binary):
        raise _told_wrongly(len(binary), f"the inputs claim {start} together")
    _must_be_as_long(tensors)
    return tensors


def _read(given: Input, binary: memoryview | None) -> Tensor:
    datatype = datatype_of(given.name, given.datatype)
    rows, width = _extent(given)
    if binary is None:
        values = values_of_json(given, datatype, rows, width)
    elif given.data is not None:
        problem = f"Input {given.name[:60]!r} has its values twice: in data and in binary."
        raise InvalidInput(problem, mend="Leave out one of the two.")
    else:
        values = values_of_bytes(given.name, datatype, rows * width, binary)
    return Tensor(given.name, datatype, rows, width, len(given.shape) == 2, values)


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


def _must_be_as_long(tensors: Sequence[Tensor]) -> None:
    first = tensors[0]
    for other in tensors:
        if other.rows != first.rows:
            raise InvalidInput(
                f"Input {first.name[:60]!r} has {first.rows} rows, and input {other.name[:60]!r} has {other.rows}.",
                mend="Send as many rows in every tensor.",
            )


def _told_wrongly(there: int, claimed: str) -> InvalidInput:
    return InvalidInput(
        f"{there} bytes follow the JSON, but {claimed}.",
        mend="Check binary_data_size of each input, and the header Inference-Header-Content-Length.",
    )


def _shown(shape: Sequence[int]) -> str:
    text = str(shape) if len(shape) < 10 and max(map(abs, shape), default=0) < 10**30 else "[...]"
    return text if len(text) <= 60 else f"{text[:57]}..."
