"""What goes back: JSON bodies, the one shape of every error, and the way to elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

import msgspec

from homeostat.kernel.errors import HomeostatError, InvalidInput
from homeostat.web.statuses import status_of

Headers = list[tuple[str, str]]
JSON = ("content-type", "application/json")
_PLAIN: Headers = [JSON]
_EXTRA: dict[int, Headers] = {
    408: [("connection", "close")],
    413: [("connection", "close")],  # the rest of the body is not read
    503: [("retry-after", "1")],
}


Shape = Callable[[HomeostatError], Mapping[str, object]]
"""How a protocol's clients read an error: its body, as JSON."""


class MethodNotAllowed(HomeostatError):
    """The door exists, but not for this method; ``facts['allow']`` names those it has."""

    code = "method_not_allowed"


class Response(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes
    headers: Headers = msgspec.field(default_factory=lambda: _PLAIN)


def json_response(value: object, status: int = 200) -> Response:
    """Any JSON value, or a structure msgspec knows."""
    return Response(status, msgspec.json.encode(value))


def plain_shape(error: HomeostatError) -> Mapping[str, object]:
    """The shape of errors where no protocol asks for another: ``{"error": {"code", "problem", "mend", "facts"}}``."""
    return {"error": error.to_dict()}


def error_response(error: HomeostatError, shape: Shape) -> Response:
    """An error as the protocol of its door shapes it."""
    if isinstance(error, MethodNotAllowed):
        return _method_not_allowed(error, shape)
    status = status_of(error)
    if status == 500:
        return unexpected(shape)
    return Response(status, shaped_body(shape(error)), [JSON, *_EXTRA.get(status, ())])


def unexpected(shape: Shape) -> Response:
    """What is said of a fault of our own: nothing about its inside."""
    return Response(500, shaped_body(shape(fault())))


def fault() -> HomeostatError:
    """The error that stands for every fault of our own."""
    return HomeostatError(
        "Something went wrong inside Homeostat.",
        mend="Send it again; if it goes on, look at process-logs in the home folder.",
    )


def cut_short(shape: Shape) -> Response:
    """What is said where the sender stopped halfway; most have left and do not read it."""
    error = InvalidInput("The body ended before it was whole.", mend="Send as many bytes as Content-Length says.")
    return Response(400, shaped_body(shape(error)), [JSON, ("connection", "close")])


def redirect(location: str) -> Response:
    """Go on elsewhere with the same method and body."""
    return Response(307, b"", [("location", location.encode("ascii", "replace").decode())])


def _method_not_allowed(error: MethodNotAllowed, shape: Shape) -> Response:
    allowed = error.facts["allow"]
    names = ", ".join(map(str, allowed)) if isinstance(allowed, Iterable) else ""
    return Response(405, shaped_body(shape(error)), [JSON, ("allow", names)])


def shaped_body(shaped: Mapping[str, object]) -> bytes:
    """An error as JSON, whatever texts it quotes."""
    try:
        return msgspec.json.encode(shaped, enc_hook=str)
    except UnicodeEncodeError:  # the input held half of a surrogate pair, and the error quotes it
        return json.dumps(shaped, default=str).encode()
