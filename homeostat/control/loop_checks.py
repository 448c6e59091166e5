"""What a loop's file may get wrong in a loop: each part by itself, then parts that do not go together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from homeostat.control.economics.inputs import Economics
from homeostat.control.gates import Gate
from homeostat.control.limits import Limits
from homeostat.control.policies.drift import Drift
from homeostat.control.policies.retrain import Retrain
from homeostat.control.rehearsals import Drills
from homeostat.control.retention import Keep
from homeostat.control.rollouts import Canary
from homeostat.control.versioned_state import State, StateFolder
from homeostat.data.checks import did_you_mean
from homeostat.data.feedback import Feedback
from homeostat.data.labels import Label, PostedLabel
from homeostat.data.log_policy import Log
from homeostat.data.reports import Reports
from homeostat.data.tables import Table
from homeostat.features.views import described_with_place
from homeostat.kernel.canonical import canonical_json, keys_of_other_kinds
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.words import plural
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.drift_limits import DriftLimits
from homeostat.registry.variables import opens_a_door
from homeostat.serving.batching import check_batching
from homeostat.stats.figures.means import MeanMetric
from homeostat.stats.metrics import Metric
from homeostat.training.search import Search

if TYPE_CHECKING:
    from homeostat.control.loop import Loop

RUNTIMES = ("auto", "onnx", "native", "skops")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class _Part(NamedTuple):
    """A part that must be of a kind: what is said of another, and what is right; ``kinds`` may have None among them."""

    name: str
    kinds: tuple[type, ...]
    wrong: str
    right: str


_NONE = type(None)
_PARTS = (
    _Part("question", (Table,), "is no table", "question=..., the hs.Table(...) itself"),
    _Part("label", (Label, PostedLabel), "is no label", "label=hs.Label(table, 'column > 0', matures='1d')"),
    _Part("config", (Mapping,), "is no config", "config={...}, names and values that train(rows, config) is given"),
    _Part("retrain", (Retrain,), "does not say when to retrain", "retrain=hs.Retrain(...)"),
    _Part("gate", (Gate,), "is no gate", "gate=hs.Gate(...)"),
    _Part("rollout", (Canary,), "is no rollout", "rollout=hs.Canary(...)"),
    _Part("limits", (Limits,), "are no limits", "limits=hs.Limits(...)"),
    _Part("keep", (Keep,), "does not say what to keep", "keep=hs.Keep(last=10)"),
    _Part("drills", (Drills, str, _NONE), "does not say how often to drill", "drills='90d', or hs.Drills(...)"),
    _Part("unit", (str, _NONE), "is no column as unit", "unit='...', the name of a column of the question"),
    _Part("runtime", (str,), "is no runtime", "runtime='auto'"),
    _Part("timezone", (str,), "is no time zone", "timezone='UTC', or another IANA name"),
    _Part(
        "primary", (Metric, MeanMetric, _NONE), "is no loss", "primary=hs.metrics.log_loss, or another of hs.metrics"
    ),
    _Part("output", (Mapping, _NONE), "promises no columns", "output={'probability': hs.number(0, 1)}"),
    _Part("log", (Log,), "is no log policy", "log=hs.Log(...)"),
    _Part("state", (State, StateFolder, _NONE), "is no state", "state=hs.StateFolder('path') or state=hs.State(...)"),
    _Part("economics", (Economics, _NONE), "is no economics", "economics=hs.Economics(currency='USD', ...)"),
    _Part("alerts", (Alerts,), "are no alerts", "alerts=hs.Alerts(...)"),
    _Part("drift", (DriftLimits,), "does not say how drift is watched", "drift=hs.DriftLimits(quiet_windows=90)"),
    _Part("feedback", (Feedback, _NONE), "declares no feedback", "feedback=hs.Feedback(acts='...', explore='2%')"),
    _Part("search", (Search, _NONE), "is no search", "search=hs.Search({'rate': hs.log_uniform(0.01, 0.3)})"),
)
_LISTS = {
    "features": "definitions",
    "metrics": "figures made by hs.metric(function)",
    "slices": "columns of the question or features",
    "files": "paths or patterns such as 'queries/*.sql'",
    "variables": "names of variables such as 'REGION'",
    "steps": "functions made by @hs.step(after=...)",
}


def check_name(name: str) -> None:
    """Raises: InvalidInput for what cannot be a loop's name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a loop's name.",
            mend="Use small letters, digits and hyphens, beginning with a letter, at most 63.",
            name=name,
        )


def check_parts(loop: Loop) -> None:
    """Each part by itself, before anything is made of it. Raises: InvalidInput that names the part."""
    check_name(loop.name)
    for part in _PARTS:
        value = getattr(loop, part.name)
        if not isinstance(value, part.kinds):
            raise _wrong(loop, f"{value!r} {part.wrong}", f"Give {part.right}.")
    for name, right in _LISTS.items():
        value = getattr(loop, name)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise _wrong(loop, f"its {name} are no list", f"Give {name}=[...], a list of {right}.")
    train: object = loop.train
    if not callable(train):
        mend = "Give train=..., a function train(rows, config) that returns a fitted estimator."
        raise _wrong(loop, "train is not a function", mend)
    for name, told in (("files", "paths"), ("variables", "names")):
        if not all(isinstance(one, str) and one for one in getattr(loop, name)):
            raise _wrong(loop, f"its {name} are no list of {told}", f"Give {name}=[...], a list of {_LISTS[name]}.")
    if doors := [name for name in loop.variables if opens_a_door(name)]:
        mend = "Leave it out: each version keeps the values of variables=[...], and a secret decides no model."
        raise _wrong(loop, f"its variables name a secret, {', '.join(doors)}", mend, variables=doors)
    _check_config(loop)
    _check_values(loop)


