"""Drift is seen where it is, and not judged on too little."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.data.profiles import Profile, ReferenceProfile
from homeostat.kernel.errors import Conflict
from homeostat.kernel.verdicts import INCONCLUSIVE
from homeostat.monitoring.detectors import FALLBACK_LIMITS, drift
from homeostat.monitoring.signals import EXCEEDED, WITHIN, Signal, Unknown, judge_at_most
from homeostat.monitoring.windows import Window

DAY = Window(0, 86_400_000_000, "1970-01-01")


def _columns(rows: int, *, shift: float = 0.0, seed: int = 1) -> dict[str, list[object]]:
    rng = np.random.default_rng(seed)
    airports = rng.choice(["EWR", "JFK", "LGA"], rows, p=[0.4 - shift / 4, 0.3, 0.3 + shift / 4])
    return {"temperature": list(rng.normal(shift, 1, rows)), "origin": list(airports)}


def _reference() -> ReferenceProfile:
    scores = np.random.default_rng(2).beta(2, 6, 20_000)
    return ReferenceProfile.of({"temperature": "number", "origin": "text"}, _columns(20_000), scores)


def _drift(reference: ReferenceProfile, counted: ReferenceProfile) -> tuple[Signal, ...]:
    """Of every feature and of the predictions."""
    pairs = [*((one, counted.features[name]) for name, one in reference.features.items())]
    pairs.append((reference.prediction, counted.prediction))
    return tuple(signal for one, other in pairs for signal in drift(one.name, one, other, DAY))


def _by_name(signals: tuple[Signal, ...]) -> dict[tuple[str, str], Signal]:
    return {(signal.name, signal.subject): signal for signal in signals}


def test_the_same_distribution_is_within_every_fallback_limit() -> None:
    reference = _reference()
    counted = reference.count(_columns(900, seed=9), np.random.default_rng(3).beta(2, 6, 900))
    signals = _drift(reference, counted)
    assert {(signal.name, signal.subject) for signal in signals} == {
        ("psi", "temperature"), ("ks", "temperature"), ("rank_shift", "temperature"), ("rank_spread", "temperature"),
        ("share_swing", "temperature"), ("missing_change", "temperature"),
        ("psi", "origin"), ("share_swing", "origin"), ("missing_change", "origin"),
        ("psi", "prediction"), ("ks", "prediction"), ("rank_shift", "prediction"), ("rank_spread", "prediction"),
        ("share_swing", "prediction"), ("missing_change", "prediction"),
    }  # fmt: skip
    for signal in signals:
        assert judge_at_most(signal, FALLBACK_LIMITS[signal.name]).name == WITHIN


def test_more_shift_never_looks_better() -> None:
    reference, seen = _reference(), []
    for shift in (0.0, 0.4, 0.8, 1.2):
        counted = reference.count(_columns(2000, shift=shift), [0.3] * 2000)
        signals = _by_name(_drift(reference, counted))
        seen.append(
            [signals[name].known for name in (("psi", "temperature"), ("ks", "temperature"), ("psi", "origin"))]
        )
    assert (np.diff(np.array(seen, dtype=float), axis=0) > 0).all()
    assert judge_at_most(signals["psi", "temperature"], 0.2).name == EXCEEDED


def test_ks_lies_in_its_own_bounds() -> None:
    reference = _reference()
    signal = _by_name(_drift(reference, reference.count(_columns(900), [0.3] * 900)))["ks", "temperature"]
    assert signal.low is not None
    assert signal.high is not None
    assert signal.low <= signal.known <= signal.high < signal.low + 0.07  # type: ignore[operator]


def test_too_few_rows_are_unknown_and_inconclusive() -> None:
    reference = _reference()
    for signal in _drift(reference, reference.count(_columns(150), [0.3] * 150)):
        assert signal.value == Unknown("too_few_rows")
        assert judge_at_most(signal, 1e9).name == INCONCLUSIVE


def test_many_bins_need_many_rows() -> None:
    reference = Profile.of("dest", "text", [f"d{index}" for index in range(40)] * 100)
    psi, swing, missing = drift("dest", reference, reference.count(["d1"] * 300), DAY)
    assert psi.value == swing.value == Unknown("too_few_rows")
    assert missing.known == 0.0


def test_values_that_go_missing_show_even_where_no_value_is_left() -> None:
    reference = Profile.of("wind", "number", np.arange(1000.0))
    psi, ks, *_, missing = drift("wind", reference, reference.count(np.full(500, np.nan)), DAY)
    assert psi.value == ks.value == Unknown("too_few_rows")
    assert (missing.known, missing.rows) == (1.0, 500)


def test_a_feature_without_reference_values_is_unknown() -> None:
    reference = Profile.of("wind", "number", [None] * 300)
    psi, ks, *_, missing = drift("wind", reference, reference.count([1.0] * 300), DAY)
    assert psi.value == ks.value == Unknown("no_reference")
    assert missing.known == 1.0
    empty = Profile.of("wind", "number", [])
    assert drift("wind", empty, empty.count([1.0] * 300), DAY)[3].value == Unknown("no_reference")


def test_counts_over_other_bins_are_refused() -> None:
    reference = _reference()
    other = ReferenceProfile.of({"hour": "number"}, {"hour": [1.0]}, [0.5])
    with pytest.raises(Conflict):
        drift("prediction", reference.prediction, other.prediction, DAY)
