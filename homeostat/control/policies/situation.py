"""All that a policy may look at, as one frozen value: what is stored with a decision, and replayed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from homeostat.control.state import Question
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class Look:
    """Skill over the days up to ``day``; None where it is not defined there."""

    day: str
    skill: Interval | None


@dataclass(frozen=True, slots=True)
class Trailing:
    """Realised skill over ``trail`` days of matured outcomes, with bounds at ``confidence``; looks oldest first."""

    trail: int
    confidence: float
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class DriftWindow:
    """One drift signal of every feature over the ``span`` days that end with ``day``; None where it is unknown.

    ``limits`` are those of the day itself: earned on the champion's own training days, but for the features in
    ``kinds``, whose limit is ``reached`` or ``customary``.
    """

    signal: str
    span: int
    day: str
    values: Mapping[str, float | None]
    limits: Mapping[str, float]
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What age and retraining cost, from the loop's own history and its declared prices.

    ``lost``: money that age costs a day, as of each of the last days, oldest first. ``bearable``: what a day costs at
    the best interval of retraining, ``interval`` days, staleness and retraining with its risk together; None where no
    interval pays. ``each``: what one retraining spends, without its risk. What is not known says why in ``unknown``
    and ``each_unknown``, and ``asks`` names the inputs of ``hs.Economics`` that lack.
    """

    currency: str | None
    lost: tuple[float, ...] = ()
    bearable: float | None = None
    interval: float | None = None
    basis: str = ""
    unknown: str = ""
    each: float | None = None
    each_unknown: str = ""
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """A loop as a policy sees it. ``now`` and ``since`` are instants; ``local`` is ``now`` in the loop's time zone.

    ``since``: when the last retraining was asked for. ``promise``: the champion's skill when it was evaluated.
    ``realised`` and ``estimated``: its skill since then, with labels and before them; ``estimated`` is None without an
    estimator. ``labelled``: rows whose labels matured since then, as of each of the last matured days; ``learnt``: rows
    that the champion learnt from. ``drift``: of the last days against the champion's reference. ``trainings``: those
    asked for this month. ``asked``: what a person was asked about retraining. All tuples run from old to new, and hold
    no more than the policy they were read for needs.
    """

    now: Instant
    local: str
    champion: str
    since: Instant
    promise: Interval | None
    realised: tuple[Trailing, ...] = ()
    estimated: tuple[Look, ...] | None = None
    labelled: tuple[int, ...] = ()
    drift: tuple[DriftWindow, ...] = ()
    outlook: Outlook | None = None
    trainings: int = 0
    asked: Question | None = None
    learnt: int | None = None

    def looks(self, trail: int, confidence: float) -> tuple[Look, ...]:
        """Realised skill over so many days; empty where it was not read."""
        for one in self.realised:
            if (one.trail, one.confidence) == (trail, confidence):
                return one.looks
        return ()

    def drifted(self, signal: str, span: int) -> tuple[DriftWindow, ...]:
        """One drift signal, window by window; empty where it was not read."""
        return tuple(one for one in self.drift if (one.signal, one.span) == (signal, span))

    def to_json(self) -> dict[str, Any]:
        """The JSON form, one key per field."""
        form: dict[str, Any] = plain(self)
        return form

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Situation:
        """Read ``to_json`` back. Raises: InvalidInput for what is none.

        >>> seen = Situation(0, "1970-01-01T00:00", "v1", 0, None)
        >>> Situation.from_json(seen.to_json()) == seen
        True
        """
        try:
            return msgspec.convert(form, cls)
        except msgspec.ValidationError as error:
            raise InvalidInput(f"This is no situation: {error}.", mend="Read what to_json wrote.") from error
