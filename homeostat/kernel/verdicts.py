"""What a pure judge says, with reasons that quote both sides; made on the branch that decides."""

from __future__ import annotations

from dataclasses import dataclass

HOLD = "HOLD"
ADVANCE = "ADVANCE"
PROMOTE = "PROMOTE"
ROLL_BACK = "ROLL_BACK"
RETRAIN = "RETRAIN"
ACCEPT = "ACCEPT"
REJECT = "REJECT"
INCONCLUSIVE = "INCONCLUSIVE"
CLEAR = "CLEAR"
SUSPICIOUS = "SUSPICIOUS"
ASK = "ASK"
DRILL = "DRILL"
KEEP = "KEEP"
DROP = "DROP"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a stable code, what was observed, the limit it met, and a sentence that quotes both.

    >>> str(Reason("too_few_blocks", 2, 5, "2 day blocks < 5 needed"))
    '2 day blocks < 5 needed'
    """

    code: str
    observed: float | str | None
    limit: float | str | None
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of the names above and every reason that led to it."""

    name: str
    reasons: tuple[Reason, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The reasons as sentences."""
        return tuple(reason.text for reason in self.reasons)


def figure(value: float | None) -> str:
    """Write a figure for a reason: four significant digits, unknown as a word.

    >>> figure(0.123456), figure(None)
    ('0.1235', 'unknown')
    """
    return "unknown" if value is None else f"{value:.4g}"
