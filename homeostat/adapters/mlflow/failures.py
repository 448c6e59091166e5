"""What goes wrong between here and MLflow, in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from homeostat.kernel.errors import Unavailable

_STRANGERS = ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED", 401, 403)
_LONGEST = 200
_AWAY = "Look whether it runs and can be reached from here; what was asked may be asked again."
_STRANGER = (
    "Give a user who may write with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to"
    " the process that runs Homeostat; what was asked may be asked again."
)


@contextmanager
def told(place: str) -> Iterator[None]:
    """Whatever MLflow, the network or the disk fail with within becomes Unavailable, which says why."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:  # those of requests, too
        response = getattr(error, "response", None)
        raise _unavailable(place, error, getattr(response, "status_code", None)) from error
    except Exception as error:
        code = getattr(error, "error_code", None)  # MLflow's own, which takes seconds to import
        if code is None:
            raise
        raise _unavailable(place, error, code) from error


def _unavailable(place: str, error: Exception, code: object) -> Unavailable:
    cause = str(error).rpartition("Caused by ")[2].partition("[SQL:")[0]  # what was being written helps nobody
    said = " ".join(cause.split())[:_LONGEST].rstrip("')\". ")
    if code in _STRANGERS:
        return Unavailable(f"The registry, MLflow at {place}, does not let us: {said}.", mend=_STRANGER, registry=place)
    return Unavailable(f"The registry, MLflow at {place}, fails: {said}.", mend=_AWAY, registry=place)
