"""What goes wrong between here and MLflow, or where it keeps its files, in our words."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from homeostat.kernel.errors import Unavailable

_STRANGERS = ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED", 401, 403)
_KEEPERS = ("boto3", "botocore", "s3transfer", "google", "azure")
"""Packages with which MLflow's client goes to files by itself; they share no error but Exception."""
_NAMELESS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError")
_LONGEST = 200
_AGAIN = "what was asked may be asked again."
_AWAY = f"Look whether it runs, can be reached from here, and reaches where it keeps files; {_AGAIN}"
_STRANGER = (
    "Give a user who may write with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to"
    f" the process that runs Homeostat; {_AGAIN}"
)
_STRANGER_TO_FILES = (
    "Give credentials that may read, write and list there to the process that runs Homeostat, such as"
    f" AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for S3; {_AGAIN}"
)
_LACKING = (
    "Install it where Homeostat runs (for S3: pip install 'homeostat[s3]') and start it again; or let the server pass"
    f" files on: mlflow server --artifacts-destination. Then {_AGAIN}"
)


@contextmanager
def told(place: str) -> Iterator[None]:
    """Whatever MLflow, its files, the network or the disk fail with within becomes Unavailable, which says why."""
    try:
        yield
    except Exception as error:
        failed = _failed(place, error)
        if failed is None:
            raise
        raise failed from error


def said_by(error: Exception) -> str | None:
    """The cause in one line without secrets; None for what is no failure of MLflow, its files, network or disk."""
    if isinstance(error, ImportError):
        return f"{error.name or error} is needed to reach its files and is not installed"
    if not isinstance(error, OSError | sqlite3.Error) and _code(error) is None and not _of_files(error):
        return None
    _, nested, cause = str(_inner(error)).rpartition("Caused by ")
    cause = " ".join(cause.partition("[SQL:")[0].split())  # what was being written helps nobody
    cause = re.sub(r"//[^/@\s]*@", "//", cause)[:_LONGEST]
    return cause.rstrip("')\". ") if nested else cause.rstrip(". ")


def _failed(place: str, error: Exception) -> Unavailable | None:
    said = said_by(error)
    if said is None:
        return None
    whose = f"The registry, MLflow at {place},"
    if isinstance(error, ImportError):
        return Unavailable(f"{whose} fails: {said}.", mend=_LACKING, registry=place)
    mend = _STRANGER
    if _of_files(error):
        whose, mend = f"The store of files of the registry, MLflow at {place},", _STRANGER_TO_FILES
    if _code(error) in _STRANGERS:
        return Unavailable(f"{whose} does not let us: {said}.", mend=mend, registry=place)
    return Unavailable(f"{whose} fails: {said}.", mend=_AWAY, registry=place)


def _of_files(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in _KEEPERS


def _inner(error: Exception) -> BaseException:
    """What stopped an upload, which boto3 tells after the names of both ends."""
    return (error.__context__ or error) if type(error).__name__ == "S3UploadFailedError" else error


def _code(error: Exception) -> object:
    """MLflow's own code, whose class takes seconds to import, or the status of a reply; None without either."""
    if type(error).__name__ in _NAMELESS:
        return 401
    response = getattr(_inner(error), "response", None)
    if isinstance(response, dict):  # boto3's
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return getattr(error, "error_code", None) or getattr(response, "status_code", None)
