"""Every signal of a day has a limit that says what it stands on, and what is unknown is never within one."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from homeostat.data.daily import DailyCounts, Rows
from homeostat.data.profiles import PREDICTION, Profile, ReferenceProfile
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.drift_limits import DriftLimits, Key, Limit, drift_limits
from homeostat.monitoring.drifting import Drifted, drifted
from homeostat.monitoring.kept_drift import KeptDrift
from homeostat.monitoring.windows import Window

DAY = Window(0, 86_400_000_000, "1970-01-01")
ROWS = 400
WATCHED = DriftLimits(quiet_windows=30)


def _made(days: int) -> tuple[ReferenceProfile, DailyCounts]:
    rng = np.random.default_rng(4)
    asked = np.repeat(np.arange(days), ROWS)
    columns = {
        "size": rng.normal(size=days * ROWS),
        "weekday": (asked % 7).astype(float),
        "shop": rng.choice(["a", "b", "c"], days * ROWS),
    }
    scores = rng.random(days * ROWS)
    reference = ReferenceProfile.of({"size": "number", "weekday": "number", "shop": "text"}, columns, scores)
    return reference, DailyCounts.of(reference, Rows(columns, asked), Rows({PREDICTION: scores[:1000]}, asked[:1000]))


def _limits(days: int, watched: DriftLimits = WATCHED) -> dict[Key, Limit]:
    reference, daily = _made(days)
    return drift_limits(reference, daily, watched, np.random.default_rng(1))


def _seen(reference: ReferenceProfile, size: np.ndarray, weekday: int) -> dict[str, Profile]:  # type: ignore[type-arg]
    columns = {"size": size, "weekday": np.full(size.size, float(weekday)), "shop": ["a", "b"] * (size.size // 2)}
    counted = reference.count(columns, np.linspace(0, 1, size.size))
    return {**counted.features, PREDICTION: counted.prediction}


def test_every_signal_has_a_limit_of_a_kind_and_the_rest_say_why() -> None:
    limits = _limits(200)
    assert {(span, measure) for span, measure, name in limits if name == "shop"} == {
        (span, measure) for span in (1, 3, 7, 28) for measure in ("psi", "share_swing", "missing_change")
    }
    assert limits[1, "psi", "size"].kind == limits[28, "ks", "size"].kind == "earned"
    never_missing = limits[1, "missing_change", "size"]
    assert (never_missing.value, never_missing.kind, never_missing.why) == (0.1, "customary", "no_spread")
    assert limits[1, "psi", PREDICTION].why == "too_few_blocks"


def test_what_is_different_every_day_by_nature_is_no_alarm() -> None:
    reference, daily = _made(60)
    limits = drift_limits(reference, daily, WATCHED, np.random.default_rng(1))
    assert limits[1, "psi", "weekday"].value > 5
    windows = {1: _seen(reference, np.random.default_rng(9).normal(size=ROWS), 3)}
    found = {one.measure: one for one in drifted(reference, windows, DAY, limits)}
    assert found["psi"].values["weekday"] > 5  # type: ignore[operator]
    assert "weekday" not in found["psi"].above


def test_a_version_without_days_has_customary_limits_only() -> None:
    reference, _ = _made(60)
    limits = drift_limits(reference, None, WATCHED, np.random.default_rng(1))
    assert {(one.kind, one.why) for one in limits.values()} == {("customary", "no_daily_counts")}
    assert limits[7, "psi", "size"].value == 0.2


def test_a_shift_is_above_and_a_missing_window_is_unknown() -> None:
    reference, daily = _made(200)
    limits = drift_limits(reference, daily, WATCHED, np.random.default_rng(1))
    moved = _seen(reference, np.random.default_rng(9).normal(0.5, 1, ROWS), 3)
    found = {(one.measure, one.span): one for one in drifted(reference, {1: moved, 7: None}, DAY, limits)}
    assert "size" in found["psi", 1].above
    assert "size" in found["rank_shift", 1].above
    assert found["psi", 7].values["size"] is None
    assert found["psi", 7].unknown["size"] == "too_few_days"
    assert found["psi", 7].above == ()


def test_a_subject_that_was_not_counted_is_unknown() -> None:
    reference, _ = _made(30)
    limits = drift_limits(reference, None, WATCHED, np.random.default_rng(1))
    found = drifted(reference, {1: {}}, DAY, limits)
    assert all(value is None for one in found for value in one.values.values())
    assert {why for one in found for why in one.unknown.values()} == {"not_counted"}


def test_a_day_keeps_what_was_measured_in_less_room() -> None:
    reference, daily = _made(200)
    limits = drift_limits(reference, daily, WATCHED, np.random.default_rng(1))
    seen = _seen(reference, np.random.default_rng(9).normal(0.5, 1, ROWS), 3)
    measured = drifted(reference, {1: seen, 7: None}, DAY, limits)
    kept = msgspec.json.decode(msgspec.json.encode(KeptDrift.of(measured)), type=KeptDrift)
    for before, after in zip(measured, kept, strict=True):
        assert {name: one is None for name, one in after.values.items()} == {
            name: one is None for name, one in before.values.items()
        }
        for told, truth in ((after.values, before.values), (after.limits, before.limits)):
            assert [one for one in told.values() if one] == pytest.approx(
                [one for one in truth.values() if one], rel=1e-4
            )
        assert (after.kinds, after.why, after.unknown) == (before.kinds, before.why, before.unknown)
        assert (after.blocks, after.above) == (before.blocks, before.above)
    assert len(msgspec.json.encode(kept)) < 0.5 * len(msgspec.json.encode(measured))


def test_the_furthest_above_its_limit_comes_first() -> None:
    one = Drifted("psi", 1, {"a": 0.3, "b": 0.9, "c": None}, {"a": 0.1, "b": 0.8, "c": 0.1})
    assert one.above == ("a", "b")


def test_the_same_reference_always_has_the_same_limits() -> None:
    assert _limits(100) == _limits(100)


@pytest.mark.parametrize(
    "wrong",
    [{"spans": (7,)}, {"spans": (1, 10)}, {"spans": (1, 1)}, {"quiet_windows": 1}, {"psi": 0.0}, {"ks": float("nan")}],
)
def test_limits_that_say_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        dataclasses.replace(WATCHED, **wrong)  # type: ignore[arg-type]
