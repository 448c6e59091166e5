"""Why a loop does worse, asked in the order in which a wrong answer costs most; what cannot be told is said so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np

from homeostat.kernel.errors import NotEnoughData
from homeostat.kernel.verdicts import Reason, figure
from homeostat.kernel.words import plural
from homeostat.monitoring.breaks import breaks_of_days
from homeostat.monitoring.degraded import Segment, rise_of, worst_segment
from homeostat.monitoring.history import (
    LEAST_BEFORE,
    History,
    Rows,
    Split,
    bins_of_rows,
    never_seen,
    split,
)
from homeostat.monitoring.scrambled import breaks_of_rows
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.skew import main_cause, skew_rate_or_none
from homeostat.monitoring.timing import Timing, timing_of
from homeostat.stats.arrays import Booleans
from homeostat.stats.causes.shift import PARTS, Decomposition, Labelled, decompose
from homeostat.stats.intervals import Interval

T = TypeVar("T")
CauseName = Literal[
    "broken_data",
    "skew",
    "bad_release",
    "one_segment",
    "seasonal",
    "covariate_shift",
    "unseen_inputs",
    "sudden_change",
    "gradual_drift",
    "nothing",
    "unknown",
]
Intervention = Literal["fix_data", "roll_back", "collect", "reweight", "retrain", "nothing", "unknown"]
INTERVENTIONS: Mapping[CauseName, Intervention] = MappingProxyType(
    {
        "broken_data": "fix_data",
        "skew": "fix_data",
        "bad_release": "roll_back",
        "one_segment": "collect",
        "seasonal": "reweight",
        "covariate_shift": "reweight",
        "unseen_inputs": "collect",
        "sudden_change": "retrain",
        "gradual_drift": "retrain",
        "nothing": "nothing",
        "unknown": "unknown",
    }
)
ADVICE: Mapping[Intervention, str] = MappingProxyType(
    {
        "fix_data": "Fix the data, or what computes them; do not retrain on them.",
        "roll_back": "Take the version back; retraining comes later.",
        "collect": "Collect labelled rows of that segment, then retrain with them.",
        "reweight": "Re-sample or re-weight the training rows towards what comes now.",
        "retrain": "Relabel or retrain on recent rows.",
        "nothing": "Do nothing about the loss: no rise is proven.",
        "unknown": "No advice: look at the steps to see what is missing.",
    }
)
BROKEN, SKEWED, SEGMENT, WHEN, WHY = (
    "Is the data broken?",
    "Is there training-serving skew?",
    "Is it one subpopulation?",
    "Sudden, gradual or seasonal?",
    "Covariate shift or changed relationship?",
)
LARGE_PART = 0.1
"""Of the mean loss before: a part of the change that large counts even where the whole change is not proven."""
SKEW_LIMIT = 0.02
"""A feature is skewed where surely more than this share of its served rows is not what tables give."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the tree, its answer in a word or two, and what the answer stands on."""

    question: str
    answer: str
    evidence: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The likeliest cause, what to do about it, one sentence that says why, and every question with its answer."""

    cause: CauseName
    because: str
    steps: tuple[Step, ...] = ()

    @property
    def intervention(self) -> Intervention:
        """What this cause calls for."""
        return INTERVENTIONS[self.cause]

    def to_json(self) -> dict[str, object]:
        """The JSON form: ``cause``, ``intervention``, ``advice``, ``because``, ``steps``."""
        return {
            "cause": self.cause,
            "intervention": self.intervention,
            "advice": ADVICE[self.intervention],
            "because": self.because,
            "steps": [
                {"question": one.question, "answer": one.answer, "evidence": [_reason(each) for each in one.evidence]}
                for one in self.steps
            ],
        }


def unknown(reason: str, text: str, steps: Sequence[Step] = ()) -> Diagnosis:
    """No diagnosis, and why."""
    return Diagnosis("unknown", text, tuple(steps) or (Step(BROKEN, "unknown", (_why(reason, text),)),))


def diagnose(history: History, *, rng: np.random.Generator) -> Diagnosis:
    """Walk the tree: broken data, skew, one subpopulation, sudden or gradual or seasonal, shift or relationship.

    Every question is answered, whatever an earlier answer was, so that a person sees all of it; the first cause in
    this order counts. A release that is proven worse than the one before it counts before the last three. ``rng``
    draws the histories that bounds stand on.
    """
    halves = split(history, rng)
    if isinstance(halves, Unknown):
        few = len(history.days)
        text = f"{plural(few, 'day')} that the version was not trained on, too few to compare"
        return unknown(halves.reason, f"{text}: {LEAST_BEFORE} are needed before a change, 3 after it")
    sides = _sides(history.rows, halves)
    skewed, skew_step = _skew(halves)
    broken = _broken(history.rows, halves, frozenset(skewed))
    segment, segment_step = _segment(history, sides)
    timing = timing_of(history, halves)
    parts, why_step = _parts(history, sides, rng)
    risen = _risen(sides, parts)
    steps = (broken, skew_step, segment_step, Step(WHEN, timing.answer, timing.evidence), why_step)
    first = _first_cause(broken, skewed, timing, segment, history.unit)
    cause, because = first or _late_cause(halves, timing, parts, risen, sides, history.unit)
    return Diagnosis(cause, because, steps)


def _first_cause(
    broken: Step, skewed: Mapping[str, str], timing: Timing, segment: Segment | None, unit: str
) -> tuple[CauseName, str] | None:
    """A cause that does not hang on why the whole loss rose."""
    if broken.answer == "yes":
        return "broken_data", _sentence(broken.evidence)
    if skewed:
        return "skew", "; ".join(skewed.values())
    if timing.worse_release is not None:
        return "bad_release", timing.worse_release.text
    if segment is not None and segment.alone:
        return "one_segment", _of_segment(segment, unit).text
    return None


def _late_cause(
    halves: Split,
    timing: Timing,
    parts: Decomposition | Unknown,
    risen: Interval | None,
    sides: tuple[Rows, Rows] | Unknown,
    unit: str,
) -> tuple[CauseName, str]:
    """What the rise of the whole loss says, if there is one."""
    if isinstance(sides, Unknown) or risen is None:
        reason = sides.reason if isinstance(sides, Unknown) else "too_few_labels"
        return "unknown", f"no labelled rows on both sides of {halves.since} to compare ({reason})"
    told = f"the loss changed by {figure(risen.value)} {unit} ({figure(risen.low)} to {figure(risen.high)})"
    proven = _proven(parts, sides[0])
    if risen.low <= 0.0 and not proven:
        skill = next((f"; {one.text}" for one in timing.evidence if one.code == "skill"), "")
        return "nothing", f"{told} since {halves.since}: no rise is proven{skill}"
    if timing.answer == "seasonal":
        return "seasonal", f"{told} since {halves.since}, as a year before"
    if isinstance(parts, Unknown):
        return "unknown", f"{told} since {halves.since}; its parts are unknown ({parts.reason})"
    if not proven:
        return "unknown", f"{told} since {halves.since}; none of its parts is proven"
    main = max(proven, key=lambda name: getattr(parts, name).value)
    part: Interval = getattr(parts, main)
    said = f"{told} since {halves.since}, of which {figure(part.value)} ({figure(part.low)} to {figure(part.high)})"
    if main == "inputs":
        return "covariate_shift", f"{said} by other shares of inputs that were known"
    if main == "unseen":
        return "unseen_inputs", f"{said} by inputs never seen before"
    name: CauseName = "gradual_drift" if timing.answer == "gradual" else "sudden_change"
    return name, f"{said} by other outcomes for the same inputs"


def _proven(parts: Decomposition | Unknown, before: Rows) -> list[str]:
    """The parts that surely add to the loss; where the whole rise is lost in what days differ by, only large ones."""
    if isinstance(parts, Unknown):
        return []
    least = 0.0 if parts.total.low > 0.0 else LARGE_PART * float(before.losses.mean())
    return [name for name in PARTS if getattr(parts, name).low > 0.0 and getattr(parts, name).value >= least]


def _sides(rows: Rows | Unknown, halves: Split) -> tuple[Rows, Rows] | Unknown:
    if isinstance(rows, Unknown):
        return rows
    before, after = rows.of_days(halves.before).labelled, rows.of_days(halves.after).labelled
    if not before.days.size or not after.days.size:
        return Unknown("no_labels_yet")
    return before, after


def _broken(rows: Rows | Unknown, halves: Split, skewed: frozenset[str]) -> Step:
    found = breaks_of_days(halves.before, halves.lately)
    if not isinstance(rows, Unknown):
        found += breaks_of_rows(rows.of_days(halves.before), rows.of_days(halves.lately))
    ours = tuple(one for one in found if not (one.code in _OF_VALUES and one.text.split(" ")[0] in skewed))
    if ours:
        return Step(BROKEN, "yes", ours)
    if isinstance(rows, Unknown):
        text = f"days show no break; values could not be looked at ({rows.reason})"
        return Step(BROKEN, "not as far as known", (_why(rows.reason, text),))
    features = len(rows.columns)
    text = f"{plural(len(halves.lately), 'day')} from {halves.lately[0].day} beside {len(halves.before)} before"
    left = f"; {len(found)} findings are of skewed features" if found else ""
    return Step(BROKEN, "no", (_why("no_break", f"{text}, {plural(features, 'feature')}: nothing broken{left}"),))


_OF_VALUES = frozenset({"missing", "unit", "stuck", "recoded", "swapped"})


def _skew(halves: Split) -> tuple[dict[str, str], Step]:
    """Features that surely differ from what tables give, and more than they always did."""
    now = [day.skew for day in halves.lately if day.skew is not None]
    then = [day.skew for day in halves.before if day.skew is not None]
    names = sorted({name for day in now for name in day.differing})
    rates = {name: rate for name in names if (rate := skew_rate_or_none(name, now)) is not None}
    if not rates:
        text = "no served row of these days was recomputed"
        return {}, Step(SKEWED, "unknown", (_why("no_rows_recomputed", text),))
    found, standing, evidence = dict[str, str](), [], []
    for name, rate in rates.items():
        if rate.interval.low <= SKEW_LIMIT:
            continue
        usual = skew_rate_or_none(name, then)
        cause = main_cause(name, now)
        text = (
            f"{name} differs from what tables give in {100 * rate.interval.value:.3g} % of"
            f" {plural(rate.interval.rows, 'row')}"
        )
        text += f" ({cause.name}: {cause.evidence})" if cause else ""
        if usual is not None and rate.interval.value <= usual.interval.high:
            standing.append(Reason("standing_skew", rate.interval.value, usual.interval.high, f"{text}, as before"))
            continue
        found[name] = text
        evidence.append(Reason("skew", rate.interval.low, SKEW_LIMIT, text))
    if found or standing:
        return found, Step(SKEWED, "yes" if found else "as ever", (*evidence, *standing))
    most = max(rate.interval.high for rate in rates.values())
    rows = max(rate.interval.rows for rate in rates.values())
    text = f"no feature surely differs in more than {100 * SKEW_LIMIT:g} % of rows; {rows} recomputed,"
    return {}, Step(SKEWED, "no", (Reason("no_skew", most, SKEW_LIMIT, f"{text} at most {100 * most:.3g} % differ"),))


def _segment(history: History, sides: tuple[Rows, Rows] | Unknown) -> tuple[Segment | None, Step]:
    found = sides if isinstance(sides, Unknown) else _attempt(lambda: _known_segment(history, *sides))
    if isinstance(found, Unknown):
        return None, _not_told(SEGMENT, found)
    if found is None:
        text = "no group of rows grew worse than the rest by more than chance"
        return None, Step(SEGMENT, "no", (_why("no_segment", text),))
    return found, Step(SEGMENT, "yes" if found.alone else "no, the rest as well", (_of_segment(found, history.unit),))


def _known_segment(history: History, before: Rows, after: Rows) -> Segment | Unknown | None:
    """Among the rows whose like came before: what never came cannot have grown worse."""
    return worst_segment(history.profile, before, after.take(~_unseen(history, before, after)))


def _unseen(history: History, before: Rows, after: Rows) -> Booleans:
    marks = np.zeros(after.days.size, dtype=np.bool_)
    for one in never_seen(history.profile, before, after).values():
        marks |= one
    return marks


def _of_segment(one: Segment, unit: str) -> Reason:
    text = f"{one.feature} {one.group} ({100 * one.share:.3g} % of rows) costs {figure(one.rise.value)} {unit} more,"
    text += f" the rest {figure(one.rest.value)} ({figure(one.rest.low)} to {figure(one.rest.high)});"
    text += f" {one.found} of {plural(one.looked_at, 'group')} stand out"
    return Reason("segment", one.excess.effect, 0.0, text)


def _parts(
    history: History, sides: tuple[Rows, Rows] | Unknown, rng: np.random.Generator
) -> tuple[Decomposition | Unknown, Step]:
    if isinstance(sides, Unknown):
        return sides, _not_told(WHY, sides)
    found = _attempt(lambda: _decomposed(history, *sides, rng))
    if isinstance(found, Unknown):
        return found, _not_told(WHY, found)
    words = {"inputs": "other shares of known inputs", "relationship": "other outcomes for the same inputs"}
    words["unseen"] = f"inputs never seen ({100 * found.unseen_share:.3g} % of rows)"
    evidence = [_part("total", "the loss", found.total, history.unit)]
    evidence += [_part(name, words[name], getattr(found, name), history.unit) for name in PARTS]
    text = f"old and new inputs overlap by {found.overlap:.2f}"
    evidence.append(Reason("overlap", found.overlap, None, text))
    evidence += _names_unseen(history, sides)
    proven = {name: getattr(found, name).value for name in _proven(found, sides[0])}
    answers = {"inputs": "covariate shift", "relationship": "changed relationship", "unseen": "unseen inputs"}
    if found.total.low <= 0.0 and not proven:
        return found, Step(WHY, "neither: no rise is proven", tuple(evidence))
    answer = answers[max(proven, key=lambda name: proven[name])] if proven else "cannot be told apart"
    return found, Step(WHY, answer, tuple(evidence))


def _decomposed(history: History, before: Rows, after: Rows, rng: np.random.Generator) -> Decomposition:
    (old, sizes), (new, _) = bins_of_rows(history.profile, before), bins_of_rows(history.profile, after)
    first, second = (
        Labelled(bins, side.losses, side.days) for bins, side in zip((old, new), (before, after), strict=True)
    )
    return decompose(first, second, sizes=sizes, unseen=_unseen(history, before, after), rng=rng)


def _names_unseen(history: History, sides: tuple[Rows, Rows]) -> list[Reason]:
    found = never_seen(history.profile, *sides)
    reasons = []
    for name, marks in sorted(found.items(), key=lambda each: -int(each[1].sum()))[:3]:
        share, example = float(marks.mean()), sides[1].columns[name][int(np.flatnonzero(marks)[0])]
        told = figure(float(example)) if isinstance(example, float) else example
        text = f"{name} has values never seen in {100 * share:.3g} % of rows, such as {told}"
        reasons.append(Reason("unseen_values", share, 0.0, text))
    return reasons


def _risen(sides: tuple[Rows, Rows] | Unknown, parts: Decomposition | Unknown) -> Interval | None:
    """By how much the loss rose: as the parts add up to, or by itself where they are unknown."""
    if not isinstance(parts, Unknown):
        return parts.total
    if isinstance(sides, Unknown):
        return None
    try:
        return rise_of(*sides)
    except NotEnoughData:
        return None


def _part(code: str, words: str, part: Interval, unit: str) -> Reason:
    text = f"{words}: {figure(part.value)} {unit} ({figure(part.low)} to {figure(part.high)})"
    return Reason(code, part.value, None, text)


def _attempt(work: Callable[[], T]) -> T | Unknown:
    try:
        return work()
    except NotEnoughData as error:
        return Unknown(f"{error.code}: {error.problem}")


def _not_told(question: str, why: Unknown) -> Step:
    code, _, text = why.reason.partition(": ")
    return Step(question, "unknown", (_why(code, text or code.replace("_", " ")),))


def _why(code: str, text: str) -> Reason:
    return Reason(code, None, None, text)


def _sentence(evidence: Sequence[Reason]) -> str:
    more = f" (and {len(evidence) - 2} more)" if len(evidence) > 2 else ""
    return "; ".join(one.text for one in evidence[:2]) + more


def _reason(one: Reason) -> dict[str, object]:
    return {"code": one.code, "observed": one.observed, "limit": one.limit, "text": one.text}
