"""The loop: what one application's file declares, checked as a whole when it is made."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from homeostat.control.canonical import canonical_loop
from homeostat.control.economics.inputs import Economics
from homeostat.control.gates import Gate
from homeostat.control.limits import Limits
from homeostat.control.metrics import own_metrics, task_of_loop
from homeostat.control.policies.drift import Drift
from homeostat.control.policies.retrain import Retrain
from homeostat.control.rehearsals import Drills
from homeostat.control.retention import Keep
from homeostat.control.rollouts import Canary
from homeostat.control.slices import declared_slices
from homeostat.control.versioned_state import State, StateFolder, VersionedState
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column
from homeostat.data.feedback import Feedback
from homeostat.data.labels import Label, PostedLabel
from homeostat.data.log_policy import KEEP_ALL, Log
from homeostat.data.reports import Reports
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.kept_rows import KeptRows, keeping, kept_rows
from homeostat.features.views import described_with_place
from homeostat.governance.outputs import OutputContract, output_contract
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.drift_limits import DriftLimits
from homeostat.monitoring.slices import Slice
from homeostat.serving.batching import Batching, check_batching
from homeostat.stats.figures.means import MeanMetric
from homeostat.stats.figures.own import Own
from homeostat.stats.metrics import Metric
from homeostat.stats.tasks import Task
from homeostat.training.own_steps import check_own_steps
from homeostat.training.search import Search

RUNTIMES = ("auto", "onnx", "native", "skops")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


def check_name(name: str) -> None:
    """Raises: InvalidInput for what cannot be a loop's name."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a loop's name.",
            mend="Use small letters, digits and hyphens, beginning with a letter, at most 63.",
            name=name,
        )


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
    steps: Sequence[Any] = ()
    search: Search | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        question, features = cast("object", self.question), cast("object", self.features)
        if not isinstance(question, Table):
            mend = "Give question=..., the hs.Table(...) itself."
            raise InvalidInput(f"Loop {self.name!r}: {question!r} is no table.", mend=mend)
        if isinstance(features, str) or not isinstance(features, Sequence):
            mend = "Give features=[...], a list of definitions."
            raise InvalidInput(f"Loop {self.name!r}: its features are no list.", mend=mend)
        if not callable(self.train):
            raise InvalidInput(
                f"Loop {self.name!r}: train is not a function.",
                mend="Give train=..., a function train(rows, config) that returns a fitted estimator.",
            )
        if not 0 < self.threshold < 1:
            raise InvalidInput(
                f"Loop {self.name!r}: threshold {self.threshold} is outside (0, 1).",
                mend="Give a probability between 0 and 1, such as 0.5.",
            )
        if self.unit is not None and self.unit not in question.contract:
            mend = did_you_mean(self.unit, question.contract)
            raise InvalidInput(f"Loop {self.name!r}: its question has no column {self.unit!r} as unit.", mend=mend)
        if self.runtime not in RUNTIMES:
            raise InvalidInput(
                f"Loop {self.name!r}: no runtime {self.runtime!r}.",
                mend=f"Choose one of {', '.join(RUNTIMES)}.",
                runtime=self.runtime,
            )
        if isinstance(self.files, str) or not all(isinstance(cast("object", one), str) for one in self.files):
            mend = "Give files=[...], a list of paths or patterns such as 'queries/*.sql'."
            raise InvalidInput(f"Loop {self.name!r}: its files are no list of paths.", mend=mend)
        check_batching(self.batching, self.name)
        if self.gate.approval is not None and self.state is not None:
            raise InvalidInput(
                f"Loop {self.name!r} keeps state and its gate asks a person: a checkpoint of then would be old.",
                mend='Ask before the last step instead: rollout=hs.Canary(ask="always").',
            )
        if self.state is not None and not isinstance(cast("object", self.state), State | StateFolder):
            mend = "Give state=hs.StateFolder('path') or state=hs.State(...)."
            raise InvalidInput(f"Loop {self.name!r}: {self.state!r} is no state.", mend=mend)
        if self.economics is not None and not isinstance(cast("object", self.economics), Economics):
            mend = "Give economics=hs.Economics(currency='USD', ...)."
            raise InvalidInput(f"Loop {self.name!r}: {self.economics!r} is no economics.", mend=mend)
        if not isinstance(cast("object", self.alerts), Alerts):
            raise InvalidInput(
                f"Loop {self.name!r}: {self.alerts!r} are no alerts.", mend="Give alerts=hs.Alerts(...)."
            )
        if not isinstance(cast("object", self.drift), DriftLimits):
            mend = "Give drift=hs.DriftLimits(quiet_windows=90)."
            raise InvalidInput(f"Loop {self.name!r}: {self.drift!r} does not say how drift is watched.", mend=mend)
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InvalidInput(
                f"Loop {self.name!r}: no time zone {self.timezone!r}.",
                mend="Use an IANA name such as 'UTC' or 'America/New_York'.",
                timezone=self.timezone,
            ) from error
        object.__setattr__(self, "steps", check_own_steps(self.name, self.steps))
        if self.search is not None and not isinstance(cast("object", self.search), Search):
            mend = "Give search=hs.Search({'learning_rate': hs.log_uniform(0.01, 0.3)})."
            raise InvalidInput(f"Loop {self.name!r}: {self.search!r} is no search.", mend=mend)
        label = cast("object", self.label)
        if isinstance(label, PostedLabel):
            object.__setattr__(self, "label", label.of(self.name, self.question))
        self.label.check_question(self.question)
        _ = self.feature_set, self.task, self.own_metrics, self.output_contract, self.online, self.drill_plan
        self._check_feedback()
        self._check_tables()
        self._check_log()
        self._check_budget()
        self._check_drift()
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

    def _check_tables(self) -> None:
        used = [("the question", self.question), ("the label", self.label.table)]
        used += [(described_with_place(view), view.table) for view in self.feature_set.views]
        used += [("the feedback", table) for table in self._reports]
        first: dict[str, tuple[str, Table]] = {}
        for who, table in used:
            before, known = first.setdefault(table.name, (who, table))
            if known != table:
                raise InvalidInput(
                    f"Loop {self.name!r}: two different tables are named {table.name!r}: that of {before},"
                    f" and that of {who}.",
                    mend="Give each its own name, or use one definition in both places.",
                    table=table.name,
                )

    def _check_log(self) -> None:
        if not isinstance(cast("object", self.log), Log):
            raise InvalidInput(f"Loop {self.name!r}: {self.log!r} is no log policy.", mend="Give log=hs.Log(...).")
        again = "Hash it where it is produced, so that the model learns from the hash; or drop it from the features."
        judged = ("a feature, on which versions are judged again later", again)
        needed = {one.name: judged for one in self.feature_set.selected}
        if self.unit in self.log.left_out:
            needed[str(self.unit)] = ("the unit, by which shadows take their share", "Hash it instead.")
        times = {self.question.event_time: "the event time", self.label.maturity_column: "what the label matures by"}
        needed |= {name: (why, "Keep it: windows and labels stand on it.") for name, why in times.items()}
        key = "Give the question a key that says nothing of anybody, such as the id of a request."
        needed |= dict.fromkeys(self.question.keys, ("its key, by which labels are joined", key))
        self.log.check(self.question, needed)

    def _check_budget(self) -> None:
        """A budget in money is held against prices: in their currency, or not at all."""
        budget = self.retrain.budget
        if budget is None or budget.money is None:
            return
        currency = budget.money.currency
        if self.economics is None or self.economics.currency != currency:
            counts = "declares no prices" if self.economics is None else f"counts in {self.economics.currency}"
            raise InvalidInput(
                f"Loop {self.name!r}: a budget in {currency} for a loop that {counts}.",
                mend=f"Give economics=hs.Economics(currency={currency!r}, ...), or a budget of trainings.",
                currency=currency,
            )

    def _check_drift(self) -> None:
        """A policy can only look at drift that is measured."""
        inputs = len(self.feature_set.names)
        for one in self.retrain.when.walk():
            if isinstance(one, Drift) and one.features > inputs:
                raise InvalidInput(
                    f"Loop {self.name!r}: its policy waits for {one.features} features to drift; there are {inputs}.",
                    mend=f"Give features of at most {inputs}.",
                    features=one.features,
                )
            if isinstance(one, Drift) and one.span not in self.drift.spans:
                raise InvalidInput(
                    f"Loop {self.name!r}: its policy looks at drift over {one.span} days, which nobody measures.",
                    mend=f"Give a span of {list(self.drift.spans)}, or drift=hs.DriftLimits(spans=...).",
                    span=one.span,
                )

    def _check_feedback(self) -> None:
        """Whoever acts must be able to tell when, from what is asked and answered."""
        if self.feedback is None:
            return
        if not isinstance(cast("object", self.feedback), Feedback):
            mend = "Give feedback=hs.Feedback(acts='probability >= 0.8', explore='2%')."
            raise InvalidInput(f"Loop {self.name!r}: {self.feedback!r} declares no feedback.", mend=mend)
        if Reports.of(self.feedback, self.question) is not None:
            return
        self.feedback.condition(self.question, self.task)
        self.feedback.chances(self.question, self.task)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Every table the loop reads, the question first, each once."""
        found = {self.question.name: self.question, self.label.table.name: self.label.table}
        for table in (*(view.table for view in self.feature_set.views), *self._reports):
            found.setdefault(table.name, table)
        return tuple(found.values())

    @property
    def _reports(self) -> tuple[Table, ...]:
        """The table in which callers report what they did; none where they do not."""
        return () if self.feedback is None or self.feedback.reported is None else (self.feedback.reported,)