def _check_config(loop: Loop) -> None:
    """Told where it is declared, not by the first training."""
    try:
        canonical_json(loop.config)
        list(keys_of_other_kinds(loop.config))
    except (TypeError, ValueError, RecursionError) as error:
        said = "it holds itself" if isinstance(error, RecursionError) else str(error)
        mend = (
            "Use only numbers, texts, booleans, None, lists and dicts, no NaN, and texts for keys; int(...) makes one"
            " of NumPy's."
        )
        raise _wrong(loop, f"its config cannot be kept with a version: {said}", mend) from error


def _check_values(loop: Loop) -> None:
    """Values of the right kind that are none of those there are."""
    if not _is_number(loop.threshold) or not 0 < loop.threshold < 1:
        mend = "Give a probability between 0 and 1, such as 0.5."
        raise _wrong(loop, f"threshold {loop.threshold!r} is outside (0, 1)", mend)
    if loop.unit is not None and loop.unit not in loop.question.contract:
        mend = did_you_mean(str(loop.unit), loop.question.contract)
        raise _wrong(loop, f"its question has no column {loop.unit!r} as unit", mend)
    if loop.runtime not in RUNTIMES:
        raise _wrong(
            loop, f"no runtime {loop.runtime!r}", f"Choose one of {', '.join(RUNTIMES)}.", runtime=loop.runtime
        )
    check_batching(loop.batching, loop.name)
    if loop.gate.approval is not None and loop.state is not None:
        raise InvalidInput(
            f"Loop {loop.name!r} keeps state and its gate asks a person: a checkpoint of then would be old.",
            mend='Ask before the last step instead: rollout=hs.Canary(ask="always").',
        )
    try:
        ZoneInfo(loop.timezone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        mend = "Use an IANA name such as 'UTC' or 'America/New_York'."
        raise _wrong(loop, f"no time zone {loop.timezone!r}", mend, timezone=loop.timezone) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_together(loop: Loop) -> None:
    """Parts beside one another, once each is right. Raises: InvalidInput that names them."""
    _check_feedback(loop)
    _check_tables(loop)
    _check_log(loop)
    _check_budget(loop)
    _check_drift(loop)


def _check_feedback(loop: Loop) -> None:
    """Whoever acts must be able to tell when, from what is asked and answered."""
    if loop.feedback is None or Reports.of(loop.feedback, loop.question) is not None:
        return
    loop.feedback.condition(loop.question, loop.task)
    loop.feedback.chances(loop.question, loop.task)


def _check_tables(loop: Loop) -> None:
    used = [("the question", loop.question), ("the label", loop.label.table)]
    used += [(described_with_place(view), view.table) for view in loop.feature_set.views]
    used += [("the feedback", table) for table in loop.reports]
    first: dict[str, tuple[str, Table]] = {}
    for who, table in used:
        before, known = first.setdefault(table.name, (who, table))
        if known != table:
            raise _wrong(
                loop,
                f"two different tables are named {table.name!r}: that of {before}, and that of {who}",
                "Give each its own name, or use one definition in both places.",
                table=table.name,
            )


def _check_log(loop: Loop) -> None:
    again = "Hash it where it is produced, so that the model learns from the hash; or drop it from the features."
    judged = ("a feature, on which versions are judged again later", again)
    needed = {one.name: judged for one in loop.feature_set.selected}
    if loop.unit in loop.log.left_out:
        needed[str(loop.unit)] = ("the unit, by which shadows take their share", "Hash it instead.")
    times = {loop.question.event_time: "the event time", loop.label.maturity_column: "what the label matures by"}
    needed |= {name: (why, "Keep it: windows and labels stand on it.") for name, why in times.items()}
    key = "Give the question a key that says nothing of anybody, such as the id of a request."
    needed |= dict.fromkeys(loop.question.keys, ("its key, by which labels are joined", key))
    loop.log.check(loop.question, needed)


def _check_budget(loop: Loop) -> None:
    """A budget in money is held against prices: in their currency, or not at all."""
    budget = loop.retrain.budget
    if budget is None or budget.money is None:
        return
    currency = budget.money.currency
    if loop.economics is None or loop.economics.currency != currency:
        counts = "declares no prices" if loop.economics is None else f"counts in {loop.economics.currency}"
        mend = f"Give economics=hs.Economics(currency={currency!r}, ...), or a budget of trainings."
        raise _wrong(loop, f"a budget in {currency} for a loop that {counts}", mend, currency=currency)


def _check_drift(loop: Loop) -> None:
    """A policy can only look at drift that is measured."""
    inputs = len(loop.feature_set.names)
    for one in loop.retrain.when.walk():
        if not isinstance(one, Drift):
            continue
        if one.features > inputs:
            problem = f"its policy waits for {one.features} features to drift; there are {inputs}"
            raise _wrong(loop, problem, f"Give features of at most {inputs}.", features=one.features)
        if one.span not in loop.drift.spans:
            problem = f"its policy looks at drift over {plural(one.span, 'day')}, which nobody measures"
            mend = f"Give a span of {list(loop.drift.spans)}, or drift=hs.DriftLimits(spans=...)."
            raise _wrong(loop, problem, mend, span=one.span)


def _wrong(loop: Loop, problem: str, mend: str, **facts: Any) -> InvalidInput:
    return InvalidInput(f"Loop {loop.name!r}: {problem}.", mend=mend, **facts)
