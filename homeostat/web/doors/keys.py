"""The header, or the metadata of a call, with which a request may be sent again."""

from __future__ import annotations

from homeostat.kernel.errors import InvalidInput

HEADER = "Idempotency-Key"
LONGEST = 255


def check_key(key: str) -> None:
    """Refuse what is no key. Raises: InvalidInput."""
    if not 1 <= len(key) <= LONGEST or not (key.isascii() and key.isprintable()):
        mend = f"Send 1 to {LONGEST} printable ASCII characters, such as a UUID."
        raise InvalidInput(f"{HEADER} holds no key.", mend=mend)
