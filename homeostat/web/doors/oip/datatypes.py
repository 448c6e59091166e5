"""The protocol's datatypes: what their values are here, and how they lie in binary."""

from __future__ import annotations

from dataclasses import dataclass
from struct import calcsize
from typing import Literal

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Kind
from homeostat.kernel.errors import InvalidInput

Family = Literal["number", "boolean", "text"]


@dataclass(frozen=True, slots=True)
class Datatype:
    """One datatype; ``code`` is what ``struct`` calls its element, empty for texts, which carry their lengths.

    ``size`` is that of an element in bytes; of a text, its length's.
    """

    name: str
    family: Family
    code: str
    size: int

    @property
    def wide(self) -> bool:
        """Whether it holds whole numbers that a float of 64 bits cannot."""
        return self.name in ("INT64", "UINT64")

    @property
    def floating(self) -> bool:
        """Whether its numbers may be NaN."""
        return self.name.startswith("FP")


_NUMBERS = {
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
}
DATATYPES = {
    **{name: Datatype(name, "number", code, calcsize(f"<{code}")) for name, code in _NUMBERS.items()},
    "BOOL": Datatype("BOOL", "boolean", "B", 1),
    "BYTES": Datatype("BYTES", "text", "", 4),
}
OF_KIND: dict[Kind, str] = {
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "text": "BYTES",
    "instant": "BYTES",
}
"""How metadata describes a column."""


def datatype_of(tensor: str, name: str) -> Datatype:
    """The datatype that a tensor names. Raises: InvalidInput."""
    found = DATATYPES.get(name)
    if found is None:
        problem = f"Input {tensor[:60]!r} has datatype {name[:60]!r}, which is not read here."
        raise InvalidInput(problem, mend=did_you_mean(name[:60], DATATYPES), input=tensor[:60])
    return found
