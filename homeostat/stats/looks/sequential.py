"""Looking again and again without being fooled: how much of one error budget each look may spend."""

from __future__ import annotations

from homeostat.kernel.errors import InvalidInput


def part_of_look(look: int) -> float:
    """The part of an error budget that look number ``look``, counted from 1, may spend.

    All parts add up to 1, however many looks follow: by Boole's inequality, bounds that each err with their part of
    the budget err together with no more than all of it. Early looks get most, none gets nothing.
    Raises: InvalidInput for a look before the first.

    >>> [round(part_of_look(look), 3) for look in (1, 2, 3, 10)]
    [0.5, 0.167, 0.083, 0.009]
    """
    if look < 1:
        raise InvalidInput(f"There is no look number {look}.", mend="Count looks from 1.")
    return 1.0 / (look * (look + 1))
