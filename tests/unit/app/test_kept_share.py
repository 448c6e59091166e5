"""With a share of predictions logged, a day's counts and figures are those of what was served, on average."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.adapters.delta.rows import facts_schema, log_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.control.observer import DeltaObserver
from homeostat.app.prediction_log.predictions import find
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.control.state import initial_state
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.data.weights import chosen
from homeostat.features.logged import Logged
from homeostat.kernel.clock import duration, parse_instant
from homeostat.kernel.errors import NotFound
from homeostat.stats.figures.sums import ScoreSums
from tests.unit.app.test_hidden_columns import PURCHASES, VISITS, loop_of

BEGINS, ROWS, SEEDS = parse_instant("2024-01-01T00:00:00Z"), 400, 24
TENTH: Loop = loop_of([VISITS["shop"]], log=hs.Log(share=0.25))
DRAWN = np.random.default_rng(8)
FELL = DRAWN.random(ROWS) < 0.1
BOUGHT = DRAWN.random(ROWS) < np.where(FELL, 0.9, 0.4)
SCORES = np.where(FELL, 0.2, np.where(BOUGHT, 0.6, 0.4)).round(3)


@dataclass
class Facts:
    """All is stored, nothing failed."""

    sequence: int = 10**6

    def refresh(self) -> int:
        return self.sequence

    def quarantined(self) -> dict[str, int]:
        return {}

    def failed(self, loop: str) -> int:
        return 0


def record(seed: int, row: int, loop: Loop) -> PredictionRecord:
    at = BEGINS + row * duration("3m")
    asked = {"visit": f"v{row}", "at": at, "due": at, "buyer": "b", "born": 1980, "shop": "north", "note": ""}
    name = f"{seed:08x}-0000-7000-8000-{row:012x}"
    weight = loop.log.weigh(name, always=bool(FELL[row]))
    return PredictionRecord(
        name, "visits", f'["v{row}"]', at, at, 10, "v1", "champion", 1, float(SCORES[row]), False, 90, bool(FELL[row]),
        asked, ["north"], loop.feature_set.hash, weight=weight, one_in=loop.log.one_in,
    )  # fmt: skip


def observed(
    home: Path, loop: Loop, seed: int, mark: Callable[[int, PredictionRecord], PredictionRecord] | None = None
) -> Day:
    """The one day of a log, after its labels matured; ``mark`` may change a row's record."""
    made = [record(seed, row, loop) for row in range(ROWS)]
    made = made if mark is None else [mark(row, one) for row, one in enumerate(made)]
    kept = [(place, one) for place, one in enumerate(made) if one.weight]
    log, tables = DeltaTables(home / "log"), DeltaTables(home / "tables")
    log.append("visits", log_of(Logged.of(loop.feature_set), kept), writer="test", upto=1)
    told = [
        {"visit": f"v{row}", "at": BEGINS, "buyer": "b", "shop": "north", "spent": 20.0 if BOUGHT[row] else 1.0}
        for row in range(ROWS)
    ]
    facts = [{**one, SEQUENCE: row, KNOWN_AT: BEGINS} for row, one in enumerate(told)]
    tables.append("purchases", pa.Table.from_pylist(facts, schema=facts_schema(PURCHASES)), writer="test", upto=1)
    check = SkewCheck(loop.feature_set, tables)
    observer = DeltaObserver(
        loop, tables, log, cast("Any", None), cast("Any", Facts()), check, {}, 1.0, cast("Any", None)
    )
    return observer.observe(initial_state("visits"), [], BEGINS + duration("2d"))[0]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Day]:
    return [observed(tmp_path_factory.mktemp("day"), TENTH, seed) for seed in range(SEEDS)]


def close(found: list[float], truth: float) -> None:
    values = np.array(found)
    assert abs(values.mean() - truth) <= 3.5 * values.std(ddof=1) / np.sqrt(len(found)) + 1e-9


def test_rows_and_labels_are_counted_as_served(days: list[Day]) -> None:
    close([day.inputs.rows for day in days], ROWS)
    close([day.inputs.asked["v1"] for day in days], ROWS)
    outcomes = [day.outcomes for day in days if day.outcomes]
    close([one.labelled for one in outcomes], ROWS)
    close([one.live.rows for one in outcomes], ROWS)


def test_figures_are_those_of_every_row(days: list[Day]) -> None:
    truth = ScoreSums.of(BOUGHT, SCORES)
    live = [day.outcomes.live for day in days if day.outcomes]
    close([one.mean_log_loss() for one in live], truth.mean_log_loss())
    close([one.mean_brier() for one in live], truth.mean_brier())
    close([one.base_rate() for one in live], truth.base_rate())
    close([one.roc_auc() for one in live], truth.roc_auc())


def test_skew_stands_on_a_plain_sample(days: list[Day]) -> None:
    close([day.skew.rows for day in days if day.skew], ROWS / 4)


def test_a_log_that_keeps_all_gives_the_exact_figures(tmp_path: Path) -> None:
    day = observed(tmp_path, replace(TENTH, log=hs.Log()), 0)
    assert day.outcomes is not None
    assert (day.inputs.rows, day.outcomes.labelled) == (ROWS, ROWS)
    assert day.outcomes.live == ScoreSums.of(BOUGHT, SCORES)


def test_slices_of_a_log_that_keeps_a_share_add_up_to_its_live_figures(tmp_path: Path) -> None:
    outcomes = observed(tmp_path, replace(TENTH, slices=["shop"]), 0).outcomes
    assert outcomes is not None
    for one in outcomes.slices:
        assert sum(one.rows) == outcomes.live.rows
        assert sum(one.positives) == outcomes.live.positives
        assert sum(one.log_loss) == pytest.approx(outcomes.live.log_loss, rel=1e-5)
        assert sum(one.brier) == pytest.approx(outcomes.live.brier, rel=1e-5)
    assert [one.of for one in outcomes.slices] == [(), ("shop",)]


def test_a_prediction_that_was_not_kept_is_told_from_one_that_should_be_there(tmp_path: Path) -> None:
    log = DeltaTables(tmp_path)
    ids = [f"00000000-0000-7000-8000-{row:012x}" for row in range(40)]
    for name in ids:
        with pytest.raises(NotFound) as told:
            find(log, TENTH, name)
        assert ("kept" in told.value.facts) == (not chosen(name, 4))
    with pytest.raises(NotFound, match="has no prediction"):
        find(log, replace(TENTH, log=hs.Log()), ids[0])
