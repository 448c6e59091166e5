"""Small HTTP reads from our own processes on the loopback address."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from homeostat.kernel.errors import Unavailable

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str, timeout: float = 2.0, accept: tuple[int, ...] = ()) -> bytes:
    """The body at an address of ours; error statuses in ``accept`` are answers too. Raises: Unavailable."""
    try:
        with _OPENER.open(url, timeout=timeout) as reply:
            body: bytes = reply.read()
            return body
    except urllib.error.HTTPError as error:
        if error.code in accept:
            return error.read()
        raise _unavailable(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise _unavailable(url, error) from error


def get_json(url: str, timeout: float = 2.0, accept: tuple[int, ...] = ()) -> Any:
    """The JSON value at an address of ours. Raises: Unavailable."""
    return json.loads(get(url, timeout, accept))


def _unavailable(url: str, error: Exception) -> Unavailable:
    return Unavailable(f"{url} does not answer: {error}.", mend="Look into the process logs.", url=url)
