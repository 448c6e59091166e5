"""Operational limits that fire without a human: what serves is taken back when it is slow, failing or strange."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, ROLL_BACK, Reason, Verdict, figure
from homeostat.kernel.words import plural


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what the doors count, minute by minute of processing time.

    A limit fires when each of ``minutes`` minutes in a row breaks it, each with ``min_requests`` requests or more: one
    strange minute is no reason, and looking often makes none. ``p99_ratio``: the 99th percentile of the time a request
    takes, against the version before (a canary's model against the champion's in the same minutes), where it is above
    ``p99_floor_ms`` at all. ``error_share``: requests answered with a server error; of a canary, rows that the
    champion had to answer. ``outage_share``: so many of one minute's are reason enough. ``prediction_share``: the band
    for the share of rows that are predicted true. ``share_apart``: how far a canary's share may lie from the champion's
    in the same minutes.

    Two limits are on matured outcomes, in event time: log-loss in nats per row above another version's, proven on the
    same rows. ``quality``: the champion's above its standby's; None for no such limit. ``arm_quality``: that of an
    experiment's arm above the champion's; None to let an experiment run whatever it costs.
    """

    p99_ratio: float = 2.0
    p99_floor_ms: float = 20.0
    error_share: float = 0.02
    outage_share: float = 0.5
    prediction_share: tuple[float, float] | None = None
    share_apart: float = 0.3
    minutes: int = 5
    min_requests: int = 20
    quality: float | None = None
    arm_quality: float | None = 0.0

    def __post_init__(self) -> None:
        low, high = self.prediction_share or (0.0, 1.0)
        shares = (self.error_share, self.outage_share, self.share_apart, low, high)
        if any(limit is not None and not 0 <= limit < math.inf for limit in (self.quality, self.arm_quality)):
            raise InvalidInput(
                "A limit on quality is no margin.",
                mend="Give nats per row from 0 up, such as 0.01, or None for no limit.",
            )
        if self.p99_ratio <= 1 or self.minutes < 1 or not all(0 <= share <= 1 for share in shares) or low > high:
            raise InvalidInput(
                "These limits contradict themselves.",
                mend="Give a p99_ratio above 1, at least 1 minute, and shares from 0 to 1 with the lower one first.",
            )


@dataclass(frozen=True, slots=True)
class Minute:
    """What was counted in one minute; unknown parts are None.

    ``baseline_ms`` is the p99 to compare with, ``baseline_share`` the share of true predictions.
    """

    requests: int
    failed: int
    p99_ms: float | None = None
    baseline_ms: float | None = None
    rows: int = 0
    positives: int | None = None
    baseline_share: float | None = None


def judge_limits(who: str, seen: Sequence[Minute], limits: Limits) -> Verdict:
    """Take ``who`` back on an outage or on a limit that is broken minute after minute; ``seen`` is oldest first.

    >>> judge_limits("v2", [Minute(100, 90)], Limits()).reasons[0].code
    'outage'
    >>> judge_limits("v2", [Minute(100, 0, 9.0, 8.0)] * 5, Limits()).name
    'HOLD'
    """
    last = seen[-1] if seen else Minute(0, 0)
    if last.requests >= limits.min_requests and last.failed / last.requests >= limits.outage_share:
        share = last.failed / last.requests
        text = f"{who} failed {last.failed} of {last.requests} in the last minute: {figure(share)} >= "
        return _roll_back("outage", share, limits.outage_share, text + figure(limits.outage_share))
    enough = [minute for minute in seen[-limits.minutes :] if minute.requests >= limits.min_requests]
    if len(enough) < limits.minutes:
        text = (
            f"{plural(len(enough), 'minute')} with {plural(limits.min_requests, 'request')} or more <"
            f" {limits.minutes} needed"
        )
        return Verdict(INCONCLUSIVE, (Reason("too_few_requests", len(enough), limits.minutes, text),))
    found = _errors(who, enough, limits) or _slow(who, enough, limits) or _strange(who, enough, limits)
    text = f"{who} was within its limits in each of {plural(limits.minutes, 'minute')}, or in one of them"
    return found or Verdict(HOLD, (Reason("within_limits", None, None, text),))


def _errors(who: str, seen: Sequence[Minute], limits: Limits) -> Verdict | None:
    least = min(minute.failed / minute.requests for minute in seen)
    if least <= limits.error_share:
        return None
    text = (
        f"{who} failed at least {figure(least)} > {figure(limits.error_share)} in each of {plural(len(seen), 'minute')}"
    )
    return _roll_back("failing", least, limits.error_share, text)


def _slow(who: str, seen: Sequence[Minute], limits: Limits) -> Verdict | None:
    pairs = [(one.p99_ms, one.baseline_ms) for one in seen]
    known = [(p99, base) for p99, base in pairs if p99 is not None and base is not None]
    if len(known) < len(seen) or any(p99 <= max(limits.p99_ratio * base, limits.p99_floor_ms) for p99, base in known):
        return None
    p99, base = min(known)
    text = (
        f"p99 of {who} at least {figure(p99)} ms > {limits.p99_ratio:g} x {figure(base)} ms"
        f" in each of {plural(len(seen), 'minute')}"
    )
    return _roll_back("slow", p99, limits.p99_ratio * base, text)


def _strange(who: str, seen: Sequence[Minute], limits: Limits) -> Verdict | None:
    if any(one.positives is None or not one.rows for one in seen):
        return None
    shares = [(one.positives or 0) / one.rows for one in seen]
    span = f"{who} predicted {figure(min(shares))} to {figure(max(shares))} true"
    lasting = f"in each of {plural(len(seen), 'minute')}"
    low, high = limits.prediction_share or (0.0, 1.0)
    if not any(low <= share <= high for share in shares):
        text = f"{span}, outside {figure(low)} to {figure(high)} {lasting}"
        return _roll_back("prediction_share", shares[-1], low if shares[-1] < low else high, text)
    apart = [
        abs(share - one.baseline_share)
        for share, one in zip(shares, seen, strict=True)
        if one.baseline_share is not None
    ]
    if len(apart) == len(seen) and min(apart) > limits.share_apart:
        text = f"{span}, at least {figure(min(apart))} > {figure(limits.share_apart)} from the champion's {lasting}"
        return _roll_back("share_apart", min(apart), limits.share_apart, text)
    return None


def _roll_back(code: str, observed: float, limit: float, text: str) -> Verdict:
    return Verdict(ROLL_BACK, (Reason(code, observed, limit, text),))
