"""How counts are written for people: one place, so that one row is no "1 rows"."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """A count and its noun.

    >>> plural(1, "day"), plural(0, "day"), plural(1200, "row"), plural(2, "policy", "policies")
    ('1 day', '0 days', '1,200 rows', '2 policies')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
