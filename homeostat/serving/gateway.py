"""The one use case behind every prediction door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Break, Checked, Value, compile_contract
from homeostat.data.log_policy import hiding
from homeostat.data.records import PredictionRecord
from homeostat.features.online import OnlineReader, read_features
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotFound, Refused
from homeostat.serving.answers import Prediction, Score
from homeostat.serving.arms import Answer, answer, pinned
from homeostat.serving.by_key import ByKey
from homeostat.serving.live import LiveRoutes, Serving
from homeostat.serving.plans import ServingPlan, drawing, units_of
from homeostat.serving.prediction_log import PredictionSpool
from homeostat.serving.recording import Shared
from homeostat.serving.refusing import check_size, contract_broken, from_the_future
from homeostat.serving.routing import Arm
from homeostat.stats.tasks import Multiclass, Task

NewId = Callable[[Instant], str]
_NOTHING: dict[int, list[str]] = {}


class Reply(msgspec.Struct, frozen=True):
    """One prediction as the caller sees it.

    ``prediction`` is true or false, a number, or a class. ``probability``, that of true, is there beside a yes or no
    only; ``probabilities``, by class, beside a class.
    ``defaulted`` names features for which a declared default stands; ``warnings`` are promises that its row broke and
    may break. ``act`` says whether to act on it where the loop declares that callers do, and ``explored`` that it would
    be, but is left alone by chance; ``propensity`` is the chance with which it was to be left alone. All three are
    absent where it declares nothing.
    """

    prediction: Prediction
    probability: float | UnsetType
    prediction_id: str
    version: str
    arm: str
    defaulted: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    act: bool | UnsetType = UNSET
    explored: bool | UnsetType = UNSET
    probabilities: dict[str, float] | UnsetType = UNSET
    propensity: float | UnsetType = UNSET


def chances(task: Task, told: Score | None) -> tuple[float | UnsetType, dict[str, float] | UnsetType]:
    """How a reply says on which chances a prediction stands, from what the log keeps of them."""
    if isinstance(told, list):
        assert isinstance(task, Multiclass)
        return UNSET, dict(zip(task.classes, told, strict=True))
    return (UNSET if told is None else told), UNSET


STAGES = ("check", "features", "predict", "log")
"""What a request spends its time on here: its contract, its features, the version, and the wait until it is durable."""


class Observer(Protocol):
    """Counts what happens; never fails, never waits."""

    def timed(self, loop: str, version: str, arm: Arm, seconds: Sequence[float]) -> None:
        """What each of ``STAGES`` took of a request; ``version`` and ``arm`` are its first row's."""
        ...

    def predicted(self, loop: str, version: str, arm: str, rows: int, positives: int) -> None:
        """Rows were answered and are durable; so many of them are predicted true."""
        ...

    def defaulted(self, loop: str, features: Mapping[str, int]) -> None:
        """Declared defaults stood in for missing or stale values, by feature and how often."""
        ...

    def arm_failed(self, loop: str, version: str, arm: Arm, rows: int, why: Exception | None) -> None:
        """A version did not answer; the champion stood in for a canary."""
        ...

    def contract_broken(self, plan: ServingPlan, breaks: Sequence[Break], rows: Sequence[object]) -> None:
        """A request was refused; ``rows`` are the rows that broke their contract, as sent."""
        ...

    def contract_warned(self, plan: ServingPlan, warnings: Sequence[Break]) -> None:
        """Rows were answered that broke promises which only warn."""
        ...


