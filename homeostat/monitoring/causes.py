"""Why served values differ: explanations are tried on the differing rows, and the one that fits is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from homeostat.features.definitions import FeatureSet
from homeostat.features.parity import plain_value, unequal
from homeostat.features.views import Feature
from homeostat.monitoring.explanations import (
    REACH,
    Explanation,
    Tables,
    between,
    earlier_cuts,
    filled,
    freezing_points,
    frozen_cuts,
    missing_values,
    other_definitions,
    shown,
)
from homeostat.monitoring.served import Examined, ReadFacts, facts_needed
from homeostat.monitoring.skew import Cause

Libraries = Callable[[str], Mapping[str, str | None] | None]
FITS = 0.8
"""The share of the differing rows that an explanation must give to the last bit (sums: 1e-9) to be named."""
_ROWS = 40
"""Differing rows of each feature that explanations are tried on."""


def find_causes(
    features: FeatureSet,
    seen: Examined,
    read: ReadFacts,
    *,
    environment: str = "",
    libraries: Libraries = lambda _: None,
) -> dict[str, Cause]:
    """The cause class of every feature that differs, with its evidence.

    In this order, the first that fits: the stale sequence that was logged, another time cut or definition
    (whichever explains more rows), a constant for what is missing, other libraries, a difference that is at least
    consistent. What nothing explains is said to be so. ``environment`` is the hash of the libraries that recompute;
    ``libraries`` tells the versions behind such a hash, None where they were not kept.
    """
    names = [name for name in features.names if seen.wrong[name].any()]
    if not names:
        return {}
    chosen = seen.take(_some_rows(seen, names))
    tables = facts_needed(features, chosen.asked_at, chosen.served_at, chosen.due, read, more=REACH)
    tried = _tried(features, chosen, tables, names)
    by_name = {feature.name: feature for feature in features.features}
    best = {name: _best(by_name[name], chosen, tried) for name in names}
    shared = _shared(features, best)
    found = {}
    for name in names:
        one = best[name] or _first_fit(by_name[name], chosen, shared.get(name, ()))
        one = one or _first_fit(by_name[name], chosen, filled(chosen, name))
        found[name] = (
            _named(by_name[name], chosen, one) if one else _other_cause(by_name[name], seen, environment, libraries)
        )
    return _of_arguments(features, found)


def _some_rows(seen: Examined, names: Sequence[str]) -> NDArray[np.int64]:
    parts = []
    for name in names:
        rows = np.flatnonzero(seen.wrong[name])
        parts.append(rows[np.linspace(0, rows.size - 1, min(rows.size, _ROWS)).astype(np.int64)])
    return np.unique(np.concatenate(parts))


def _tried(features: FeatureSet, seen: Examined, tables: Tables, names: Sequence[str]) -> list[Explanation]:
    tried = earlier_cuts(features, seen, tables)
    instants = freezing_points(int(seen.served_at.min()))
    coarse = frozen_cuts(features, seen, tables, instants)
    fits = [_overall(features, seen, one, names) for one in coarse]
    finer = between(instants, instants[int(np.argmax(fits))])
    tried += coarse + frozen_cuts(features, seen, tables, finer)
    return tried + list(other_definitions(features, seen, tables, set(names)))


def _shared(features: FeatureSet, best: Mapping[str, Explanation | None]) -> dict[str, list[Explanation]]:
    """Per feature the time cuts that explain others of the same table: one store serves them all."""
    cuts: dict[str, list[Explanation]] = {}
    tables = {feature.name: view.table.name for view in features.views for feature in view.features}
    for name, one in best.items():
        if one is not None and one.cause == "time_cutoff" and name in tables:
            cuts.setdefault(tables[name], []).append(one)
    return {name: cuts.get(table, []) for name, table in tables.items()}


def _other_cause(feature: Feature, seen: Examined, environment: str, libraries: Libraries) -> Cause:
    return (
        _libraries(feature.name, seen, environment, libraries)
        or _one_side_missing(feature.name, seen)
        or _consistent(feature, seen)
        or Cause("unexplained", f"no explanation tried fits; {_example(feature.name, seen)}")
    )


def _best(feature: Feature, seen: Examined, tried: Iterable[Explanation]) -> Explanation | None:
    """The one that fits most rows, of those that say something; what was logged comes first."""
    scored = [(one, _fit(feature, seen, one)) for one in tried if feature.name in one.columns]
    telling = _tells(feature, seen)
    fitting = [(one, fit) for one, fit in scored if fit >= FITS and (telling or one.logged)]
    return max(fitting, key=lambda pair: (pair[0].logged, pair[1]))[0] if fitting else None


def _first_fit(feature: Feature, seen: Examined, tried: Iterable[Explanation]) -> Explanation | None:
    return next((one for one in tried if _fit(feature, seen, one) >= FITS), None)


def _fit(feature: Feature, seen: Examined, one: Explanation) -> float:
    wrong = seen.wrong[feature.name]
    matched = ~unequal(feature, seen.served[feature.name], one.columns[feature.name])
    return float(matched[wrong].mean()) if wrong.any() else 0.0


def _overall(features: FeatureSet, seen: Examined, one: Explanation, names: Sequence[str]) -> float:
    return sum(_fit(feature, seen, one) for feature in features.features if feature.name in names)


def _tells(feature: Feature, seen: Examined) -> bool:
    """Whether a fit says anything: whatever is old enough is missing or 0, as is whatever is not found."""
    served = seen.served[feature.name][seen.wrong[feature.name]]
    return any(plain_value(value) not in (None, 0.0) for value in served.tolist())


def _named(feature: Feature, seen: Examined, one: Explanation) -> Cause:
    rows = int(seen.wrong[feature.name].sum())
    fitting = round(_fit(feature, seen, one) * rows)
    says = f"{fitting} of {rows} differing rows equal {one.says}" if one.says.startswith("offline") else None
    says = says or f"{one.says} in {fitting} of {rows} differing rows"
    return Cause(one.cause, f"{says}; {_example(feature.name, seen)}")


def _libraries(name: str, seen: Examined, environment: str, libraries: Libraries) -> Cause | None:
    """Other libraries, when every differing row was computed by others and no row by these differs."""
    wrong, own = seen.wrong[name], seen.environment == environment
    known = bool(environment) and (seen.environment[wrong] != "").all()
    if not known or (wrong & own).any():
        return None
    theirs = sorted({str(one) for one in seen.environment[wrong]})
    short = ", ".join(one[:12] for one in theirs)
    text = f"every differing row was computed in environment {short}, recomputed in {environment[:12]}"
    changed = _changed(libraries(theirs[0]) or {}, libraries(environment) or {})
    text += f" ({changed})" if changed else ""
    agreeing = int((~wrong & own).sum())
    text += f"; all {agreeing} rows computed in the latter agree" if agreeing else ""
    return Cause("library_version", f"{text}; {_example(name, seen)}")


def _changed(theirs: Mapping[str, str | None], ours: Mapping[str, str | None]) -> str:
    """The libraries that differ between two environments that are both known."""
    if not theirs or not ours:
        return ""
    names = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    return ", ".join(f"{name} {theirs.get(name) or 'absent'} then, {ours.get(name) or 'absent'} now" for name in names)


def _one_side_missing(name: str, seen: Examined) -> Cause | None:
    wrong = seen.wrong[name]
    gone = [missing_values(side[wrong]) for side in (seen.served[name], seen.recomputed[name])]
    rows = int(wrong.sum())
    for absent, text in ((gone[0], "served missing where offline has a value"), (gone[1], "served a value where none")):
        if absent.mean() >= FITS:
            return Cause("missing_handling", f"{text} in {int(absent.sum())} of {rows}; {_example(name, seen)}")
    return None


def _consistent(feature: Feature, seen: Examined) -> Cause | None:
    """A difference that goes one way, or values that still rise and fall together: another statistic."""
    wrong = seen.wrong[feature.name]
    served, again = seen.served[feature.name][wrong], seen.recomputed[feature.name][wrong]
    if feature.kind == "text" or len(served) < 3:
        return None
    both = ~np.isnan(served) & ~np.isnan(again)
    if both.sum() < 3:
        return None
    change = served[both] - again[both]
    one_way = max(float((change > 0).mean()), float((change < 0).mean()))
    alike = _rank_correlation(served[both], again[both])
    if one_way < 0.9 and alike < 0.5:
        return None
    text = f"served is {np.median(change):+.4g} at the median, rank correlation {alike:.2f}"
    text += f" over {int(both.sum())} differing rows"
    return Cause("different_statistics", f"{text}; {_example(feature.name, seen)}")


def _rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    first, second = (np.argsort(np.argsort(side, kind="stable"), kind="stable") for side in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def _of_arguments(features: FeatureSet, found: Mapping[str, Cause]) -> dict[str, Cause]:
    """A transform that nothing else explains differs because its arguments do."""
    told = dict(found)
    for one in features.transforms:
        guilty = [name for name in one.arguments if name in told]
        cause = told.get(one.name)
        if cause is not None and guilty and cause.name != told[guilty[0]].name:
            told[one.name] = Cause(told[guilty[0]].name, f"made of {guilty[0]}, which differs")
    return told


def _example(name: str, seen: Examined) -> str:
    row = int(np.flatnonzero(seen.wrong[name])[0])
    served, again = (plain_value(side[name][row]) for side in (seen.served, seen.recomputed))
    return f"as in {seen.ids[row]}: served {shown(served)}, recomputed {shown(again)}"
