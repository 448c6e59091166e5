"""What a change to a loop must pass before it is merged: each check with its verdict, and the verdict of all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from homeostat.kernel.canonical import plain
from homeostat.kernel.verdicts import ACCEPT, REJECT, Verdict, figure
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.stats.intervals import Interval

Outcome = Literal["pass", "fail", "unknown", "not applicable"]
PASS: Outcome = "pass"
FAIL: Outcome = "fail"
UNKNOWN: Outcome = "unknown"
NOT_APPLICABLE: Outcome = "not applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it asks, what came of it, and why, both sides quoted.

    ``not applicable`` is what a loop has nothing of, by its own declaration or because nothing serves yet;
    ``unknown`` is what could not be found out. ``seconds`` is what it took. ``facts`` may hold a ``log``, as lines.
    """

    name: str
    outcome: Outcome
    reasons: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def log(self) -> Sequence[str]:
        """The end of what a training wrote that failed."""
        found: Sequence[str] = self.facts.get("log", ())
        return found

    def after(self, seconds: float) -> Check:
        """The same, with the time it took."""
        return replace(self, seconds=round(seconds, 3))


@dataclass(frozen=True, slots=True)
class CiReport:
    """All checks of a commit; what is unknown fails, unless its check is among ``allowed``.

    >>> CiReport("l", None, (Check("parity", "unknown", ("no row",)),)).passed
    False
    >>> CiReport("l", None, (Check("parity", "unknown", ("no row",)),), ("parity",)).passed
    True
    """

    loop: str
    commit: str | None
    checks: tuple[Check, ...]
    allowed: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the change may go in."""
        return not self.failing

    @property
    def failing(self) -> tuple[Check, ...]:
        """What stands against it: failed checks, and unknown ones that nobody allowed to be."""
        return tuple(one for one in self.checks if stands_against(one, self.allowed))

    @property
    def seconds(self) -> float:
        """What all checks took."""
        return round(sum(one.seconds for one in self.checks), 3)

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        found: dict[str, Any] = plain(self)
        return {**found, "passed": self.passed, "seconds": self.seconds}


def stands_against(check: Check, allowed: Collection[str]) -> bool:
    """Whether a check keeps the change out."""
    return check.outcome == FAIL or (check.outcome == UNKNOWN and check.name not in allowed)


def of_verdict(name: str, verdict: Verdict, **facts: Any) -> Check:
    """What a judge said, as a check: what neither accepts nor rejects is unknown."""
    outcome = {ACCEPT: PASS, REJECT: FAIL}.get(verdict.name, UNKNOWN)
    return Check(name, outcome, verdict.texts, facts)


@dataclass(frozen=True, slots=True)
class CiLimits:
    """What a change may at most come to: its model's size, the milliseconds that one row takes on this machine, and by
    how much its loss may be worse than the champion's, beyond the gate's margin: in nats a row, or of numbers as a
    share of what the best constant costs.

    Coarse limits, against accidents: what serves must still be proven by the gate.
    """

    model_mib: float = 256.0
    row_ms: float = 25.0
    worse: float = 0.02


def judge_size(model_bytes: int, row_seconds: float, limits: CiLimits) -> Check:
    """Both the size of the model and the time of a row are within their limits."""
    size, milliseconds = model_bytes / (1 << 20), row_seconds * 1e3
    reasons = []
    if size > limits.model_mib:
        reasons.append(f"the model has {size:.1f} MiB > {limits.model_mib:g}")
    if milliseconds > limits.row_ms:
        reasons.append(f"a row takes {milliseconds:.3f} ms > {limits.row_ms:g}")
    told = f"the model has {size:.2f} MiB <= {limits.model_mib:g}, and a row takes {milliseconds:.3f} ms <="
    facts = {"model_bytes": model_bytes, "row_seconds": row_seconds}
    return Check("size", FAIL if reasons else PASS, tuple(reasons) or (f"{told} {limits.row_ms:g}",), facts)


def judge_parity(rows: int, differing: Mapping[str, int]) -> Check:
    """Online and offline make the same features of the same questions."""
    if not rows:
        return Check("parity", UNKNOWN, ("no question is there to compare features on",))
    wrong = {name: count for name, count in differing.items() if count}
    if wrong:
        reasons = tuple(f"{name} differs in {count} of {plural(rows, 'row')} > 0" for name, count in wrong.items())
        return Check("parity", FAIL, reasons, {"rows": rows, "differing": wrong})
    told = f"{len(differing)} features are equal online and offline on {plural(rows, 'question')}"
    return Check("parity", PASS, (told,), {"rows": rows})


SAME = 1e-6
"""The greatest difference in answers of two trainings that are called the same; of numbers beyond 1, as a share."""


def judge_reproducible(same_bytes: bool, worst: float | None, rows: int) -> Check:
    """The same rows make the same model: by its bytes, else by its answers.

    >>> judge_reproducible(False, 0.2, 100).outcome
    'fail'
    """
    facts = {"same_bytes": same_bytes, "worst": worst, "rows": rows}
    if same_bytes:
        return Check(
            "reproducible", PASS, (f"two trainings on the same {plural(rows, 'row')} gave the same bytes",), facts
        )
    if worst is None:
        return Check("reproducible", UNKNOWN, ("two trainings gave models that cannot be compared",), facts)
    told = f"two trainings on the same {plural(rows, 'row')} differ by up to {worst:.2g} in their answers"
    if worst > SAME:
        why = f"{told} > {SAME:g}: fix every seed, and let nothing depend on the clock or on order"
        return Check("reproducible", FAIL, (why,), facts)
    return Check("reproducible", PASS, (f"{told} <= {SAME:g}",), facts)


def judge_champion(
    difference: Interval | None, margin: float, limits: CiLimits, *, same: bool = False, loss: str = "log-loss"
) -> Check:
    """Pass where it is no worse by more than the limit, fail where it is proven worse, unknown in between.

    >>> judge_champion(None, 0.0, CiLimits(), same=True).outcome, judge_champion(None, 0.0, CiLimits()).outcome
    ('pass', 'unknown')
    """
    if same:
        return Check("champion", PASS, ("the change answers every later row as the champion does",))
    if difference is None:
        return Check("champion", UNKNOWN, ("too few days are there to hold the change against the champion",))
    low, high, limit = difference.low, difference.high, margin + limits.worse
    facts = {"low": low, "high": high, "rows": difference.rows, "days": difference.blocks}
    told = (
        f"{loss} of the change minus the champion's is {figure(low)} to {figure(high)} on"
        f" {plural(difference.rows, 'row')}"
    )
    if low > margin:
        return Check("champion", FAIL, (f"{told}: proven worse than {figure(margin)}",), facts)
    if high <= limit:
        return Check("champion", PASS, (f"{told}: at most {figure(limit)}",), facts)
    return Check("champion", UNKNOWN, (f"{told}: it may be worse than {figure(limit)}, and that is not proven",), facts)


@dataclass(frozen=True, slots=True)
class SliceSeen:
    """One value of a slice: its held-out rows, and the loss of the candidate minus the champion's."""

    name: str
    rows: int
    difference: Interval


def judge_slices(seen: Sequence[SliceSeen], margin: float, loss: str = "log-loss") -> Check:
    """No slice is proven worse by more than the gate's margin; without one that has rows enough, nobody can tell."""
    if not seen:
        return Check("slices", UNKNOWN, ("no declared slice has rows of days enough to be held against the champion",))
    worse = [one for one in seen if one.difference.low > margin]
    facts = {"looked_at": len(seen), "worse": [one.name for one in worse]}
    if worse:
        reasons = tuple(
            f"{one.name}: {loss} is at least {figure(one.difference.low)} > {figure(margin)} above the champion's on"
            f" {plural(one.rows, 'row')}"
            for one in worse
        )
        return Check("slices", FAIL, reasons, facts)
    worst = max(seen, key=lambda one: one.difference.low)
    told = (
        f"none of {plural(len(seen), 'slice')} is proven worse than {figure(margin)}; the worst,"
        f" {worst.name}, is at least"
    )
    return Check("slices", PASS, (f"{told} {figure(worst.difference.low)} above the champion's",), facts)
