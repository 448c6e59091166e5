"""What a rule says of one subject at one time: over its limit, within it, or unknown; never a pass by silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from homeostat.kernel.clock import Instant
from homeostat.monitoring.alerts.rules import RULES, Severity, urgency

Said = Literal["over", "within", "unknown"]
INPUTS = "inputs"
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """``rule`` read for ``subject`` (a feature, a table, a signal, a version) in ``window``, which ended at ``at``.

    ``text`` is a sentence that quotes both sides. ``severity`` where it is more urgent than the rule's own.
    ``observed`` and ``limit`` are in the rule's own unit. ``key`` tells two events at one time apart.
    """

    rule: str
    subject: str
    window: str
    at: Instant
    said: Said
    text: str = ""
    observed: float | None = None
    limit: float | None = None
    severity: Severity | None = None
    key: str = ""


def put_together(readings: Iterable[Reading]) -> list[Reading]:
    """The readings with those of rules that speak of all subjects at once made one for each window.

    It is over its limit while any part is, and within it only if every known part is.

    >>> parts = [Reading("drift", name, "day", 1, "over", f"psi of {name} 0.3 > 0.2", 0.3, 0.2) for name in "ab"]
    >>> put_together(parts)[0].text
    'psi of a 0.3 > 0.2; psi of b 0.3 > 0.2'
    """
    found: list[Reading] = []
    parts: dict[tuple[str, Instant], list[Reading]] = {}
    for one in readings:
        if RULES[one.rule].together:
            parts.setdefault((one.rule, one.at), []).append(one)
        else:
            found.append(one)
    return [*found, *(_one_of(several) for several in parts.values())]


def _one_of(parts: Sequence[Reading]) -> Reading:
    over = sorted((one for one in parts if one.said == "over"), key=_most_first)
    first = parts[0]
    if not over:
        said: Said = "within" if any(one.said == "within" for one in parts) else "unknown"
        return Reading(first.rule, INPUTS, first.window, first.at, said)
    worst = min((one.severity for one in over if one.severity), key=urgency, default=None)
    text = "; ".join(one.text for one in over[:_NAMED])
    if len(over) > _NAMED:
        text += f"; and {len(over) - _NAMED} more: {', '.join(one.subject for one in over[_NAMED:])}"
    return Reading(first.rule, INPUTS, first.window, first.at, "over", text, over[0].observed, over[0].limit, worst)


def _most_first(one: Reading) -> tuple[float, str]:
    return -(one.observed or 0.0) / (one.limit or 1.0), one.subject
