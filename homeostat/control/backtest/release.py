"""What becomes of a version that is trained: the gate, then the rollout, by the very judges that run live."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from homeostat.control import transitions
from homeostat.control.backtest.matrix import Matrix
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.gates import Evidence, Gate, judge_gate
from homeostat.control.reading import canary_window
from homeostat.control.rollouts import Canary, judge_canary
from homeostat.control.state import LoopState, Retraining, Rollout, initial_state
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.kernel.verdicts import ACCEPT, ADVANCE, ASK, HOLD, PROMOTE, ROLL_BACK, Verdict
from homeostat.monitoring.performance import PairSums
from homeostat.serving.routing import Route
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import Interval, block_mean_from_sums, in_units

Outcome = Literal["promoted", "taken_back", "rejected", "failed", "unfinished"]
_LOOP = "backtest"


@dataclass(frozen=True, slots=True)
class Rules:
    """What every version of the loop has to pass, whoever asked for it."""

    gate: Gate
    rollout: Canary


@dataclass(frozen=True, slots=True)
class Release:
    """What became of a version. ``shares`` is its share of each day's traffic from the day ``begins`` on.

    From the day ``until`` the loop may retrain again. ``unfinished``: the history ends before the rollout does.
    """

    outcome: Outcome
    begins: int
    until: int
    shares: tuple[float, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def released(self) -> bool:
        """Whether it ever answered anybody."""
        return self.outcome not in ("rejected", "failed")


@dataclass(slots=True)
class Releases:
    """Every release that anybody asks about, worked out once: policies and the oracle are told the same."""

    matrix: Matrix
    rules: Rules
    _known: dict[tuple[int, int], Release] = field(init=False, default_factory=dict)

    def of(self, champion: int, candidate: int) -> Release:
        """Of the version of week ``candidate``, where that of week ``champion`` serves."""
        if (champion, candidate) not in self._known:
            self._known[champion, candidate] = release_of(self.matrix, champion, candidate, self.rules)
        return self._known[champion, candidate]


def release_of(matrix: Matrix, champion: int, candidate: int, rules: Rules) -> Release:
    """Gate and rollout of one version against another. A person who is asked is taken to say yes at once."""
    trial = matrix.trials[candidate]
    begins = matrix.first_day(candidate) + trial.training_days
    if trial.problem is not None:
        return Release("failed", begins, begins, why=(trial.problem,))
    verdict = judge_gate(_evidence(matrix, champion, candidate, rules.gate), rules.gate)
    if verdict.name != ACCEPT:
        return Release("rejected", begins, begins, why=verdict.texts)
    if begins >= len(matrix.days):
        return Release("unfinished", begins, begins, why=verdict.texts)
    return _rolled_out(matrix, champion, candidate, begins, verdict, rules.rollout)


def _evidence(matrix: Matrix, champion: int, candidate: int, gate: Gate) -> Evidence:
    one, other = matrix.trials[candidate], matrix.trials[champion]
    pairs = [(one.sums[place], other.sums[place]) for place in matrix.held_out(candidate) if place in other.sums]
    return Evidence(
        one.version, other.version, matrix.promise(candidate, gate.confidence), _difference(pairs, gate.confidence)
    )


def _difference(pairs: Sequence[tuple[Sums, Sums]], confidence: float) -> Interval | None:
    losses = [mine.loss - theirs.loss for mine, theirs in pairs]
    try:
        found = block_mean_from_sums(losses, [mine.rows for mine, _ in pairs], confidence=confidence)
        return in_units(found, pooled([mine for mine, _ in pairs]).unit)
    except NotEnoughData:
        return None


def _rolled_out(
    matrix: Matrix, champion: int, candidate: int, begins: int, verdict: Verdict, limits: Canary
) -> Release:
    state = _opened(matrix, champion, candidate, begins, verdict, limits)
    shares, why = list[float](), verdict.texts
    for place in range(begins, len(matrix.days)):
        now = matrix.days[place].window.start
        rollout = state.rollout
        if rollout is not None and now >= rollout.look_at:
            days = _days(matrix, champion, candidate, begins, shares, now)
            found = _judged(rollout, days, limits, now)
            state, why = _moved(state, found, limits, now), found.texts
        if state.rollout is None:
            promoted = state.route.champion == matrix.trials[candidate].version
            return Release("promoted" if promoted else "taken_back", begins, place, tuple(shares), why)
        shares.append(state.route.share)
    return Release("unfinished", begins, len(matrix.days), tuple(shares), why)


def _opened(matrix: Matrix, champion: int, candidate: int, begins: int, verdict: Verdict, limits: Canary) -> LoopState:
    now, version = matrix.days[begins].window.start, matrix.trials[candidate].version
    route = Route(loop=_LOOP, generation=1, champion=matrix.trials[champion].version)
    asked = Retraining(_LOOP, version, now, _LOOP)
    state = dataclasses.replace(initial_state(_LOOP), route=route, retraining=asked)
    return transitions.open_rollout(state, verdict, now, {}, limits).state


def _judged(rollout: Rollout, days: Sequence[Day], limits: Canary, now: Instant) -> Verdict:
    verdict = judge_canary(canary_window(rollout, days, limits, now), limits)
    last = rollout.step == len(limits.steps) - 1
    return Verdict(PROMOTE if last else ADVANCE, verdict.reasons) if verdict.name == ASK else verdict


def _moved(state: LoopState, verdict: Verdict, limits: Canary, now: Instant) -> LoopState:
    if verdict.name == ADVANCE:
        return transitions.advance(state, verdict, now, {}, limits).state
    if verdict.name == PROMOTE:
        return transitions.promote(state, verdict, now, {}).state
    if verdict.name == ROLL_BACK:
        return transitions.take_back(state, verdict, now, {}).state
    assert verdict.name == HOLD
    return transitions.look_again(state, now, limits)


def _days(
    matrix: Matrix, champion: int, candidate: int, begins: int, shares: Sequence[float], now: Instant
) -> list[Day]:
    """The days since the rollout opened, with the outcomes of both versions where they are mature."""
    one, other = matrix.trials[candidate], matrix.trials[champion]
    found = []
    for place, share in enumerate(shares, start=begins):
        past = matrix.days[place]
        day = Day(
            past.window.name,
            past.window.start,
            past.window.end,
            past.mature_at,
            asked_of(past.asked, {one.version: share}),
        )
        mine, theirs = one.sums.get(place), other.sums.get(place)
        if past.mature_at <= now and mine is not None and theirs is not None:
            pair = PairSums(past.window.name, one.version, other.version, mine.rows, mine.loss - theirs.loss)
            both = {one.version: mine, other.version: theirs}
            day = day.with_outcomes(Outcomes(past.labelled, past.unlabelled, 0, mine, both, (pair,)))
        found.append(day)
    return found


def asked_of(rows: int, shares: dict[str, float]) -> Inputs:
    """Inputs of which only the traffic is known."""
    asked = {version: round(rows * share) for version, share in shares.items()}
    return Inputs(rows, asked, {}, 0, None, {}, {}, None, {}, {})