class Gateway:
    """Turns rows into recorded predictions.

    ``new_id`` makes a unique prediction id for an instant; ``timer`` tells seconds of processing time;
    ``environment`` is the hash of the library versions that compute features here, ``log_key`` what sensitive columns
    are hashed with. ``timer`` is read where one of ``STAGES`` begins and after the last. ``trace_id`` is that of the
    request that is answered now, None where it has no trace.
    """

    def __init__(
        self,
        plans: Iterable[ServingPlan],
        live: LiveRoutes,
        online: OnlineReader,
        spool: PredictionSpool,
        observer: Observer,
        *,
        new_id: NewId,
        timer: Callable[[], float],
        environment: str = "",
        log_key: bytes = b"",
        trace_id: Callable[[], str | None] | None = None,
    ) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self._checks = {
            name: compile_contract(p.question.contract, p.question.rules) for name, p in self._plans.items()
        }
        self._hide = {name: hiding(plan.log, log_key) for name, plan in self._plans.items()}
        self._draws = {name: drawing(p) for name, p in self._plans.items()}
        self._live, self._online, self._spool, self._observer = live, online, spool, observer
        self._by_key = {name: ByKey(p, p.rows, online) for name, p in self._plans.items() if p.rows is not None}
        self._new_id, self._timer, self._environment, self._trace_id = new_id, timer, environment, trace_id

    async def predict(
        self,
        loop: str,
        rows: Sequence[object],
        now: Instant,
        *,
        version: str | None = None,
        new_id: NewId | None = None,
    ) -> list[Reply]:
        """Predict every row or none; each prediction that is kept is durable before it is returned.

        ``version`` asks for one that is loaded, whatever the route says: its arm is then "pinned". ``new_id`` makes
        the ids of a request that may be tried again: the same in every try, and in the log once.
        Raises: NotFound for no such loop or version; InvalidInput, TooLarge, ContractBroken for what was sent;
        Unavailable before the first version, or when a part is down.
        """
        began = self._timer()
        plan = self.plan(loop)
        checked = self._checked(plan, rows, now)
        good, at_check = checked.rows, self._timer()
        serving = self._live.current(loop)
        if serving is None or serving.route.champion is None:
            raise self._live.no_version(loop)
        times: list[Instant] = [row[plan.question.event_time] for row in good]  # type: ignore[misc]
        found, sequence = read_features(plan.features, good, times, self._online)
        keys, at_features = [plan.question.key_of(row) for row in good], self._timer()
        units = units_of(plan, good, keys)
        answers = await self._answer(plan, serving, units, found.values, version)
        at_predict = self._timer()
        latency = round((at_predict - began) * 1e6)
        make, hide = new_id or self._new_id, self._hide[loop]
        draw = None if version is not None else self._draws[loop]
        tried, trace = new_id is not None, self._trace_id and self._trace_id()
        generation, made_with = serving.route.generation, self._environment
        shared = Shared(plan, now, sequence, generation, latency, made_with, tried, hide, trace, draw)
        warned = _marked(len(good), checked.warnings)
        each = zip(keys, times, answers, good, found.values, found.defaulted, warned, units, strict=True)
        records = [shared.record(make(now), *row) for row in each]
        kept = records if plan.log.one_in == 1 else [record for record in records if record.weight]
        if kept:
            await self._spool.append(kept)
        spent = (at_check - began, at_features - at_check, at_predict - at_features, self._timer() - at_predict)
        self._observer.timed(loop, records[0].version, records[0].arm, spent)
        self._count(loop, records)
        told = self._warned(plan, checked.warnings) if checked.warnings else _NOTHING
        return [_reply(plan.task, r, tuple(told.get(place, ()))) for place, r in enumerate(records)]

    def rows(self, loop: str, keys: Sequence[object], now: Instant) -> list[object]:
        """Rows that were sent as events, by their keys. Raises: Refused for a loop without; as ``ByKey.rows`` does."""
        plan = self.plan(loop)
        if loop not in self._by_key:
            mend = "Send the rows, or declare hs.Loop(ask_by_key=True) and start again."
            raise Refused(f"Loop {loop!r} is not asked by key.", mend=mend, table=plan.question.name)
        return self._by_key[loop].rows(keys, now)

    def again(self, loop: str, rows: Sequence[object], now: Instant, recorded: Sequence[Reply]) -> list[Reply]:
        """Answer rows with what an earlier try of the same request has recorded for them, warnings included.

        Raises: as ``predict`` does for what was sent.
        """
        plan = self.plan(loop)
        told = self._warned(plan, self._checked(plan, rows, now).warnings)
        return [msgspec.structs.replace(one, warnings=tuple(told.get(place, ()))) for place, one in enumerate(recorded)]

    def plan(self, loop: str) -> ServingPlan:
        """What is known of a loop. Raises: NotFound."""
        plan = self._plans.get(loop)
        if plan is None:
            raise NotFound(f"No loop {loop!r} here.", mend=did_you_mean(loop, self._plans), loop=loop)
        return plan

    def _checked(self, plan: ServingPlan, rows: Sequence[object], now: Instant) -> Checked:
        check_size(rows)
        checked = self._checks[plan.name](rows)
        ahead = from_the_future(plan, checked.rows, checked.kept, now)
        if checked.breaks or ahead:
            breaks = [*checked.breaks, *ahead]
            self._observer.contract_broken(plan, breaks, [rows[i] for i in sorted({b.row for b in breaks})])
            raise contract_broken(plan, breaks)
        return checked

    def _warned(self, plan: ServingPlan, warnings: Sequence[Break]) -> dict[int, list[str]]:
        told: dict[int, list[str]] = {}
        for item in warnings:
            told.setdefault(item.row, []).append(item.promise)
        self._observer.contract_warned(plan, warnings)
        return told

    async def _answer(
        self,
        plan: ServingPlan,
        serving: Serving,
        units: Sequence[str],
        features: Sequence[Sequence[Value]],
        version: str | None,
    ) -> list[Answer]:
        columns = dict(zip(plan.features.names, zip(*features, strict=True), strict=True))

        def failed(version: str, arm: Arm, rows: int, why: Exception | None) -> None:
            self._observer.arm_failed(plan.name, version, arm, rows, why)

        if version is not None:
            return await pinned(serving, version, len(units), columns, failed)
        return await answer(serving, units, columns, failed)

    def _count(self, loop: str, records: Sequence[PredictionRecord]) -> None:
        if len(records) == 1:
            self._observer.predicted(loop, records[0].version, records[0].arm, 1, int(records[0].prediction is True))
        else:
            true = Counter((record.version, record.arm) for record in records if record.prediction is True)
            for arm, rows in Counter((record.version, record.arm) for record in records).items():
                self._observer.predicted(loop, *arm, rows, true[arm])
        if any([record.defaulted for record in records]):
            self._observer.defaulted(loop, Counter(name for record in records for name in record.defaulted))


def reply_of(task: Task, told: Mapping[str, Any]) -> Reply:
    """The reply that a recorded prediction was told in: its fields, with ``chances`` as the log keeps them."""
    one, by_class = chances(task, told["chances"])
    told = {name: value for name, value in told.items() if name != "chances"}
    reply: Reply = msgspec.convert({**told, "probability": 0.0}, Reply)
    return msgspec.structs.replace(reply, probability=one, probabilities=by_class)


def _reply(task: Task, record: PredictionRecord, warnings: tuple[str, ...]) -> Reply:
    one, by_class = chances(task, record.probability)
    act, explored = (UNSET, UNSET) if record.acts is None else (record.acts, record.explored)
    return Reply(
        record.prediction,
        one,
        record.prediction_id,
        record.version,
        record.arm,
        record.defaulted,
        warnings,
        act,
        explored,
        by_class,
        UNSET if record.acts is None else record.propensity,
    )


def _marked(rows: int, warnings: Sequence[Break]) -> list[bool]:
    """Of each row, whether it broke a promise that only warns."""
    found = [False] * rows
    for one in warnings:
        found[one.row] = True
    return found
