"""Small HTTP reads from our own processes on the loopback address."""

from __future__ import annotations

import http.client
import json
import urllib.request
from typing import Any

from homeostat.kernel.errors import Unavailable

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str, timeout: float = 2.0) -> bytes:
    """The body at an address of ours. Raises: Unavailable when nothing answers or it answers with an error."""
    try:
        with _OPENER.open(url, timeout=timeout) as reply:
            body: bytes = reply.read()
            return body
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{url} does not answer: {error}.", mend="Look into the process logs.", url=url) from error


def get_json(url: str, timeout: float = 2.0) -> Any:
    """The JSON value at an address of ours. Raises: Unavailable."""
    return json.loads(get(url, timeout))
