"""The loop: what one application's file declares, checked as a whole when it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from homeostat.control.canonical import canonical_loop
from homeostat.control.economics.inputs import Economics
from homeostat.control.gates import Gate
from homeostat.control.limits import Limits
from homeostat.control.loop_checks import check_parts, check_together
from homeostat.control.metrics import own_metrics, task_of_loop
from homeostat.control.policies.retrain import Retrain
from homeostat.control.rehearsals import Drills
from homeostat.control.retention import Keep
from homeostat.control.rollouts import Canary
from homeostat.control.slices import declared_slices
from homeostat.control.versioned_state import VersionedState
from homeostat.data.contracts import Column
from homeostat.data.feedback import Feedback
from homeostat.data.labels import Label, PostedLabel
from homeostat.data.log_policy import KEEP_ALL, Log
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.kept_rows import KeptRows, keeping, kept_rows
from homeostat.governance.outputs import OutputContract, output_contract
from homeostat.kernel.clock import Instant, duration
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.drift_limits import DriftLimits
from homeostat.monitoring.kept_slices import Slice
from homeostat.serving.batching import Batching
from homeostat.stats.figures.means import MeanMetric
from homeostat.stats.figures.own import Own
from homeostat.stats.metrics import Metric
from homeostat.stats.tasks import Task
from homeostat.training.own_steps import check_own_steps
from homeostat.training.search import Search


@dataclasses.dataclass(frozen=True)
class Loop:
    """One ML application: its question, features, label, training function and policies.

    ``question``: the table of which each row is asked about, once, at its event time.
    ``features``: columns of the question (``table["a", "b"]``), ``Latest``, ``Window`` and ``transform``.
    ``label``: the truth and how long to wait for it, or ``Label.posted(...)``. A condition makes the model a binary
    classifier, a number a regressor, a text a classifier of several classes.
    ``train``: ``def train(rows, config) -> fitted estimator``: a classifier with ``predict_proba``, or a regressor.
    ``primary``: the loss by which versions are judged: log-loss of classifiers; of regressors ``hs.metrics.rmse`` (as
    where it is left out), ``hs.metrics.mae`` or ``hs.metrics.quantile_loss(0.9)``.
    ``metrics``: figures of one's own, ``hs.metric(function)``, measured each day beside those that always are.
    ``purpose``: what its answers are for, and what not, for people: on the card of each version.
    ``keep``: which versions stay that nothing needs any more, ``hs.Keep(last=10, age="180d")``; all by default.
    ``timezone``: where its days begin; one day is the block of every interval.
    ``threshold``: the probability from which the prediction of a binary classifier is True.
    ``limits``: on errors, latency and predictions of what serves, which take it back without anyone being asked.
    ``drills``: how often a rollback is to be rehearsed, such as ``"90d"``; it is told when one is overdue. With
    ``Drills(...)`` control also carries it out. None for never.
    ``unit``: the column of the question whose values stay with their arm during rollouts and experiments, such as a
    user; each row by its key where it is left out.
    ``runtime``: what serves its versions: ``"onnx"``, the library's own booster (``"native"``), scikit-learn through
    ``"skops"``, or the first of these that is proven equal (``"auto"``).
    ``log``: columns of the question that the prediction log hashes or leaves out.
    ``output``: the columns of a prediction that are promised to its consumers; all that a reply holds by default.
    ``batching``: whether rows of requests that wait at one time go to the model in one call: ``"off"``, at most so
    many, or where it is measured to pay (``"auto"``).
    ``state``: what a service beside it keeps that depends on the version, ``hs.StateFolder`` or ``hs.State``:
    kept before each release, and put back when a version is taken back.
    ``ask_by_key``: rows of the question that came as events are kept online for a week, to be asked about by key.
    ``economics``: what errors, work and machines cost, for ``homeostat economics``, ``hs.Economic`` and budgets.
    ``alerts``: to whom alerts go by severity, and their limits, ``hs.Alerts(...)``; all has defaults.
    ``drift``: over which windows inputs are compared with training, and how seldom that may be a false alarm.
    ``feedback``: callers act on predictions so that labels are shaped by them, ``hs.Feedback(...)``; None where truth
    comes whatever is predicted.
    ``slices``: columns of the question or features, and pairs of them, by which figures are told apart.
    ``steps``: functions that training runs besides its own steps, each made by ``@hs.step(after=...)``.
    ``search``: config keys for which better values are looked for before each training, ``hs.Search({...})``.
    ``files``: what training reads besides tables and modules, as paths or patterns relative to the loop file, such as
    ``"queries/*.sql"``: kept with every version, as its code.
    ``variables``: names of the environment's variables that training depends on, whoever reads them: on record with
    their values, so no secrets.
    Raises: InvalidInput that names the part.
    """

    name: str
    question: Table
    features: Sequence[Any]
    label: Label
    train: Callable[[Any, Mapping[str, Any]], Any]
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    retrain: Retrain = dataclasses.field(default_factory=Retrain)
    gate: Gate = dataclasses.field(default_factory=Gate)
    rollout: Canary = dataclasses.field(default_factory=Canary)
    timezone: str = "UTC"
    threshold: float = 0.5
    owner: str = ""
    purpose: str = ""
    keep: Keep = dataclasses.field(default_factory=Keep)
    limits: Limits = dataclasses.field(default_factory=Limits)
    drills: Drills | str | None = "90d"
    unit: str | None = None
    output: Mapping[str, Column] | None = None
    runtime: str = "auto"
    ask_by_key: bool = False
    log: Log = KEEP_ALL
    batching: Batching = "auto"
    state: VersionedState | None = None
    economics: Economics | None = None
    alerts: Alerts = dataclasses.field(default_factory=Alerts)
    drift: DriftLimits = dataclasses.field(default_factory=DriftLimits)
    slices: Sequence[str | Sequence[str]] = ()
    primary: Metric | MeanMetric | None = None
    metrics: Sequence[Metric | MeanMetric | Own] = ()
    feedback: Feedback | None = None
    files: Sequence[str] = ()
    variables: Sequence[str] = ()
    steps: Sequence[Any] = ()
    search: Search | None = None

    def __post_init__(self) -> None:
        check_parts(self)
        object.__setattr__(self, "steps", check_own_steps(self.name, self.steps))
        label = cast("object", self.label)
        if isinstance(label, PostedLabel):
            object.__setattr__(self, "label", label.of(self.name, self.question))
        self.label.check_question(self.question)
        _ = self.feature_set, self.task, self.own_metrics, self.output_contract, self.online, self.drill_plan
        check_together(self)
        _ = self.sliced_by

    @cached_property
    def feature_set(self) -> FeatureSet:
        """The compiled features; their hash binds every version trained on them."""
        return feature_set(self.question, self.features)

    @cached_property
    def task(self) -> Task:
        """What it answers, and by what it is judged."""
        return task_of_loop(self.name, self.label, self.primary)

    @cached_property
    def own_metrics(self) -> tuple[Own, ...]:
        """The figures that the user brings."""
        return own_metrics(self.name, self.task, self.metrics)

    @cached_property
    def canonical(self) -> Mapping[str, Any]:
        """What it declares of how versions are made and let through, as JSON values."""
        return canonical_loop(self)

    @cached_property
    def sliced_by(self) -> tuple[Slice, ...]:
        """The declared slices, each the one or two columns that make it."""
        return declared_slices(self.name, self.slices, self.question, self.feature_set, self.log)

    @cached_property
    def drill_plan(self) -> Drills | None:
        """How often a rollback is rehearsed, and by whom; None for never."""
        return Drills(self.drills, at=None) if isinstance(self.drills, str) else self.drills

    @cached_property
    def kept_rows(self) -> KeptRows | None:
        """The rows that are asked about by key; None where they are not."""
        return kept_rows(self.question) if self.ask_by_key else None

    @cached_property
    def online(self) -> tuple[FeatureSet, ...]:
        """All that the online store keeps for the loop."""
        return (self.feature_set,) if self.kept_rows is None else (self.feature_set, keeping(self.kept_rows))

    @cached_property
    def output_contract(self) -> OutputContract:
        """What consumers of the predictions may rely on."""
        meaning = f"{self.label.condition} in {self.label.table.name}"
        return output_contract(self.name, self.output, meaning=meaning, threshold=self.threshold, task=self.task)

    def training_span(self, asked_at: Instant, *, first: bool) -> tuple[Instant | None, Instant]:
        """From when (None: the beginning) until when a training asked for at ``asked_at`` takes its rows.

        Later rows whose labels are mature are held out for evaluation.
        """
        held = self.retrain.first_holdout if first else self.retrain.holdout
        cutoff = asked_at - self.label.maturity_delay - duration(held)
        history = self.retrain.history
        return (None if history is None else cutoff - duration(history)), cutoff

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Every table the loop reads, the question first, each once."""
        found = {self.question.name: self.question, self.label.table.name: self.label.table}
        for table in (*(view.table for view in self.feature_set.views), *self.reports):
            found.setdefault(table.name, table)
        return tuple(found.values())

    @property
    def reports(self) -> tuple[Table, ...]:
        """The table in which callers report what they did; none where they do not."""
        return () if self.feedback is None or self.feedback.reported is None else (self.feedback.reported,)
