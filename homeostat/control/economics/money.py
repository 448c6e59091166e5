"""An amount of one currency; amounts of different currencies are never added."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from homeostat.kernel.errors import InvalidInput

_CODE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount and its currency, by the three letters of ISO 4217.

    Raises: InvalidInput for another code, NaN or infinity, and when amounts of two currencies meet.

    >>> Money(2.5, "EUR") + Money(1, "EUR"), Money(3, "EUR") * 2
    (Money(amount=3.5, currency='EUR'), Money(amount=6, currency='EUR'))
    """

    amount: float
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.currency, str) or not _CODE.fullmatch(self.currency):
            raise InvalidInput(
                f"{self.currency!r} is no currency.", mend="Use its three letters, such as 'USD' or 'EUR'."
            )
        if isinstance(self.amount, bool) or not isinstance(self.amount, int | float) or not math.isfinite(self.amount):
            raise InvalidInput(f"{self.amount!r} is no amount of money.", mend="Give a number, such as 12.50.")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise InvalidInput(
                f"{self.currency} and {other.currency} cannot be added.",
                mend="Give all amounts of a loop in one currency.",
                currencies=[self.currency, other.currency],
            )
        return Money(self.amount + other.amount, self.currency)

    def __mul__(self, factor: float) -> Money:
        return Money(self.amount * factor, self.currency)

    __rmul__ = __mul__
