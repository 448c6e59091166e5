"""What rows of the relational store hold beyond their columns, read or refused in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from homeostat.kernel.errors import IntegrityError


@contextmanager
def decoded(what: str) -> Iterator[None]:
    """Read what was stored. Raises: IntegrityError where it is damaged, or of a release that says it otherwise."""
    try:
        yield
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"What control.sqlite says of {what} cannot be read: {error}.",
            mend="Nothing was changed. It is damaged, or of a newer release: use that, or a copy of the folder.",
        ) from error
