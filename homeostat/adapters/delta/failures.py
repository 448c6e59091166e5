"""What Delta Lake and Arrow say of tables that cannot be used, in our words: a disk that refuses, files that change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deltalake.exceptions import DeltaError

from homeostat.kernel.errors import HomeostatError, IntegrityError, Unavailable

_DAMAGED = ("Json error", "No table metadata", "Invalid JSON", "Parquet error", "contiguous")
"""By what Delta Lake's errors tell a log that is not what was written; it has one class for all of them."""
_FRAMES = re.compile(r"\n\s*0: .*", re.DOTALL)
_DETAILS = re.compile(r": \w+ \{.*", re.DOTALL)
_COLOURS = re.compile("\x1b\\[[0-9;]*m")


def said(error: Exception) -> str:
    """An error's own words in one line, without colours and the frames of another language.

    >>> said(ValueError("Json error: no value\\n   0: <unknown>\\n   1: start_thread\\n"))
    'Json error: no value'
    """
    plain = _DETAILS.sub("", _FRAMES.sub("", _COLOURS.sub("", str(error))))
    return " ".join(plain.split()).rstrip(".")


@contextmanager
def translated(table: str, what: str = "written") -> Iterator[None]:
    """Raises: IntegrityError for a table whose log is damaged; Unavailable for whatever else stands against it."""
    try:
        yield
    except (DeltaError, OSError) as error:
        why = said(error)
        if any(sign in why for sign in _DAMAGED):
            problem = f"Table {table!r} cannot be {what}, its log is damaged: {why}."
            raise IntegrityError(problem, mend=_PUT_BACK, table=table) from error
        mend = "See that its folder is there and may be written, and that the disk has room; it is tried again."
        raise Unavailable(f"Table {table!r} cannot be {what}: {why}.", mend=mend, table=table) from error


@contextmanager
def files_told(table: str, folder: Path, missing: Callable[[], HomeostatError]) -> Iterator[None]:
    """Raises: ``missing`` for a file that is gone; IntegrityError for one that is damaged; Unavailable otherwise."""
    from pyarrow import ArrowInvalid  # whoever reads files has it; `translated` is also for who does not

    try:
        yield
    except FileNotFoundError as error:
        raise missing() from error
    except ArrowInvalid as error:
        problem = f"A file of table {table!r} is damaged in {folder}: {said(error)}."
        raise IntegrityError(problem, mend=_PUT_BACK, table=table) from error
    except OSError as error:
        mend = "See who may read that folder, and whether its disk answers."
        raise Unavailable(f"Table {table!r} cannot be read: {said(error)}.", mend=mend, table=table) from error


_PUT_BACK = "Nothing was changed. Put the folder back from a copy of the whole home; do not mend it by hand."
