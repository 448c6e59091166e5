"""A day's drift is told against the version's own days; weeks are put together from days of the same version only."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.adapters.delta.rows import log_of
from homeostat.app.control.drift_watch import DriftWatch
from homeostat.app.control.scoring import read_profile
from homeostat.app.shown.distance_views import distances_of
from homeostat.app.shown.drift_views import drift_at_a_glance, drift_of
from homeostat.control.days import Day, Inputs
from homeostat.control.loop import Loop
from homeostat.data.daily import DailyCounts, Rows
from homeostat.data.profiles import PREDICTION, ReferenceProfile
from homeostat.data.records import PredictionRecord
from homeostat.features.logged import Logged
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.clock import Instant, duration, parse_instant
from homeostat.kernel.errors import NotFound
from homeostat.monitoring.kept_drift import KeptDrift
from homeostat.monitoring.windows import window
from tests.unit.app.test_hidden_columns import VISITS, loop_of

DRIFT = hs.DriftLimits(quiet_windows=30, spans=(1, 7))
LOOP: Loop = loop_of([VISITS["shop"]], drift=DRIFT)
YEAR, TWO_YEARS = 364, 728
BEGINS, ROWS, TRAINED = parse_instant("2024-01-01T00:00:00Z"), 300, 120


@dataclasses.dataclass
class Folders:
    """Where the files of versions lie; all were trained until the day before the first of those below."""

    root: Path
    last: Instant = BEGINS - 1

    def folder(self, loop: str, version: str) -> Path:
        return self.root / version

    def get(self, loop: str, version: str) -> Any:
        return SimpleNamespace(pin=SimpleNamespace(last=self.last))


@pytest.fixture
def watch(tmp_path: Path) -> DriftWatch:
    rng = np.random.default_rng(5)
    asked = np.repeat(np.arange(TRAINED), ROWS)
    rows = {"shop": rng.choice(["north", "south"], asked.size)}
    reference = ReferenceProfile.of({"shop": "text"}, rows, rng.random(asked.size))
    daily = DailyCounts.of(reference, Rows(rows, asked), Rows({}, asked))
    for version in ("v1", "v2", "old"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "profile.json").write_bytes(canonical_json(reference.to_json()))
        if version != "old":
            (tmp_path / version / "daily.json").write_bytes(canonical_json(daily.to_json()))
    return DriftWatch("visits", DRIFT, cast("Any", Folders(tmp_path)))


def _log(day: int, share: float = 0.5, rows: int = ROWS, one_in: int = 1) -> pa.Table:
    """Rows of one day, so many of them in the north."""
    made = []
    for row in range(max(rows, 1)):
        at = BEGINS + day * duration("1d") + row * duration("1m")
        asked = {"visit": f"v{day}-{row}", "at": at, "due": at, "buyer": "b", "born": 1980, "shop": "-", "note": ""}
        shop = "north" if row < share * rows else "south"
        name = f"{day:08x}-0000-7000-8000-{row:012x}"
        made.append((row, PredictionRecord(
            name, "visits", f'["v{row}"]', at, at, 10, "v1", "champion", 1, row / max(rows, 1), False, 90, False,
            asked, [shop], LOOP.feature_set.hash, weight=one_in, one_in=one_in,
        )))  # fmt: skip
    return log_of(Logged.of(LOOP.feature_set), made).slice(0, rows)


def _days(watch: DriftWatch, shares: list[float], versions: str | list[str] = "v1", **kwargs: int) -> list[Day]:
    found: list[Day] = []
    for place, share in enumerate(shares):
        version = versions if isinstance(versions, str) else versions[place]
        part = window(f"2024-01-{place + 1:02d}", "UTC")
        seen = watch.look(version, {"shop": "text"}, _log(place, share, **kwargs), found, part)
        inputs = Inputs(ROWS, {}, {}, 0, version, seen.daily("psi"), seen.daily("ks"), seen.prediction, {}, {},
                        counted=seen.counted, drift=KeptDrift.of(seen.drift), one_in=seen.one_in)  # fmt: skip
        found.append(Day(part.name, part.start, part.end, part.end, inputs))
    return found


def _value(day: Day, span: int) -> float | None:
    return next(one.values["shop"] for one in day.inputs.drift if (one.measure, one.span) == ("psi", span))


def _limit(day: Day) -> float:
    return next(iter(day.inputs.drift)).limits["shop"]


def test_a_week_is_known_from_its_seventh_day_on(watch: DriftWatch) -> None:
    days = _days(watch, [0.5] * 8)
    assert [_value(day, 7) is not None for day in days] == [False] * 6 + [True] * 2
    assert all(_value(day, 1) is not None for day in days)
    assert next(iter(days[0].inputs.drift)).unknown == {}


def test_days_of_another_version_are_not_put_together(watch: DriftWatch) -> None:
    days = _days(watch, [0.5] * 9, ["v1"] * 2 + ["v2"] * 7)
    assert [_value(day, 7) is not None for day in days] == [False] * 8 + [True]


def test_a_shift_too_small_for_a_day_is_above_its_limit_in_a_week(watch: DriftWatch) -> None:
    days = _days(watch, [0.5] * 7 + [0.545] * 7)
    told = drift_of(LOOP, days)
    above = {(one["subject"], one["measure"], one["span"]) for one in told["signals"] if one["above"]}
    assert ("shop", "psi", 7) in above
    assert ("shop", "psi", 1) not in above
    assert told["lately"][0]["earned"] == 0
    assert drift_at_a_glance(told)["furthest"][0]["kind"] == "earned"


def test_a_share_of_the_log_counts_for_all_and_is_judged_by_its_own_rows(watch: DriftWatch) -> None:
    all_rows, some = _days(watch, [0.5] * 7), _days(watch, [0.5] * 7, rows=210, one_in=4)
    assert (some[0].inputs.one_in, some[0].inputs.counted["shop"].rows) == (4, 840)
    assert _limit(some[6]) > 1.5 * _limit(all_rows[6])


def test_a_version_without_its_days_has_customary_limits(watch: DriftWatch) -> None:
    told = drift_of(LOOP, _days(watch, [0.5], "old"))
    assert told["limits"] == {"earned": 0, "reached": 0, "customary": len(told["signals"])}
    assert {one["why"] for one in told["signals"]} == {"no_daily_counts"}


def test_a_day_without_traffic_is_unknown_and_not_within(watch: DriftWatch) -> None:
    told = drift_of(LOOP, _days(watch, [0.5] * 6 + [0.0], rows=0))
    assert told["unknown"] == len(told["signals"])
    assert told["above"] == 0


def test_before_any_day_nothing_is_told_and_another_day_is_refused(watch: DriftWatch) -> None:
    assert drift_of(LOOP, [])["day"] is None
    with pytest.raises(NotFound, match="2023-12-31"):
        drift_of(LOOP, _days(watch, [0.5]), "2023-12-31")


def test_prediction_is_a_subject_of_its_own(watch: DriftWatch) -> None:
    day = _days(watch, [0.5])[0]
    assert PREDICTION in day.inputs.counted
    assert PREDICTION not in day.inputs.psi
    assert day.inputs.prediction_psi is not None


def test_every_distance_of_a_feature_is_told_over_every_window(watch: DriftWatch, tmp_path: Path) -> None:
    days = _days(watch, [0.5] * 6 + [0.8])
    references = {"v1": read_profile(tmp_path / "v1")}
    told = distances_of(LOOP, "shop", days, references, days[-1])
    by = {(one["measure"], one["span"]): one for one in told["distances"]}
    assert by["total_variation", 1]["value"] == pytest.approx(0.3, abs=0.02)
    assert by["total_variation", 7]["value"] == pytest.approx(0.3 / 7, abs=0.02)
    assert by["psi", 1]["value"] == pytest.approx(days[-1].inputs.psi["shop"])
    assert by["new_share", 1]["value"] == 0
    assert {span for _, span in by} == {1, 7}
    assert {one["span"] for one in distances_of(LOOP, "shop", days, references, days[2])["distances"]} == {1}
    assert distances_of(LOOP, "shop", [], references, None)["distances"] == []


def test_a_season_is_held_against_the_same_weeks_a_year_before(tmp_path: Path) -> None:
    """Each year most come from the north for some weeks: a season, and no drift."""
    days = np.repeat(np.arange(TWO_YEARS), ROWS)
    north = (np.isin(days % YEAR, np.r_[:20, 354:YEAR])) & (np.arange(days.size) % 10 > 0)
    rows = {"shop": np.where(north, "north", "south").astype(object)}
    reference = ReferenceProfile.of({"shop": "text"}, rows, np.full(days.size, 0.5))
    daily = DailyCounts.of(reference, Rows(rows, days), Rows({}, days))
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "profile.json").write_bytes(canonical_json(reference.to_json()))
    (tmp_path / "v1" / "daily.json").write_bytes(canonical_json(daily.to_json()))
    watch = DriftWatch("visits", DRIFT, cast("Any", Folders(tmp_path)))
    found = {(one.measure, one.season): one for one in _days(watch, [0.9] * 7)[-1].inputs.drift if one.span == 7}
    assert found["psi", False].values["shop"] > 1.0  # type: ignore[operator]
    beside = found["psi", True]
    assert beside.values["shop"] < 0.2  # type: ignore[operator]
    assert (beside.limits["shop"], beside.kinds["shop"], beside.why["shop"]) == (0.2, "customary", "few_years")
    told = drift_of(LOOP, [*_days(watch, [0.9] * 7)])
    of_shop = [one["season"] for one in told["signals"] if (one["subject"], one["measure"]) == ("shop", "psi")]
    assert sorted(of_shop) == [False, False, True]
    assert sum(told["limits"].values()) == sum(not one["season"] for one in told["signals"])


def test_a_training_of_less_than_a_year_has_no_season(watch: DriftWatch) -> None:
    assert not any(one.season for one in _days(watch, [0.5] * 8)[-1].inputs.drift)
