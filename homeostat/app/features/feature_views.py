"""What people are shown of features: their distribution by day against the reference, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homeostat.app.shown.loop_views import feature_skew
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.data.profiles import Profile, ReferenceProfile
from homeostat.features.views import describe
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.detectors import FALLBACK_LIMITS

Json = dict[str, Any]
References = Mapping[str, ReferenceProfile]
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
RECENT = 7
"""Days over which the shares in the list are taken."""


def features_of(loop: Loop, days: Sequence[Day], references: References) -> list[Json]:
    """Every feature in order, with its definition, its last drift and its recent missing share."""
    origins = _origins(loop)
    return [{**origins[name], **_recent(loop, name, days, references)} for name in loop.feature_set.names]


def feature_of(loop: Loop, name: str, days: Sequence[Day], references: References) -> Json:
    """One feature by day: counts over its reference's bins, quantiles of a number, missing share and drift."""
    profiles = {
        version: reference.features[name]
        for version, reference in references.items()
        if name in reference.features and version in days_with(days)
    }
    return {
        **_origins(loop)[name],
        **_recent(loop, name, days, references),
        "quantiles": list(QUANTILES),
        "references": {version: _reference(profile) for version, profile in profiles.items()},
        "days": [_day(loop, name, day, profiles.get(day.inputs.reference or "")) for day in days],
    }


def _origins(loop: Loop) -> dict[str, Json]:
    """Where each feature comes from, by its name."""
    features = loop.feature_set
    found: dict[str, Json] = {}
    for one in features.selected:
        found[one.name] = {"how": "question", "definition": f"column of {features.question.name}", "table": None}
    for view in features.views:
        how = type(view).__name__.lower()
        for one in view.features:
            found[one.name] = {"how": how, "definition": describe(view), "table": view.table.name}
    for each in features.transforms:
        definition = f"{each.name}({', '.join(each.arguments)})"
        found[each.name] = {"how": "transform", "definition": definition, "table": None}
    return {name: {"feature": name, "kind": features.kinds[name], **told} for name, told in found.items()}


def _recent(loop: Loop, name: str, days: Sequence[Day], references: References) -> Json:
    """The last known drift, and shares over the last days that have rows."""
    drifted = next((day for day in reversed(days) if day.inputs.psi.get(name) is not None), None)
    counted = [(day, day.inputs.counted[name]) for day in days if name in day.inputs.counted]
    lately = [one for _, one in counted if one.rows][-RECENT:]
    rows = sum(one.rows for one in lately)
    version = counted[-1][0].inputs.reference if counted else None
    reference = references[version].features.get(name) if version and version in references else None
    return {
        "psi": drifted.inputs.psi[name] if drifted else None,
        "limit": _limit(name, drifted) if drifted else None,
        "ks": drifted.inputs.ks.get(name) if drifted else None,
        "measured": drifted.day if drifted else None,
        "reference": version,
        "missing": sum(one.missing for one in lately) / rows if rows else None,
        "reference_missing": _missing(reference) if reference else None,
        "rows": rows,
        "defaulted": _defaulted(loop, name, [day for day in days if day.inputs.rows][-RECENT:]),
        "skew": _skew(name, days[-RECENT:]),
    }


def _defaulted(loop: Loop, name: str, days: Sequence[Day]) -> float | None:
    """The share of rows for which the declared default stood in; None for a feature that declares none."""
    rows = sum(day.inputs.rows for day in days)
    declared = any(one.name == name and one.default is not None for one in loop.feature_set.features)
    return sum(day.inputs.defaulted.get(name, 0) for day in days) / rows if declared and rows else None


def _skew(name: str, days: Sequence[Day]) -> Json:
    """The share of recomputed rows whose value differs, with its bounds and cause; null where none was looked at."""
    told = feature_skew(name, [day.skew for day in days if day.skew is not None])
    return {part: told[part] for part in ("rate", "low", "high", "rows", "differing", "cause", "evidence")}


def _day(loop: Loop, name: str, day: Day, profile: Profile | None) -> Json:
    counted = day.inputs.counted.get(name)
    told = profile if counted and profile and len(counted.counts) == len(profile.counts) else None
    return {
        "day": day.day,
        "reference": day.inputs.reference if told else None,
        "rows": day.inputs.rows,
        "counts": list(counted.counts) if counted and told else None,
        "quantiles": _quantiles(told.filled(counted.counts, counted.missing)) if counted and told else None,
        "missing": counted.missing / counted.rows if counted and counted.rows else None,
        "psi": day.inputs.psi.get(name),
        "limit": _limit(name, day),
        "ks": day.inputs.ks.get(name),
        "defaulted": _defaulted(loop, name, [day]),
        "skew": _skew(name, [day]),
    }


def _limit(name: str, day: Day) -> float:
    """The limit of the day's PSI; the customary one for days that were measured before limits were kept."""
    found = next((one.limits.get(name) for one in day.inputs.drift if (one.measure, one.span) == ("psi", 1)), None)
    return FALLBACK_LIMITS["psi"] if found is None else found


def _reference(profile: Profile) -> Json:
    return {
        "kind": profile.kind,
        "edges": list(profile.edges),
        "categories": list(profile.categories),
        "counts": list(profile.counts),
        "missing": _missing(profile),
        "quantiles": _quantiles(profile),
    }


def _quantiles(profile: Profile) -> list[float] | None:
    try:
        return list(profile.quantiles(QUANTILES)) if profile.kind == "number" else None
    except NotEnoughData:
        return None


def _missing(profile: Profile) -> float | None:
    return profile.missing_share() if profile.rows else None


def days_with(days: Iterable[Day]) -> set[str]:
    """The versions that any of the days were compared with."""
    return {day.inputs.reference for day in days if day.inputs.reference}
