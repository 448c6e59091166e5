"""Reviews what each feature of a loop is worth and costs, and what that speaks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeostat.app.by_hand.operations import Operations
from homeostat.app.features.costs import ASKED, bytes_below, lookup_times
from homeostat.app.features.leave_out import LeftOut, leave_out
from homeostat.app.prediction_log.recent import Recent, read_recent
from homeostat.app.settings import Settings
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.loop import Loop
from homeostat.features.views import View
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import NotEnoughData
from homeostat.serving.runtimes import Runtime
from homeostat.stats.intervals import Interval
from homeostat.training.importance import Columns, permutation_importance
from homeostat.training.review import FeatureWorth, ReviewLimits, judge_worth

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
Importances = Mapping[str, Mapping[str, Interval | None]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a review looks at: recent days, rows to score, rows to retrain on, and seconds for retraining (0:
    none)."""

    days: int = 28
    scored: int = 20_000
    trained: int = 50_000
    seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class _Definition:
    """What was declared together: the features of one view, the question's columns, or one transform."""

    name: str
    features: tuple[str, ...]
    view: View | None = None


def review_features(
    settings: Settings, operations: Operations, loop: Loop, limits: ReviewLimits, bounds: Bounds, progress: Progress
) -> Json:
    """Everything the review says, as JSON values.

    Raises: NotEnoughData before the first prediction; Unavailable when a retraining dies.
    """
    state = operations.state(loop.name)
    route = state.route
    live = tuple(dict.fromkeys(one for one in (route.champion, route.canary, route.standby) if one))
    progress("reading the prediction log", 0, 1)
    recent = read_recent(settings, loop, state.decided_until or 0, days=bounds.days, most_rows=bounds.scored)
    definitions = _definitions(loop)
    groups = {one.name: one.features for one in definitions if len(one.features) > 1}
    shuffled = _shuffled(settings, loop.name, live, recent, groups, limits, progress)
    left_out = LeftOut(None, {}, None)
    if bounds.seconds > 0:
        left_out = leave_out(
            settings,
            loop.name,
            {**groups, **_in_turn(loop.feature_set.names, shuffled)},
            days=bounds.days,
            rows=bounds.trained,
            seconds=bounds.seconds,
            confidence=limits.confidence,
            progress=progress,
        )
    progress("timing lookups", 0, 1)
    told = _Told(settings, loop, live, recent, limits, shuffled, left_out, definitions)
    names = [name for name in dict.fromkeys([*loop.feature_set.names, *shuffled]) if name not in groups]
    return {
        "loop": loop.name,
        "loss": loop.task.loss_name,
        "unit": loop.task.unit,
        "live": list(live),
        "rows": int(recent.rows.size),
        "days": int(np.unique(recent.days).size),
        "limits": plain(limits),
        "retrained": _retrained(left_out, len(loop.feature_set.names) + len(groups), bounds),
        "features": [told.feature(name) for name in names],
        "definitions": [told.definition(one) for one in definitions],
    }


def _shuffled(
    settings: Settings,
    loop: str,
    live: Sequence[str],
    recent: Recent,
    groups: Mapping[str, Sequence[str]],
    limits: ReviewLimits,
    progress: Progress,
) -> dict[str, dict[str, Interval | None]]:
    """Per feature and group, and per live version that takes all of it, what shuffling it costs."""
    found: dict[str, dict[str, Interval | None]] = {}
    for version in live:
        runtime = load_runtime(settings.paths.versions / loop / version, loop, version)
        inputs = dict(runtime.inputs)
        columns = recent.columns(inputs)
        taken = {name: names for name, names in groups.items() if set(names) <= inputs.keys()}
        shuffles = {**taken, **{name: (name,) for name in inputs}}
        for done, (name, names) in enumerate(shuffles.items()):
            progress(f"shuffling the features of {version}", done, len(shuffles))
            found.setdefault(name, {})[version] = _importance(runtime, columns, names, recent, limits)
    return found


def _importance(
    runtime: Runtime, columns: Columns | None, names: Sequence[str], recent: Recent, limits: ReviewLimits
) -> Interval | None:
    if columns is None:
        return None

    def score(given: Columns) -> Any:
        return runtime.predict(given)  # type: ignore[arg-type]

    try:
        return permutation_importance(
            score, columns, names, recent.truth, recent.days, confidence=limits.confidence, task=recent.task
        )
    except NotEnoughData:
        return None


