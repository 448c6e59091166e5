"""Small HTTP requests to our own processes on the loopback address."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Container
from typing import Any

from homeostat.kernel.errors import HomeostatError, Unavailable

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str, timeout: float = 2.0, accept: tuple[int, ...] = ()) -> bytes:
    """The body at an address of ours; error statuses in ``accept`` are answers too. Raises: Unavailable."""
    return _asked(urllib.request.Request(url), timeout, accept)


def get_json(url: str, timeout: float = 2.0, accept: tuple[int, ...] = ()) -> Any:
    """The JSON value at an address of ours. Raises: Unavailable."""
    return json.loads(get(url, timeout, accept))


def ask_json(url: str, timeout: float = 2.0) -> Any:
    """The JSON value at an address of ours. Raises: what was refused there, with its code; Unavailable."""
    return _answered(urllib.request.Request(url), timeout)


def post_json(url: str, value: object, timeout: float = 2.0) -> Any:
    """The JSON value that is answered to one. Raises: what was refused there, with its code; Unavailable."""
    asked = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    return _answered(asked, timeout)


def _answered(asked: urllib.request.Request, timeout: float) -> Any:
    try:
        told = json.loads(_asked(asked, timeout, range(400, 500)))
        refused = _refused(**told["error"]) if "error" in told else None
    except (ValueError, TypeError) as error:  # somebody else has the port
        raise _unavailable(asked.full_url, error) from error
    if refused is not None:
        raise refused
    return told


def _asked(asked: urllib.request.Request, timeout: float, accept: Container[int]) -> bytes:
    try:
        with _OPENER.open(asked, timeout=timeout) as reply:
            body: bytes = reply.read()
            return body
    except urllib.error.HTTPError as error:
        if error.code in accept:
            return error.read()
        raise _unavailable(asked.full_url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise _unavailable(asked.full_url, error) from error


def _refused(code: str, problem: str, mend: str, facts: dict[str, object]) -> HomeostatError:
    error = HomeostatError(problem, mend=mend, **facts)
    error.code = code
    return error


def _unavailable(url: str, error: Exception) -> Unavailable:
    return Unavailable(f"{url} does not answer: {error}.", mend="Look into the process logs.", url=url)
