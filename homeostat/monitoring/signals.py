"""One measured quantity of one window with its uncertainty, and what a limit says about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.kernel.verdicts import INCONCLUSIVE, Reason, Verdict, figure
from homeostat.monitoring.windows import Window
from homeostat.stats.intervals import Interval

WITHIN = "WITHIN"
EXCEEDED = "EXCEEDED"


@dataclass(frozen=True, slots=True)
class Unknown:
    """No figure, and why: ``reason`` is a stable code such as ``too_few_rows``. Never 0, never a pass."""

    reason: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A quantity ``name`` of ``subject`` (a feature, a table, a scorer) over ``window``, in ``unit``.

    ``low`` and ``high`` bound the value where a bound is known; ``blocks`` and ``rows`` say on how much it
    stands. Raises: InvalidInput for NaN or infinity: say `Unknown` instead.

    >>> day = Window(0, 86_400_000_000, "1970-01-01")
    >>> Signal("psi", "hour", day, 0.31).known, Signal("psi", "hour", day, Unknown("too_few_rows")).known
    (0.31, None)
    """

    name: str
    subject: str
    window: Window
    value: float | Unknown
    low: float | None = None
    high: float | None = None
    rows: int = 0
    blocks: int = 0
    unit: str = ""

    def __post_init__(self) -> None:
        for figure_ in (self.value, self.low, self.high):
            if isinstance(figure_, float | int) and not math.isfinite(figure_):
                raise InvalidInput(
                    f"Signal {self.name!r} of {self.subject!r} is {figure_}.",
                    mend="Give Unknown and the reason where there is no figure.",
                    name=self.name,
                    subject=self.subject,
                )

    @property
    def known(self) -> float | None:
        """The value, or None where it is unknown."""
        return None if isinstance(self.value, Unknown) else self.value

    @classmethod
    def of_interval(cls, name: str, subject: str, window: Window, interval: Interval, unit: str = "") -> Signal:
        """A signal with the bounds, blocks and rows of an interval."""
        return cls(
            name=name,
            subject=subject,
            window=window,
            value=interval.value,
            low=interval.low,
            high=interval.high,
            rows=interval.rows,
            blocks=interval.blocks,
            unit=unit,
        )

    def to_json(self) -> dict[str, object]:
        """The JSON form; where unknown, ``value`` is null and ``unknown`` holds the reason."""
        return {
            "name": self.name,
            "subject": self.subject,
            "window": self.window.to_json(),
            "value": self.known,
            "unknown": self.value.reason if isinstance(self.value, Unknown) else None,
            "low": self.low,
            "high": self.high,
            "rows": self.rows,
            "blocks": self.blocks,
            "unit": self.unit,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Signal:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        try:
            span = Window(**value["window"])
            known = value["value"]
            reading = Unknown(str(value["unknown"])) if known is None else float(known)
            rest = {key: value[key] for key in ("name", "subject", "low", "high", "rows", "blocks", "unit")}
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"This is no signal: {error}.", mend="Read what to_json wrote.") from error
        return cls(window=span, value=reading, **rest)


def judge_at_most(signal: Signal, limit: float) -> Verdict:
    """WITHIN up to ``limit``, EXCEEDED above it, INCONCLUSIVE when unknown: Unknown never passes.

    Raises: InvalidInput for a limit that is not finite.

    >>> day = Window(0, 86_400_000_000, "1970-01-01")
    >>> judge_at_most(Signal("psi", "hour", day, 0.31), 0.2).texts
    ('psi of hour 0.31 > limit 0.2 in 1970-01-01',)
    """
    if not math.isfinite(limit):
        raise InvalidInput(f"{limit} is no limit.", mend="Set a finite number.", signal=signal.name)
    subject = f"{signal.name} of {signal.subject}"
    if isinstance(signal.value, Unknown):
        text = f"{subject} unknown ({signal.value.reason}), limit {figure(limit)} in {signal.window.name}"
        return Verdict(INCONCLUSIVE, (Reason(signal.value.reason, None, limit, text),))
    name, code, sign = (EXCEEDED, "above", ">") if signal.value > limit else (WITHIN, "within", "<=")
    text = f"{subject} {figure(signal.value)} {sign} limit {figure(limit)} in {signal.window.name}"
    return Verdict(name, (Reason(f"{signal.name}_{code}", signal.value, limit, text),))


def unknown_because(error: NotEnoughData) -> Unknown:
    """What a figure that is not defined becomes in a signal."""
    return Unknown(error.code)