def _definitions(loop: Loop) -> list[_Definition]:
    features = loop.feature_set
    found = [_Definition(f"{loop.question.name}[...]", tuple(one.name for one in features.selected))]
    found += [_Definition(view.name, tuple(one.name for one in view.features), view) for view in features.views]
    found += [_Definition(f"{one.name}(...)", (one.name,)) for one in features.transforms]
    return [one for one in found if one.features]


def _in_turn(names: Sequence[str], shuffled: Importances) -> dict[str, tuple[str, ...]]:
    """Features to leave out one at a time, those first that seem to matter least."""

    def matters(name: str) -> float:
        known = [one.value for one in shuffled.get(name, {}).values() if one is not None]
        return max(known, default=0.0)

    return {name: (name,) for name in sorted(names, key=matters)}


def _retrained(left_out: LeftOut, of: int, bounds: Bounds) -> Json | None:
    if bounds.seconds <= 0:
        return None
    whole = left_out.whole or {}
    return {
        "done": len(left_out.rise),
        "of": of,
        "seconds": bounds.seconds,
        "trained": whole.get("trained"),
        "held_out": whole.get("held_out"),
        "loss": whole.get("loss"),
        "error": left_out.error,
    }


@dataclass(frozen=True, slots=True)
class _Told:
    """Puts together what is told of a feature, and of a definition."""

    settings: Settings
    loop: Loop
    live: tuple[str, ...]
    recent: Recent
    limits: ReviewLimits
    shuffled: Importances
    left_out: LeftOut
    definitions: Sequence[_Definition]

    def feature(self, name: str) -> Json:
        """One feature: its worth, its missing share, and what that speaks for."""
        importance = self.shuffled.get(name, {})
        own = next((one.name for one in self.definitions if name in one.features), None)
        gain = (self.left_out.whole or {}).get("gain", {})
        return {
            "feature": name,
            "definition": own,
            "used_by": [version for version in self.live if version in importance],
            "importance": plain(importance),
            "gain": gain.get(name),
            "missing": self.recent.missing([name])[name],
            **self._judged(name, importance),
        }

    def definition(self, one: _Definition) -> Json:
        """One definition: its cost, and what leaving all of it out speaks for."""
        name = one.name if len(one.features) > 1 else one.features[0]
        importance = self.shuffled.get(name, {})
        shares = [share for share in self.recent.missing(one.features).values() if share is not None]
        return {
            "definition": one.name,
            "features": list(one.features),
            "missing": sum(shares) / len(shares) if shares else None,
            **self._cost(one.view),
            "importance": plain(importance),
            **self._judged(name, importance),
        }

    def _judged(self, name: str, importance: Mapping[str, Interval | None]) -> Json:
        without = self.left_out.rise.get(name)
        days = int(np.unique(self.recent.days).size)
        seen = FeatureWorth(
            name, int(self.recent.rows.size), days, self.live, importance, without, self.loop.task.loss_name
        )
        verdict = judge_worth(seen, self.limits)
        return {"without": plain(without), "verdict": verdict.name, "reasons": list(verdict.texts)}

    def _cost(self, view: View | None) -> Json:
        if view is None:
            return {"table": None, "table_bytes": None, "shared_with": [], "lookup_us": None}
        asked = list(dict.fromkeys([self.loop.question.event_time, *view.entity]))
        return {
            "table": view.table.name,
            "table_bytes": bytes_below(self.settings.paths.tables / view.table.name),
            "shared_with": list(self._others(view)),
            "lookup_us": lookup_times(self.settings, self.loop, view, self.recent.questions(asked, ASKED)),
        }

    def _others(self, view: View) -> Iterator[str]:
        """Who else in this loop needs the facts that the view reads."""
        table = view.table.name
        if table == self.loop.question.name:
            yield "the question"
        if table == self.loop.label.table.name:
            yield "the label"
        for one in self.definitions:
            if one.view is not None and one.view is not view and one.view.table.name == table:
                yield one.name
