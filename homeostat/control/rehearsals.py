"""When a loop rehearses a rollback by itself: a plan, and a pure judge of whether now is the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeostat.control.hours import hours
from homeostat.kernel.clock import Duration, Instant, duration, format_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ACCEPT, DRILL, HOLD, INCONCLUSIVE, Reason, Verdict
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.control.state import LoopState
    from homeostat.governance.audit import Draft

KIND = "drill"
BEGINS = f"{KIND}_begins"
"""Kinds of decision: the report of a drill, and its beginning."""
_DAY, _MINUTE = duration("1d"), duration("1m")


@dataclass(frozen=True, slots=True)
class Drills:
    """How often a rollback is rehearsed, and when control does it by itself; all in the machine's time.

    ``every``: longest time since the last drill that passed. ``at``: the hours of each day, in UTC, in which one that
    is due is carried out; None to be told only. ``seconds``: how long the copy serves. ``min_requests``: requests of
    the last minute below which a drill would prove nothing and is not begun.

    >>> Drills("90d", at="23:00-01:00").opened(duration("30m")) == -duration("1h")
    True
    """

    every: str = "90d"
    at: str | None = "03:00-05:00"
    seconds: float = 5.0
    min_requests: int = 20

    def __post_init__(self) -> None:
        duration(self.every)
        _ = self.at is None or hours(self.at)
        if not 0 < self.seconds <= 60 or self.min_requests < 0:
            raise InvalidInput(
                f"A drill of {self.seconds} s at {plural(self.min_requests, 'request')} a minute cannot be held.",
                mend="Give seconds above 0 and up to 60, and min_requests of at least 0.",
            )

    def opened(self, now: Instant) -> Instant | None:
        """When the hours began that last now; None outside of them."""
        if self.at is None:
            return None
        begin, end = (minutes * _MINUTE for minutes in hours(self.at))
        began = now - (now - begin) % _DAY
        return began if now < began + ((end - begin) % _DAY or _DAY) else None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What the ledger knows: since when there is something to rehearse, when a drill last passed, and when one was
    last begun, whatever came of it."""

    serving_since: Instant | None
    passed_at: Instant | None = None
    tried_at: Instant | None = None

    @classmethod
    def of(cls, drafts: list[Draft]) -> Rehearsed:
        """Read from a loop's decisions."""
        passed = [one.at for one in drafts if one.kind == KIND and one.verdict == ACCEPT]
        tried = [one.at for one in drafts if one.kind in (KIND, BEGINS)]
        served = [one.at for one in drafts if one.kind == "promote"]
        return cls(min(served, default=None), max(passed, default=None), max(tried, default=None))


def late_by(plan: Drills, known: Rehearsed, now: Instant) -> Duration | None:
    """By how much the next drill is late; None while it is not. It counts from the last one that passed.

    Before the first one, from the first day of serving: a new champion gives no respite.
    """
    since = known.serving_since if known.passed_at is None else known.passed_at
    late = 0 if since is None else now - since - duration(plan.every)
    return late if late > 0 else None


def judge_rehearsal(
    state: LoopState, plan: Drills, known: Rehearsed, requests: int | None, now: Instant, *, all_follow: bool = True
) -> Verdict:
    """Rehearse when one is due, in its hours, once in them, in quiet and under traffic; else hold and say why.

    ``requests`` are those of the last minute, None where unknown; ``all_follow``: every replica serves the route.
    """
    opened = plan.opened(now)
    if opened is None or state.route.champion is None or late_by(plan, known, now) is None:
        return _hold("not_due", f"no drill is due, or its hours are not now ({plan.at})")
    if known.tried_at is not None and known.tried_at >= opened:
        return _hold("tried", f"one was begun at {format_instant(known.tried_at)}: the next hours are for the next one")
    busy = _busy(state)
    if busy or not all_follow:
        return _hold("busy", busy or "a replica does not serve the present route")
    if requests is None or requests < plan.min_requests:
        text = f"{'unknown' if requests is None else requests} requests in the last minute < {plan.min_requests} needed"
        return Verdict(INCONCLUSIVE, (Reason("too_few_requests", requests, plan.min_requests, text),))
    since = (
        "none has passed yet" if known.passed_at is None else f"the last passed at {format_instant(known.passed_at)}"
    )
    text = f"due every {plan.every}, {since}; {plural(requests, 'request')} in the last minute >= {plan.min_requests}"
    return Verdict(DRILL, (Reason("due", requests, plan.min_requests, text),))


def _busy(state: LoopState) -> str:
    under_way = {
        "a rollout": state.rollout,
        "a retraining": state.retraining,
        "a drill": state.drill,
        "the way back of state": state.restoring,
    }
    return ", ".join(f"{name} is under way" for name, found in under_way.items() if found is not None)


def _hold(code: str, text: str) -> Verdict:
    return Verdict(HOLD, (Reason(code, None, None, text),))
