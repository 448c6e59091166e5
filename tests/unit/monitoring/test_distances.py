"""Every distance is what its bins say, bounded by what they hide, and unknown where nothing can be said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import distance as spatial
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from homeostat.data.profiles import Profile
from homeostat.kernel.errors import Conflict
from homeostat.monitoring.detectors import drift
from homeostat.monitoring.distances import FIXED_LIMITS, distances, flagged
from homeostat.monitoring.signals import Signal, Unknown
from homeostat.monitoring.windows import Window

DAY = Window(0, 86_400_000_000, "1970-01-01")
NUMBERS = {
    "psi",
    "ks",
    "rank_shift",
    "rank_spread",
    "share_swing",
    "missing_change",
    "jensen_shannon",
    "kl",
    "hellinger",
    "total_variation",
    "chi_square",
} | {
    "cramers_v",
    "wasserstein",
}
TEXTS = NUMBERS - {"ks", "rank_shift", "rank_spread", "wasserstein"} | {"new_share", "vanished_share"}


def _found(reference: Profile, counted: Profile, **more: object) -> dict[str, Signal]:
    return {one.name: one for one in distances("x", reference, counted, DAY, **more)}  # type: ignore[arg-type]


def _normal(rows: int, *, shift: float = 0.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, rows)


def test_the_distances_of_a_number_are_those_of_other_software() -> None:
    before, now = _normal(20_000), _normal(5_000, shift=0.5, seed=2)
    reference = Profile.of("x", "number", before)
    counted = reference.count(now)
    found = _found(reference, counted)
    assert found.keys() == NUMBERS
    assert found["jensen_shannon"].known == pytest.approx(
        spatial.jensenshannon(reference.counts, counted.counts, base=2), abs=1e-9
    )
    assert found["chi_square"].known == pytest.approx(
        chi2_contingency([reference.counts, counted.counts], correction=False).statistic, rel=1e-9
    )
    for name, raw in (("ks", ks_2samp(before, now).statistic), ("wasserstein", wasserstein_distance(before, now))):
        assert found[name].low is not None
        assert found[name].low <= raw <= (found[name].high or math.inf) + 1e-9  # type: ignore[operator]
    assert found["wasserstein"].known == pytest.approx(0.5, abs=0.1)


def test_what_drift_measures_stays_what_it_was() -> None:
    reference = Profile.of("x", "number", _normal(5_000))
    counted = reference.count(_normal(1_000, shift=0.3, seed=2))
    assert distances("x", reference, counted, DAY)[:6] == drift("x", reference, counted, DAY)


def test_a_declared_span_bounds_the_wasserstein_distance_from_above() -> None:
    before, now = np.clip(_normal(20_000), -4, 4), np.clip(_normal(5_000, shift=0.5, seed=2), -4, 4)
    reference = Profile.of("x", "number", before)
    found = _found(reference, reference.count(now), span=(-4.0, 4.0))["wasserstein"]
    assert found.low <= wasserstein_distance(before, now) <= found.high  # type: ignore[operator]
    assert _found(reference, reference.count(now))["wasserstein"].high is None


def test_new_and_gone_categories_are_shares() -> None:
    reference = Profile.of("x", "text", ["a", "b", "c", "d"] * 500)
    found = _found(reference, reference.count(["a", "b", "c", "new"] * 300))
    assert found.keys() == TEXTS
    assert found["new_share"].known == pytest.approx(0.25)
    assert found["vanished_share"].known == pytest.approx(0.25)


def test_more_shift_never_looks_nearer() -> None:
    reference, seen = Profile.of("x", "number", _normal(20_000)), []
    for shift in (0.0, 0.4, 0.8, 1.2):
        found = _found(reference, reference.count(_normal(5_000, shift=shift, seed=3)))
        seen.append([found[name].known for name in sorted(NUMBERS - {"missing_change", "rank_spread"})])
    assert (np.diff(np.array(seen, dtype=float), axis=0) > 0).all()


def test_more_spread_never_looks_nearer() -> None:
    reference, seen = Profile.of("x", "number", _normal(20_000)), []
    for scale in (1.0, 1.2, 1.5, 2.0):
        found = _found(reference, reference.count(scale * _normal(5_000, seed=3)))
        seen.append([found[name].known for name in ("psi", "ks", "rank_spread", "share_swing", "hellinger")])
    assert (np.diff(np.array(seen, dtype=float), axis=0) > 0).all()


def test_the_same_distribution_is_flagged_by_no_fixed_limit_and_a_shift_is() -> None:
    reference = Profile.of("x", "number", _normal(20_000))
    for shift, names in ((0.0, ()), (0.6, ("x",))):
        signals = distances("x", reference, reference.count(_normal(5_000, shift=shift, seed=4)), DAY)
        assert flagged(signals) == names
    assert FIXED_LIMITS["jensen_shannon"] == 0.1


def _unknown(reference: Profile, counted: Profile) -> dict[str, str]:
    signals = distances("x", reference, counted, DAY)
    return {one.name: one.value.reason for one in signals if isinstance(one.value, Unknown)}


def test_a_constant_that_moved_shows_and_how_far_is_unknown() -> None:
    reference = Profile.of("x", "number", [1.0] * 5_000)
    counted = reference.count([2.0] * 5_000)
    assert _unknown(reference, counted) == {"wasserstein": "open_bins"}
    found = _found(reference, counted)
    assert (found["jensen_shannon"].known, found["ks"].known, found["total_variation"].known) == (1.0, 1.0, 1.0)
    still = _found(reference, reference.count([1.0] * 5_000))
    assert (still["jensen_shannon"].known, still["wasserstein"].known) == (0.0, 0.0)
    assert still["chi_square"].value == Unknown("one_bin")


@pytest.mark.parametrize("kind", ["number", "text"])
def test_all_missing_on_either_side_is_unknown(kind: str) -> None:
    values = [1.0, 2.0, 3.0] * 1_000 if kind == "number" else ["a", "b", "c"] * 1_000
    present, missing = Profile.of("x", kind, values), Profile.of("x", kind, [None] * 3_000)  # type: ignore[arg-type]
    everything = (NUMBERS if kind == "number" else TEXTS) - {"missing_change"}
    assert _unknown(present, present.count([None] * 3_000)) == dict.fromkeys(everything, "too_few_rows")
    assert _unknown(missing, missing.count(values)) == dict.fromkeys(everything, "no_reference")
    assert _found(missing, missing.count(values))["missing_change"].known == 1.0
    assert flagged(distances("x", present, present.count([None] * 3_000), DAY)) == ("x",)


def test_infinities_alone_are_one_bin_which_shows_nothing() -> None:
    reference = Profile.of("x", "number", [math.inf] * 3_000)
    everything = dict.fromkeys(NUMBERS - {"missing_change"}, "one_bin")
    assert _unknown(reference, reference.count([5.0] * 3_000)) == everything


def test_infinities_among_numbers_are_beyond_the_edges() -> None:
    reference = Profile.of("x", "number", _normal(5_000))
    found = _found(reference, reference.count(np.append(_normal(2_500, seed=2), [math.inf] * 2_500)))
    assert found["ks"].known == pytest.approx(0.5, abs=0.05)
    assert found["wasserstein"].value == Unknown("open_bins")


@pytest.mark.parametrize("kind", ["number", "text"])
def test_one_row_is_too_few_and_never_0(kind: str) -> None:
    values = [1.0, 2.0, 3.0] * 1_000 if kind == "number" else ["a", "b", "c"] * 1_000
    many, one = Profile.of("x", kind, values), Profile.of("x", kind, values[:1])  # type: ignore[arg-type]
    everything = NUMBERS if kind == "number" else TEXTS
    assert _unknown(many, many.count(values[:1])) == dict.fromkeys(everything, "too_few_rows")
    assert set(_unknown(one, one.count(values))) >= {"jensen_shannon", "kl", "cramers_v"}
    assert _unknown(many, many.count([])) == dict.fromkeys(everything, "too_few_rows")


def test_a_flood_of_new_categories_is_told_and_flagged() -> None:
    reference = Profile.of("x", "text", ["a", "b", "c"] * 1_000)
    signals = distances("x", reference, reference.count([f"id {number}" for number in range(20_000)]), DAY)
    told = {one.name: one.known for one in signals}
    assert (told["new_share"], told["vanished_share"], told["jensen_shannon"]) == (1.0, pytest.approx(1.0), 1.0)
    assert flagged(signals) == ("x",)


def test_names_that_were_only_sampled_leave_bounds() -> None:
    reference = Profile.of("x", "text", [f"n{number}" for number in range(200)] * 50)
    counted = reference.count([f"n{number}" for number in range(100, 400)] * 40)
    found = _found(reference, counted)["new_share"]
    assert found.value == Unknown("names_sampled")
    assert found.low <= 2 / 3 <= found.high  # type: ignore[operator]


def test_other_bins_are_refused() -> None:
    with pytest.raises(Conflict):
        distances("x", Profile.of("x", "number", [1.0]), Profile.of("x", "number", [2.0]), DAY)
