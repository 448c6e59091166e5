"""Every distance of a window from the reference, each with what it may hide, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from homeostat.data.profiles import Profile
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.categories import new_categories, vanished_categories
from homeostat.monitoring.detectors import FALLBACK_LIMITS, MIN_ROWS, drift
from homeostat.monitoring.signals import EXCEEDED, Signal, Unknown, judge_at_most
from homeostat.monitoring.windows import Window
from homeostat.stats.drift.divergence import hellinger, jensen_shannon, kl_divergence, total_variation_of_shares
from homeostat.stats.drift.homogeneity import chi_square
from homeostat.stats.drift.transport import wasserstein_from_counts

ROWS_PER_BIN = 100
"""With fewer rows per bin on either side, chance alone shows a Jensen-Shannon distance of a twentieth or more."""
FIXED_LIMITS: Mapping[str, float] = MappingProxyType({**FALLBACK_LIMITS, "jensen_shannon": 0.1})
"""Customary limits on the size of an effect; no p-value is among them, which any difference passes with enough rows."""
_MOST_OUTSIDE = 0.5
_EVERYWHERE = (-math.inf, math.inf)


def distances(
    subject: str,
    reference: Profile,
    counted: Profile,
    window: Window,
    *,
    span: tuple[float, float] = _EVERYWHERE,
    min_rows: int = MIN_ROWS,
) -> tuple[Signal, ...]:
    """The signals of `drift`, and ``jensen_shannon``, ``kl``, ``hellinger``, ``total_variation``, ``chi_square``
    with its effect ``cramers_v``; of numbers ``wasserstein``, of texts ``new_share`` and ``vanished_share``.

    ``low`` and ``high`` bound what raw rows would show. ``span`` says between which values a number can lie, which
    closes the outer bins. Unknown are: all with too few rows, 100 per bin for what `drift` does not have; those of
    numbers over one bin, which hides everything; ``wasserstein`` where most rows lie in bins without an end;
    ``new_share`` where too few names were kept to bound it from both sides alike.
    Raises: Conflict when the bins differ.

    >>> day = Window(0, 86_400_000_000, "1970-01-01")
    >>> hours = Profile.of("hour", "number", list(range(24)) * 500)
    >>> found = distances("hour", hours, hours.count(list(range(2, 26)) * 500), day)
    >>> {one.name: round(one.known, 3) for one in found if one.known}["ks"]
    0.083
    """
    told = _Told(subject, reference, counted, window)
    signals = [told.unless_one_bin(one) for one in drift(subject, reference, counted, window, min_rows=min_rows)]
    signals += [told.of_shares(name, measure) for name, measure in _OF_SHARES.items()]
    signals += told.chi_square()
    signals += [told.wasserstein(span)] if reference.kind == "number" else [told.new(), told.vanished()]
    return tuple(signals)


def flagged(signals: Iterable[Signal], limits: Mapping[str, float] = FIXED_LIMITS) -> tuple[str, ...]:
    """The subjects of which some signal is above its limit, in their order; Unknown flags nothing, nor clears it."""
    above = [one for one in signals if one.name in limits and judge_at_most(one, limits[one.name]).name == EXCEEDED]
    return tuple(dict.fromkeys(one.subject for one in above))


_OF_SHARES: Mapping[str, Callable[..., float]] = MappingProxyType(
    {
        "jensen_shannon": jensen_shannon,
        "kl": kl_divergence,
        "hellinger": hellinger,
        "total_variation": total_variation_of_shares,
    }
)


class _Told:
    """Makes the signals of one feature and window."""

    def __init__(self, subject: str, reference: Profile, counted: Profile, window: Window) -> None:
        self._subject, self._reference, self._counted, self._window = subject, reference, counted, window
        self._why = _too_little(reference, counted)

    def unless_one_bin(self, signal: Signal) -> Signal:
        """What is counted over one bin is equal whatever happened, which is no reason to call it so."""
        if len(self._reference.counts) > 1 or signal.name == "missing_change" or signal.known is None:
            return signal
        return self._signal(signal.name, Unknown("one_bin"))

    def of_shares(self, name: str, measure: Callable[..., float]) -> Signal:
        """A distance that bins can only make smaller."""
        value = self._why or measure(self._reference.shares(), self._counted.shares())
        return self._signal(name, value, None if isinstance(value, Unknown) else value)

    def chi_square(self) -> Sequence[Signal]:
        """The statistic, which grows with the rows, and its effect, which does not."""
        names = ("chi_square", "cramers_v")
        if self._why:
            return [self._signal(name, self._why) for name in names]
        try:
            found = chi_square(self._reference.counts, self._counted.counts)
        except NotEnoughData:
            return [self._signal(name, Unknown("one_bin")) for name in names]
        return [self._signal(name, one, one) for name, one in zip(names, (found.statistic, found.effect), strict=True)]

    def wasserstein(self, span: tuple[float, float]) -> Signal:
        """The mean way of a row, where most rows lie between edges."""
        if self._why:
            return self._signal("wasserstein", self._why)
        edges = self._reference.edges
        lowest = min(span[0], math.nextafter(edges[0], -math.inf))
        highest = max(span[1], math.nextafter(edges[-1], math.inf))
        found = wasserstein_from_counts(
            self._reference.counts, self._counted.counts, edges, lowest=lowest, highest=highest
        )
        if found.outside > _MOST_OUTSIDE:
            return self._signal("wasserstein", Unknown("open_bins"), found.least)
        return self._signal("wasserstein", found.value, found.least, found.most if math.isfinite(found.most) else None)

    def new(self) -> Signal:
        """The share of rows with a category that the reference never had."""
        if self._why:
            return self._signal("new_share", self._why)
        try:
            found = new_categories(self._reference, self._counted)
        except NotEnoughData:
            return self._signal("new_share", Unknown("no_names"))
        value = found.most if found.least == found.most else Unknown("names_sampled")
        return self._signal("new_share", value, found.least, found.most)

    def vanished(self) -> Signal:
        """The share that categories had which are gone."""
        value = self._why or sum(vanished_categories(self._reference, self._counted).values())
        return self._signal("vanished_share", value)

    def _signal(self, name: str, value: float | Unknown, low: float | None = None, high: float | None = None) -> Signal:
        rows = sum(self._counted.counts)
        return Signal(name, self._subject, self._window, value, low, high, rows=rows, blocks=1)


def _too_little(reference: Profile, counted: Profile) -> Unknown | None:
    """Why nothing can be said of two profiles, if so."""
    if not sum(reference.counts):
        return Unknown("no_reference")
    if len(reference.counts) == 1:
        return Unknown("one_bin")
    least = ROWS_PER_BIN * len(reference.counts)
    return Unknown("too_few_rows") if min(sum(reference.counts), sum(counted.counts)) < least else None
