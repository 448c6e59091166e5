"""Errors as gRPC tells them: a status, a text for people, and the parts in trailing metadata for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import grpc

from homeostat.kernel.errors import HomeostatError
from homeostat.web.doors.replies import shaped_body

CODE, PARTS = "homeostat-code", "homeostat-error-bin"
STATUSES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    409: grpc.StatusCode.ABORTED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""What gRPC says, by what REST says."""
_MOST_TEXT, _MOST_PARTS = 1_500, 3_500
"""Bytes; clients refuse replies with more than some 8 KiB of metadata, the text included."""


def grpc_status(status: int) -> Any:
    """What gRPC says where REST says ``status``."""
    return STATUSES.get(status, grpc.StatusCode.INTERNAL)


def text_of_error(error: HomeostatError) -> str:
    """The problem and its mend, as much as fits.

    >>> text_of_error(HomeostatError("No loop.", mend="Name one."))
    'No loop. Name one.'
    """
    text = str(error).encode("utf-8", "replace").decode()
    if len(quote(text)) <= _MOST_TEXT:
        return text
    while len(quote(text)) > _MOST_TEXT:
        text = text[: len(text) * 3 // 4]
    return f"{text}..."


def parts_of_error(error: HomeostatError) -> tuple[tuple[str, str | bytes], ...]:
    """The code, and code, problem, mend and facts as JSON: of facts, the first of each list as far as they fit."""
    told = error.to_dict()
    body = shaped_body(told)
    if len(body) > _MOST_PARTS:
        facts = json.loads(body)["facts"]
        while len(body) > _MOST_PARTS and (facts := _fewer(facts)):
            body = shaped_body({**told, "facts": facts})
    if len(body) > _MOST_PARTS:
        body = shaped_body({"code": error.code, "problem": text_of_error(error), "mend": "", "facts": {}})
    return (CODE, error.code), (PARTS, body)


def _fewer(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Half of every list; no facts when there is no list to halve."""
    if not any(isinstance(value, list) and len(value) > 1 for value in facts.values()):
        return {}
    return {name: value[: len(value) // 2] if isinstance(value, list) else value for name, value in facts.items()}
