"""The protocol's datatypes: what their values are here, and how they lie in binary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Kind
from homeostat.kernel.errors import InvalidInput

Family = Literal["number", "boolean", "text"]


@dataclass(frozen=True, slots=True)
class Datatype:
    """One datatype; ``layout`` is its element's in binary, None for texts, which carry their lengths."""

    name: str
    family: Family
    layout: np.dtype[np.generic] | None

    @property
    def wide(self) -> bool:
        """Whether it holds whole numbers that a float of 64 bits cannot."""
        return self.name in ("INT64", "UINT64")


_NUMBERS = {
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
}
DATATYPES = {
    **{name: Datatype(name, "number", np.dtype(layout)) for name, layout in _NUMBERS.items()},
    "BOOL": Datatype("BOOL", "boolean", np.dtype("<u1")),
    "BYTES": Datatype("BYTES", "text", None),
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
