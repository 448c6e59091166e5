"""One figure of a loop's account: with its unit and what it stands on, or unknown with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from homeostat.kernel.errors import NotEnoughData


@dataclass(frozen=True, slots=True)
class Figure:
    """A known figure. ``low`` and ``high`` bound it where bounds are known; ``basis`` says what it is made from."""

    value: float
    unit: str
    basis: str
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, object]:
        """The JSON form, the same keys as of what is missing."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "basis": self.basis,
            "unknown": None,
            "asks": [],
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """No figure, why not, and the inputs of ``hs.Economics`` that would give it. Never 0."""

    unit: str
    why: str
    asks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The JSON form, the same keys as of a figure; ``value`` is null."""
        return {
            "value": None,
            "low": None,
            "high": None,
            "unit": self.unit,
            "basis": None,
            "unknown": self.why,
            "asks": list(self.asks),
        }


Told = Figure | Missing


def asked(unit: str, *names: str) -> Missing:
    """What nobody gave: ``names`` are inputs of ``hs.Economics``.

    >>> asked("USD", "person_hour").why
    'unknown: say hs.Economics(person_hour=...)'
    """
    return Missing(unit, f"unknown: say hs.Economics({', '.join(f'{name}=...' for name in names)})", names)


def undefined(unit: str, error: NotEnoughData) -> Missing:
    """What the loop's history does not show yet."""
    return Missing(unit, error.problem)


def missing_of(unit: str, parts: Iterable[Told]) -> Missing | None:
    """Why a figure cannot be made of its parts: everything that they ask for at once; None where all are known."""
    gaps = [part for part in parts if isinstance(part, Missing)]
    if not gaps:
        return None
    asks = tuple(dict.fromkeys(name for gap in gaps for name in gap.asks))
    others = [gap.why for gap in gaps if not gap.asks]
    return Missing(unit, "; ".join(dict.fromkeys([*others, *([asked(unit, *asks).why] if asks else [])])), asks)
