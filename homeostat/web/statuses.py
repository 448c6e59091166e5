"""One translation of our errors to HTTP statuses, for every door."""

from __future__ import annotations

from homeostat.kernel import errors

_STATUSES: tuple[tuple[type[errors.HomeostatError], int], ...] = (
    (errors.ContractBroken, 422),
    (errors.TooLarge, 413),
    (errors.InvalidInput, 400),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Refused, 403),
    (errors.NotEnoughData, 409),
    (errors.Unavailable, 503),
)
_STATUS_OF_CODE = {
    "idempotency_key_reused": 422,
    "too_slow": 408,
    "unknown_encoding": 415,
    "unsupported_media_type": 415,
}
"""What only a door that speaks HTTP can raise."""


def status_of(error: errors.HomeostatError) -> int:
    """The status of an error by its family; 500 for what has none.

    >>> status_of(errors.NotFound("No loop.", mend="Name one."))
    404
    """
    known = _STATUS_OF_CODE.get(error.code)
    return known or next((status for family, status in _STATUSES if isinstance(error, family)), 500)
