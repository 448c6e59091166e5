"""Compares a day's served rows with what the champion was trained on, against limits earned on those very days."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
import pyarrow as pa

from homeostat.app.control.scoring import read_profile
from homeostat.control.counted_windows import Counts, counted_before, together
from homeostat.control.days import Counted, Day
from homeostat.data.daily import DailyCounts
from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile
from homeostat.data.weights import evened
from homeostat.features.views import FeatureKind
from homeostat.monitoring.drift_limits import DriftLimits, Key, Limit, drift_limits, fitting_rows
from homeostat.monitoring.drifting import Drifted, drifted
from homeostat.monitoring.seasons import LONGEST, beside_season, season_before
from homeostat.monitoring.served import served_columns
from homeostat.monitoring.windows import Window, day_of
from homeostat.registry.manifest import DAILY
from homeostat.registry.models import Registry

_LATELY = 7
"""Days that say how full a day usually is."""


@dataclass(frozen=True, slots=True)
class DriftSeen:
    """Every distance with its limit, what a plot of each subject needs, and of how many each counted row is one."""

    drift: tuple[Drifted, ...] = ()
    counted: Mapping[str, Counted] = field(default_factory=dict)
    one_in: int = 1

    def daily(self, measure: str) -> dict[str, float | None]:
        """One measure of every feature over the day alone."""
        found = next((one.values for one in self.drift if (one.measure, one.span) == (measure, 1)), {})
        return {name: value for name, value in found.items() if name != PREDICTION}

    @property
    def prediction(self) -> float | None:
        """The PSI of the predictions over the day alone."""
        return next((one.values[PREDICTION] for one in self.drift if (one.measure, one.span) == ("psi", 1)), None)


@dataclass(slots=True)
class DriftWatch:
    """Watches one loop; it keeps what the champion was trained on, and the limits earned on it."""

    loop: str
    watched: DriftLimits
    registry: Registry
    timezone: str = "UTC"
    _of: str | None = field(init=False, default=None)
    _reference: ReferenceProfile | None = field(init=False, default=None)
    _daily: DailyCounts | None = field(init=False, default=None)
    _limits: dict[float | None, dict[Key, Limit]] = field(init=False, default_factory=dict)

    def look(
        self, champion: str, inputs: Mapping[str, FeatureKind], log: pa.Table, days: Sequence[Day], part: Window
    ) -> DriftSeen:
        """The drift of a day's rows, and of the weeks that end with it; ``days`` are those before, oldest first."""
        reference = self._open(champion)
        plain, one_in = evened(log)
        seen = reference.count(served_columns(plain, inputs), plain["probability"].to_numpy())
        today = {**seen.features, PREDICTION: seen.prediction}
        most = max(_LATELY, *self.watched.spans) - 1
        counted_days = [*counted_before(champion, days, reference, part.start, most), today]
        windows = {span: together(counted_days, span) for span in self.watched.spans}
        lately = [sum(one[PREDICTION].counts) for one in counted_days[-_LATELY:] if PREDICTION in one]
        found = drifted(reference, windows, part, self._limits_for(float(median(lately))))
        found += self._beside_season(reference, champion, windows, part)
        counted = {name: _times(profile, one_in) for name, profile in today.items()}
        return DriftSeen(found, counted, one_in)

    def _open(self, version: str) -> ReferenceProfile:
        if self._reference is None or self._of != version:
            folder = self.registry.folder(self.loop, version)
            self._reference, self._daily, self._limits = read_profile(folder), read_daily(folder), {}
            self._of = version
        return self._reference

    def _beside_season(
        self, reference: ReferenceProfile, version: str, windows: Mapping[int, Counts | None], part: Window
    ) -> tuple[Drifted, ...]:
        """The longest window of at most four weeks beside the same weeks a year before, if training holds them."""
        span = max(one for one in self.watched.spans if one <= LONGEST)
        counted = windows[span]
        if self._daily is None or counted is None:
            return ()
        newest = date.fromisoformat(day_of(self.registry.get(self.loop, version).pin.last, self.timezone))
        day = date.fromisoformat(part.name)
        season = season_before(reference, self._daily, newest.toordinal(), day.toordinal(), span)
        return () if season is None else beside_season(season, counted, part, span, self.watched.customary)

    def _limits_for(self, rows: float) -> dict[Key, Limit]:
        """Limits for days of about so many rows: of a version always the same."""
        size = fitting_rows(self._daily, rows)
        if size not in self._limits:
            assert self._reference is not None
            seed = hashlib.sha256(f"{self.loop}/{self._of}/{size}".encode()).digest()
            rng = np.random.default_rng(list(seed))
            self._limits[size] = drift_limits(self._reference, self._daily, self.watched, rng, rows=size)
        return self._limits[size]


def read_daily(folder: Path) -> DailyCounts | None:
    """The days of a version's reference; None for a version that was made before they were kept."""
    path = folder / DAILY
    return DailyCounts.from_json(msgspec.json.decode(path.read_bytes())) if path.is_file() else None


def _times(profile: Profile, each: int) -> Counted:
    return Counted(tuple(count * each for count in profile.counts), profile.missing * each)
