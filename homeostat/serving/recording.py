"""From an answered row to the record of it."""

from __future__ import annotations

import msgspec

from homeostat.data.contracts import Row, Value
from homeostat.data.feedback import Draw, predicted
from homeostat.data.log_policy import Hide
from homeostat.data.records import PredictionRecord
from homeostat.kernel.clock import Instant
from homeostat.serving.answers import said
from homeostat.serving.arms import Answer
from homeostat.serving.plans import ServingPlan


class Shared(msgspec.Struct, frozen=True):
    """What the predictions of one request have in common."""

    plan: ServingPlan
    now: Instant
    sequence: int
    generation: int
    latency_us: int
    environment: str
    keyed: bool
    hide: Hide | None = None
    trace_id: str | None = None
    draw: Draw | None = None

    def record(
        self,
        name: str,
        key: str,
        asked_at: Instant,
        found: Answer,
        row: Row,
        features: list[Value],
        defaulted: tuple[str, ...],
        warned: bool,
        unit: str,
    ) -> PredictionRecord:
        plan, log = self.plan, self.plan.log
        prediction, probability = said(plan.task, plan.threshold, found.score)
        drawn = None
        if self.draw is not None:
            drawn = self.draw(predicted(prediction, probability), row, unit)
        shaped = drawn is not None and drawn.propensity < 1.0
        return PredictionRecord(
            prediction_id=name,
            loop=self.plan.name,
            key=key,
            asked_at=asked_at,
            served_at=self.now,
            read_sequence=self.sequence,
            version=found.version,
            arm=found.arm,
            generation=self.generation,
            probability=probability,
            prediction=prediction,
            latency_us=self.latency_us,
            fell_back=found.fell_back,
            question=row if self.hide is None else self.hide(row),
            features=features,
            definitions=self.plan.features.hash,
            environment=self.environment,
            defaulted=defaulted,
            keyed=self.keyed,
            weight=log.weigh(name, always=found.fell_back or bool(defaulted) or warned or shaped),
            one_in=log.one_in,
            acts=None if drawn is None else drawn.acts,
            explored=drawn is not None and drawn.explored,
            propensity=1.0 if drawn is None else drawn.propensity,
            trace_id=self.trace_id,
        )
