"""A back-test of predicted numbers: what errors go with is learnt of rows that every version answers, as live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from homeostat.app.backtest.cells import Cells, keys_of
from homeostat.app.backtest.sampled import EACH, KeptRows
from homeostat.app.backtest.weeks import grid_of
from homeostat.app.by_hand.operations import Operations
from homeostat.cli.main import app
from homeostat.control.days import Day, Inputs
from homeostat.monitoring.history import Rows
from homeostat.monitoring.signals import Unknown
from tests.harness.past import Past
from tests.harness.world import LOOP, LOOP_FILE, World, day

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
FIRST, LAST = 8, 35
NUMBERS = (
    LOOP_FILE.replace('"spent > 10"', '"spent"')
    .replace('LogisticRegression(C=config["c"])', 'Ridge(alpha=config["c"])')
    .replace("LogisticRegression", "Ridge")
    .replace('holdout="3d"', 'holdout="5d"')
)
POLICIES = '[policies.early]\ncool_down = "1d"\n[policies.early.when]\nkind = "estimated"\ntolerance = 0.0\n'


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    found = Past(tmp_path_factory.mktemp("numbers"), World(per_hour=6), LAST, text=NUMBERS)
    found.serves(FIRST)
    return found


@pytest.fixture(scope="module")
def told(past: Past) -> Any:
    policies = past.home.root / "policies.toml"
    policies.write_text(POLICIES)
    words = ["backtest", "--home", str(past.home.root), "--json", "--policies", str(policies)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_policy_of_estimates_can_tell_as_soon_as_a_trail_is_full(told: Any) -> None:
    early = next(one for one in told["policies"] if one["name"] == "early")
    assert len(told["weeks"]) == 3
    assert early["inconclusive"] == 1, "of the two weeks in which it is asked, the first has no full trail"


def test_what_is_kept_is_rows_of_every_day_that_each_version_answers_from_its_cut_off_on(past: Past, told: Any) -> None:
    cells = Cells(past.home.reports / LOOP / "backtest" / "versions")
    grid = grid_of(Operations.open(past.home), past.loop, past.home.tables)
    keys = keys_of(past.loop, past.loop_file, grid)
    made = [cell for key in keys.values() if (cell := cells.read(key)) is not None]
    answers = {one.trial.version: one.answers for one in made if one.answers is not None}
    assert len(answers) == len(told["weeks"])
    rows = KeptRows.of(cells.rows(keys), past.loop.task, answers)
    assert rows is not None
    first, day_before = made[0].trial, int(np.datetime64("2024-01-01", "D").astype(np.int64)) + FIRST
    days = [_day(number) for number in (FIRST, FIRST + 1)]
    seen = rows.read(first.version, days, day(FIRST + 2), np.random.default_rng(1))
    assert isinstance(seen, Rows)
    assert set(seen.columns) >= {"x", "shop"}
    whole = min(EACH, 24 * 6)
    assert [int((seen.days == at).sum()) for at in (day_before, day_before + 1)] == [whole, whole]
    assert np.isfinite(seen.scores).all()
    assert np.isfinite(seen.truth[seen.days == day_before]).all()
    assert np.isnan(seen.truth[seen.days == day_before + 1]).all(), "labels of the second day were not in"
    assert isinstance(rows.read("none", days, 0, np.random.default_rng(1)), Unknown)
    assert KeptRows.of(Path("nowhere"), past.loop.task, answers) is None
    assert KeptRows.of(cells.rows(keys), past.loop.task, {"v1": np.zeros(3)}) is None


def _day(number: int) -> Day:
    """Labels of the first day were mature a day after it, of the others two."""
    inputs = Inputs(144, {}, {}, 0, "v1", {}, {}, None, {}, {})
    later = 1 + (number > FIRST)
    return Day(f"2024-01-{number + 1:02}", day(number), day(number + 1), day(number + 1 + later), inputs)
