"""JSON in place of DBOS's pickles, so that a changed database can make nothing run."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from dbos import _serialization
from dbos._serialization import Serializer

from homeostat.kernel.errors import IntegrityError


class JsonSerializer(Serializer):
    """Writes JSON values; an exception, which DBOS itself may record, becomes its text."""

    def name(self) -> str:
        return "homeostat_json"

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=_text_of)

    def deserialize(self, serialized_data: str) -> Any:
        value = json.loads(serialized_data)
        if isinstance(value, dict) and value.keys() == {"exception"}:
            return RuntimeError(value["exception"])
        return value


def refuse_pickles() -> None:
    """Make DBOS refuse rows that claim to be pickled, whoever wrote them. May be repeated."""
    _serialization.DefaultSerializer.serialize = _refuse  # type: ignore[assignment]
    _serialization.DefaultSerializer.deserialize = _refuse  # type: ignore[assignment]


def _text_of(value: object) -> dict[str, str]:
    if isinstance(value, BaseException):
        return {"exception": f"{type(value).__name__}: {value}"}
    raise TypeError(f"A {type(value).__name__} is no JSON value.")


def _refuse(*_: object) -> NoReturn:
    raise IntegrityError(
        "The workflow database holds a pickled value, which Homeostat never writes.",
        mend="Someone else wrote to it: restore it from a backup, or move it away to start afresh.",
    )
