"""What one policy found, with the findings of its parts; three-valued, so that unknown never becomes a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, RETRAIN, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """RETRAIN, HOLD or INCONCLUSIVE, and why. ``kind`` is the policy's; ``parts`` are what its parts found.

    ``urgent``: an emergency takes part in what fires.
    """

    kind: str
    name: str
    reasons: tuple[Reason, ...]
    parts: tuple[Finding, ...] = ()
    urgent: bool = False

    @property
    def text(self) -> str:
        """The reasons in one sentence."""
        return "; ".join(reason.text for reason in self.reasons)

    def to_json(self) -> dict[str, Any]:
        """The JSON form: a tree."""
        return {
            "kind": self.kind,
            "verdict": self.name,
            "reasons": [reason.text for reason in self.reasons],
            "urgent": self.urgent,
            "parts": [part.to_json() for part in self.parts],
        }


def fires(kind: str, code: str, observed: float | str | None, limit: float | str | None, text: str) -> Finding:
    """The policy says that it is time."""
    return Finding(kind, RETRAIN, (Reason(code, observed, limit, text),))


def holds(kind: str, code: str, observed: float | str | None, limit: float | str | None, text: str) -> Finding:
    """The policy says that it is not time."""
    return Finding(kind, HOLD, (Reason(code, observed, limit, text),))


def unknown(kind: str, code: str, text: str, limit: float | str | None = None) -> Finding:
    """The policy cannot say."""
    return Finding(kind, INCONCLUSIVE, (Reason(code, None, limit, text),))


def decide(needed: int, firing: int, unknowns: int) -> str:
    """Whether ``needed`` of some parts fire, of which so many do and so many cannot say.

    >>> decide(2, 2, 0), decide(2, 1, 1), decide(2, 1, 0)
    ('RETRAIN', 'INCONCLUSIVE', 'HOLD')
    """
    if firing >= needed:
        return RETRAIN
    return INCONCLUSIVE if firing + unknowns >= needed else HOLD


def combine(kind: str, needed: int, parts: Sequence[Finding]) -> Finding:
    """``needed`` of the parts must fire. The reasons are those of the parts that decided."""
    firing = [part for part in parts if part.name == RETRAIN]
    name = decide(needed, len(firing), sum(part.name == INCONCLUSIVE for part in parts))
    reasons = tuple(reason for part in parts if part.name == name for reason in part.reasons)
    return Finding(kind, name, reasons, tuple(parts), name == RETRAIN and any(part.urgent for part in firing))


def judged(verdict: Verdict) -> dict[str, Any]:
    """What is kept of a verdict: its words, and beside them what they stand on."""
    because = [{"code": one.code, "observed": one.observed, "limit": one.limit} for one in verdict.reasons]
    return {"verdict": verdict.name, "reasons": list(verdict.texts), "because": because}
