"""Drift of one day: every distance from the reference, over the day and over the weeks that end with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile
from homeostat.monitoring.detectors import drift
from homeostat.monitoring.drift_limits import Key, Kind, Limit
from homeostat.monitoring.signals import Signal, Unknown
from homeostat.monitoring.windows import Window
from homeostat.stats.drift.window_distances import MEASURES, OF_NUMBERS

Counted = Mapping[str, Profile]
"""A window's rows over the bins of the reference, by subject: a feature, or the prediction."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """One distance of every subject from the reference, over the last ``span`` days.

    ``values`` is None where unknown, and ``unknown`` says why. ``limits`` are earned on the reference's own days, but
    for the subjects in ``kinds``, whose limit is "reached" or "customary" as ``why`` says; see `drift_limits.Limit`.
    ``blocks``: on how many independent days or weeks each limit stands. ``season``: the reference are the training's
    rows of the same weeks a year before, and no others.
    """

    measure: str
    span: int
    values: Mapping[str, float | None]
    limits: Mapping[str, float]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, float] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    season: bool = False

    @property
    def above(self) -> tuple[str, ...]:
        """The subjects above their limits, the furthest first; what is unknown is not among them.

        >>> Drifted("psi", 1, {"hour": 0.3, "carrier": 0.1, "dest": None}, {"hour": 0.2, "carrier": 0.2}).above
        ('hour',)
        """
        known = {name: value for name, value in self.values.items() if value is not None and name in self.limits}
        ratio = {name: value / max(self.limits[name], 1e-12) for name, value in known.items()}
        return tuple(sorted((name for name in ratio if ratio[name] > 1.0), key=lambda name: -ratio[name]))


def drifted(
    reference: ReferenceProfile, windows: Mapping[int, Counted | None], day: Window, limits: Mapping[Key, Limit]
) -> tuple[Drifted, ...]:
    """Every measure over windows of every span; None for a window of which some days are not known.

    A subject that was not counted in a window is unknown there. Raises: Conflict when bins differ.
    """
    every = {**reference.features, PREDICTION: reference.prediction}
    found = []
    for span, counted in windows.items():
        signals = [one for name, profile in every.items() for one in _signals(name, profile, counted, day)]
        found += [told_of(measure, span, signals, limits) for measure in MEASURES]
    return tuple(found)


def _signals(name: str, reference: Profile, counted: Counted | None, day: Window) -> tuple[Signal, ...]:
    if counted is not None and name in counted:
        return drift(name, reference, counted[name], day)
    why = Unknown("too_few_days" if counted is None else "not_counted")
    names = [measure for measure in MEASURES if reference.kind == "number" or measure not in OF_NUMBERS]
    return tuple(Signal(measure, name, day, why) for measure in names)


def told_of(
    measure: str, span: int, signals: Sequence[Signal], limits: Mapping[Key, Limit], *, season: bool = False
) -> Drifted:
    """One measure of all these signals, each beside its limit."""
    mine = [one for one in signals if one.name == measure]
    of = {one.subject: limits[span, measure, one.subject] for one in mine}
    return Drifted(
        measure=measure,
        span=span,
        values={one.subject: one.known for one in mine},
        limits={name: limit.value for name, limit in of.items()},
        kinds={name: limit.kind for name, limit in of.items() if limit.kind != "earned"},
        why={name: limit.why for name, limit in of.items() if limit.why},
        blocks={name: round(limit.blocks, 1) for name, limit in of.items()},
        unknown={one.subject: one.value.reason for one in mine if isinstance(one.value, Unknown)},
        season=season,
    )
