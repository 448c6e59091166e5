"""Drift of what goes in and what comes out, against the distribution a version was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from homeostat.data.profiles import Profile
from homeostat.monitoring.signals import Signal, Unknown
from homeostat.monitoring.windows import Window
from homeostat.stats.arrays import Floats
from homeostat.stats.drift.distance import ks_from_counts, psi, share_swings
from homeostat.stats.drift.transport import rank_shifts, rank_spreads
from homeostat.stats.drift.window_distances import Measure

MIN_ROWS = 200
ROWS_PER_BIN = 10
"""With fewer rows per bin, chance alone shows a PSI of about a tenth."""

FALLBACK_LIMITS: Mapping[str, float] = MappingProxyType(
    {"psi": 0.2, "ks": 0.1, "rank_shift": 0.1, "rank_spread": 0.5, "share_swing": 0.25, "missing_change": 0.1}
)
"""Customary limits, for signals whose own history gives no better one; ``rank_shift``, at most KS, has that of KS;
``rank_spread`` is reached by half as much variance again, which moves a KS of normal values by 0.05;
``share_swing`` by a category of 6 % that comes or goes."""


def drift(
    subject: str, reference: Profile, counted: Profile, window: Window, *, min_rows: int = MIN_ROWS
) -> tuple[Signal, ...]:
    """The signals of one feature: ``psi``, of numbers ``ks``, ``rank_shift``, ``rank_spread``, then ``share_swing`` and
    ``missing_change``.

    The bounds of ``ks`` say how much the binning may hide. Raises: Conflict when the bins differ.
    """
    reference.check_same_bins(counted)
    signals = [_psi(subject, reference, counted, window, min_rows)]
    if reference.kind == "number":
        signals.append(_ks(subject, reference, counted, window, min_rows))
        signals.append(_of_shares("rank_shift", rank_shifts, subject, reference, counted, window, min_rows))
        signals.append(_of_shares("rank_spread", rank_spreads, subject, reference, counted, window, min_rows))
    signals.append(_of_shares("share_swing", share_swings, subject, reference, counted, window, min_rows))
    signals.append(_missing_change(subject, reference, counted, window, min_rows))
    return tuple(signals)


def least_rows(reference: Profile, min_rows: int = MIN_ROWS) -> dict[Measure, int]:
    """Fewer rows of a window say nothing, for each signal of `drift`."""
    of_bins = max(min_rows, ROWS_PER_BIN * len(reference.counts))
    found: dict[Measure, int] = {"psi": of_bins, "share_swing": of_bins}
    if reference.kind == "number":
        found["ks"] = found["rank_shift"] = found["rank_spread"] = min_rows
    return {**found, "missing_change": min_rows}


def _psi(subject: str, reference: Profile, counted: Profile, window: Window, min_rows: int) -> Signal:
    rows = sum(counted.counts)
    why = _too_little(reference, rows, least_rows(reference, min_rows)["psi"])
    value = why or psi(reference.shares(), counted.shares())
    return Signal("psi", subject, window, value, rows=rows, blocks=1)


def _ks(subject: str, reference: Profile, counted: Profile, window: Window, min_rows: int) -> Signal:
    rows = sum(counted.counts)
    why = _too_little(reference, rows, min_rows)
    if why:
        return Signal("ks", subject, window, why, rows=rows, blocks=1)
    bounds = ks_from_counts(reference.counts, counted.counts)
    return Signal("ks", subject, window, bounds.value, bounds.value, bounds.most, rows=rows, blocks=1)


def _of_shares(
    name: Measure,
    measure: Callable[[Floats, Floats], Floats],
    subject: str,
    reference: Profile,
    counted: Profile,
    window: Window,
    min_rows: int,
) -> Signal:
    rows = sum(counted.counts)
    why = _too_little(reference, rows, least_rows(reference, min_rows)[name])
    value = why or float(measure(reference.shares(), counted.shares()))
    return Signal(name, subject, window, value, rows=rows, blocks=1)


def _missing_change(subject: str, reference: Profile, counted: Profile, window: Window, min_rows: int) -> Signal:
    value: float | Unknown = Unknown("too_few_rows")
    if not reference.rows:
        value = Unknown("no_reference")
    elif counted.rows >= max(1, min_rows):
        value = abs(counted.missing_share() - reference.missing_share())
    return Signal("missing_change", subject, window, value, rows=counted.rows, blocks=1)


def _too_little(reference: Profile, rows: int, least: int) -> Unknown | None:
    if not sum(reference.counts):
        return Unknown("no_reference")
    return Unknown("too_few_rows") if rows < max(1, least) else None
