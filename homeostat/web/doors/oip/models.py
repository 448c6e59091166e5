"""A loop as a model of the protocol, made once: its columns as tensors, and tensors as its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homeostat.data.checks import did_you_mean, shown
from homeostat.data.contracts import Kind
from homeostat.data.tables import Table
from homeostat.kernel.errors import InvalidInput
from homeostat.web.doors.asking import made_up_key
from homeostat.web.doors.oip.datatypes import OF_KIND
from homeostat.web.doors.oip.tensors import Tensor

PLATFORM = "homeostat"


@dataclass(frozen=True)
class Model:
    """What the protocol needs to know of a loop; ``matrix`` names the columns that one matrix may hold, in order.

    ``metadata`` is the answer to who asks what the model is, without its versions and outputs.
    """

    name: str
    kinds: Mapping[str, Kind]
    matrix: tuple[str, ...]
    metadata: Mapping[str, object]

    @classmethod
    def of(cls, name: str, question: Table) -> Model:
        """The model of a loop that asks ``question``."""
        own = {*question.keys, question.event_id}
        contract = question.contract
        matrix = tuple(c for c, one in contract.items() if one.kind in ("number", "integer") and c not in own)
        inputs = [
            {
                "name": column,
                "datatype": OF_KIND[promise.kind],
                "shape": [-1],
                "parameters": {"optional": promise.nullable or column in (question.event_time, made_up_key(question))},
            }
            for column, promise in contract.items()
        ]
        told = {"parameters": {"matrix_columns": ",".join(matrix)}} if matrix else {}
        kinds = {column: promise.kind for column, promise in contract.items()}
        return cls(name, kinds, matrix, {"name": name, "platform": PLATFORM, "inputs": inputs, **told})

    def rows(self, tensors: Sequence[Tensor]) -> list[dict[str, object]]:
        """The rows that tensors hold together; what they promise is for the contract to judge.

        Raises: InvalidInput for a tensor that is no column and no matrix, a column that comes twice, or a whole
        number that a column of numbers would round.
        """
        columns: dict[str, Sequence[object]] = {}
        for tensor in tensors:
            for name, values in self._columns(tensor):
                if name in columns:
                    raise InvalidInput(
                        f"Column {name!r} comes twice, the second time in input {tensor.name[:60]!r}.",
                        mend="Send each column once, as a tensor of its own or in the matrix.",
                        column=name,
                    )
                columns[name] = _exact(name, self.kinds[name], tensor, values)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _columns(self, tensor: Tensor) -> list[tuple[str, Sequence[object]]]:
        if tensor.name in self.kinds:
            if tensor.width == 1:
                return [(tensor.name, tensor.values)]
            raise InvalidInput(
                f"Input {tensor.name!r} is {tensor.width} values wide, and a column is one.",
                mend="Send its shape as [rows] or [rows, 1]; give a matrix a name that is no column's.",
                input=tensor.name,
            )
        if tensor.matrix and tensor.width == len(self.matrix) and tensor.datatype.family == "number":
            return [(name, tensor.values[place :: tensor.width]) for place, name in enumerate(self.matrix)]
        raise self._unknown(tensor)

    def _unknown(self, tensor: Tensor) -> InvalidInput:
        name = tensor.name[:60]
        if not tensor.matrix or tensor.width == 1 or not self.matrix:
            return InvalidInput(f"No column {name!r} here.", mend=did_you_mean(name, self.kinds), input=name)
        return InvalidInput(
            f"Input {name!r} is a matrix of {tensor.width} columns of datatype {tensor.datatype.name}.",
            mend=f"Send numbers for the {len(self.matrix)} columns {', '.join(self.matrix)}, in this order.",
            input=name,
        )


def _exact(column: str, kind: Kind, tensor: Tensor, values: Sequence[object]) -> Sequence[object]:
    """The values, if a column of numbers can hold them as they are."""
    if kind == "number" and tensor.datatype.wide:
        for value in values:
            if isinstance(value, int) and _rounded(value):
                raise InvalidInput(
                    f"Column {column!r} holds numbers, and would round {shown(value)}.",
                    mend="Send FP64 if the rounding is meant.",
                    column=column,
                )
    return values


def _rounded(value: int) -> bool:
    return abs(value) > 1 << 53 and (abs(value) >= 1 << 64 or int(float(value)) != value)
