"""What control measures, in the format of Prometheus; the doors count what they answer at their own address."""

from __future__ import annotations

from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from homeostat.app.control.service import ControlService

_LABELS = ("loop", "kind", "name")


def metrics(service: ControlService) -> Response:
    """Silence of sources, missed objectives, skew, drift, and rollouts that ask; what is unknown is left out, not 0."""
    registry = CollectorRegistry()
    _freshness(service, registry)
    _skew(service, registry)
    _drift(service, registry)
    _asking(service, registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _freshness(service: ControlService, registry: CollectorRegistry) -> None:
    silence = Gauge(
        "homeostat_source_silence_seconds", "Age of the newest event of the source.", _LABELS, registry=registry
    )
    missed = Gauge("homeostat_freshness_missed", "1 while a freshness objective is missed.", _LABELS, registry=registry)
    service.facts.look()
    for loop in service.loops_by_name:
        for one in service.objectives(loop):
            if one["ok"] is not None:
                silence.labels(loop, one["kind"], one["name"]).set(one["age_seconds"])
                missed.labels(loop, one["kind"], one["name"]).set(not one["ok"])


def _skew(service: ControlService, registry: CollectorRegistry) -> None:
    """The share of recomputed rows that differ, over the last days, per feature."""
    of = ("loop", "feature")
    rate = Gauge("homeostat_skew_rate", "Share of recomputed rows that differ.", of, registry=registry)
    low = Gauge("homeostat_skew_rate_low", "Lower bound of that share, at 95 %.", of, registry=registry)
    rows = Gauge("homeostat_skew_rows", "Served rows recomputed over the last days.", ["loop"], registry=registry)
    for loop in service.loops_by_name:
        told = service.skew(loop)
        rows.labels(loop).set(told["rows"])
        for one in told["features"]:
            if one["rate"] is not None:
                rate.labels(loop, one["feature"]).set(one["rate"])
                low.labels(loop, one["feature"]).set(one["low"])


def _drift(service: ControlService, registry: CollectorRegistry) -> None:
    """How many drift signals are above their limits, by the kind of limit; the distances are the API's to tell."""
    above = Gauge(
        "homeostat_drift_above", "Drift signals above their limits on the newest day.", ["loop", "limit"],
        registry=registry,
    )  # fmt: skip
    for loop in service.loops_by_name:
        told = service.drift(loop, None)
        for kind, limits in told["limits"].items():
            if limits:
                above.labels(loop, kind).set(sum(one["above"] and one["kind"] == kind for one in told["signals"]))


def _asking(service: ControlService, registry: CollectorRegistry) -> None:
    asking = Gauge("homeostat_rollout_asking", "1 while a rollout asks a person.", ["loop"], registry=registry)
    whether = Gauge(
        "homeostat_retrain_asking", "1 while a policy asks before it retrains.", ["loop"], registry=registry
    )
    for loop in service.loops_by_name:
        state = service.operations.state(loop)
        rollout, proposed = state.rollout, state.asked
        asking.labels(loop).set(rollout is not None and rollout.asked is not None and rollout.asked.answer is None)
        whether.labels(loop).set(proposed is not None and proposed.answer is None)
