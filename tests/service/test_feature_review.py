"""Features of a running loop, reviewed and audited: what decides is kept, and what is noise is not needed. Its callers
decide after they were answered, and report what they did."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.loops.known import known_features
from homeostat.app.loops.loader import load_loop
from homeostat.app.prediction_log.recent import read_recent
from homeostat.app.prediction_log.sampled_rows import SampledRows
from homeostat.app.prediction_log.served_log import read_served
from homeostat.app.settings import Settings
from homeostat.kernel.clock import parse_instant
from homeostat.monitoring.history import Rows
from tests.harness.first import FIRST, first_home
from tests.harness.running import Running, started
from tests.harness.world import HOUR, LOOP, LOOP_FILE, Row, World, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
LAST = 14
"""The day at whose start the looking back begins."""
DECISIONS = """
decisions = hs.Table(
    "decisions",
    key="prediction_id",
    event_time="at",
    contract={"prediction_id": hs.text(), "at": hs.instant(), "flagged": hs.boolean(), "spared_with": hs.number()},
    now_by_default=True,
)


def train("""
FEEDBACK = """
    feedback=hs.Feedback(reported=decisions, acts="flagged", chance="spared_with", weighted=False),
    label="""
TEXT = LOOP_FILE.replace("\n\ndef train(", DECISIONS, 1).replace("\n    label=", FEEDBACK, 1)


class Application:
    """Flags what is at least 0.8 likely, leaves half of that alone by chance, and reports it an hour later; of one in a
    hundred it forgets to."""

    def __init__(self, running: Running) -> None:
        self.running, self.drawn = running, random.Random(7)
        self.late: list[Row] = []
        self.forgot = self.acted = self.spared = 0
        self.blocked = ""
        self.left: list[int] = []
        """When those were asked about that are known to have been left alone."""

    def day(self, world: World, number: int) -> None:
        for now, visits, purchases in world.span(number * 24, number * 24 + 24):
            for table, rows in (("purchases", purchases), ("visits", visits), ("decisions", self.late)):
                if rows:
                    self.running.send(table, rows, now).raise_for_status()
            reply = self.running.ask(visits, now)
            reply.raise_for_status()
            told = reply.json()["predictions"]
            assert not any("act" in one for one in told)
            pairs = zip(told, visits, strict=True)
            self.late = [made for one, row in pairs if (made := self.decided(one, row)) is not None]
        self.running.barrier(day(number + 1))

    def decided(self, one: dict[str, Any], row: Row) -> Row | None:
        if self.drawn.random() < 0.01:
            self.forgot += 1
            return None
        flags = one["probability"] >= 0.8
        spared = flags and self.drawn.random() < 0.5
        self.acted += flags and not spared
        self.blocked = self.blocked or one["prediction_id"] * (flags and not spared)
        self.spared += spared
        self.left += [parse_instant(row["at"])] * (not flags or spared)
        return {
            "prediction_id": one["prediction_id"],
            "flagged": flags and not spared,
            "spared_with": 0.5 if flags else 1.0,
        }


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Application]]:
    folder = tmp_path_factory.mktemp("review")
    with started(first_home(folder / "home"), write_loop(folder, text=TEXT)) as running:
        application = Application(running)
        for number in range(FIRST, LAST):
            application.day(World(), number)
        yield running, application


def test_a_loop_is_reviewed_and_audited_while_it_runs(lived: tuple[Running, Application]) -> None:
    running, _ = lived
    told = running.command("features", "review", "--days", "8")
    fast = running.command("features", "review", "--fast")
    audited = running.command("features", "audit")
    features = {one["feature"]: one for one in told["features"]}
    assert told["live"] == ["v1"]
    assert list(features) == ["x", "shop", "shop_spent_6h", "shop_bought_6h"]
    assert features["x"]["verdict"] == "KEEP"
    assert features["x"]["importance"]["v1"]["low"] > 0.1
    assert features["x"]["without"]["low"] > 0.1
    assert {features[name]["verdict"] for name in ("shop", "shop_bought_6h")} <= {"DROP", "INCONCLUSIVE"}
    assert told["retrained"]["done"] == told["retrained"]["of"] == 6
    (_, window) = told["definitions"]
    assert (window["table"], window["shared_with"]) == ("purchases", ["the label"])
    assert 0 < window["lookup_us"]["p50"] <= window["lookup_us"]["p99"]
    assert window["table_bytes"] > 10_000
    assert fast["retrained"] is None
    assert {one["without"] for one in fast["features"]} == {None}
    assert next(one["verdict"] for one in fast["features"]) == "KEEP"
    assert {one["verdict"] for one in audited["features"]} == {"CLEAR"}


def test_figures_stand_on_what_callers_reported(lived: tuple[Running, Application]) -> None:
    running, application = lived
    told = running.command("performance")["feedback"]
    reports = told["reports"]
    waiting = reports["waiting"]["rows"] - reports["waiting"]["reported"]
    assert told["unknown"] is None
    assert reports["table"] == "decisions"
    assert 0 < reports["unreported"] <= application.forgot
    assert reports["unreported"] + waiting >= application.forgot
    assert 0 < told["explored"] <= application.spared
    assert told["explored"] < told["region"] <= application.acted + application.spared
    assert not any(reports[name] for name in ("no_chance", "corrected", "never_predicted"))
    figure = told["figures"]["log_loss"]["weighted"]
    assert figure["low"] < figure["value"] < figure["high"]
    made = running.command("explain", application.blocked)["prediction"]
    assert (made["acts"], made["propensity"], made["reported_in"]) == (True, 0.5, "decisions")
    uses = running.control.get("/api/tables/decisions").json()["uses"]
    assert uses == [{"loop": LOOP, "as": "what callers report"}]
    assert next(one for one in running.command("tables") if one["table"] == "decisions")["rows"] > 2_000


def test_whoever_looks_back_sees_the_same_rows(lived: tuple[Running, Application]) -> None:
    """Reports, reviews and the diagnosis read labels of their own."""
    running, application = lived
    settings, now = Settings.load(running.home), day(LAST)
    loop, paths = load_loop(settings.loop_file), settings.paths
    known = sum(at + 3 * HOUR <= now for at in application.left)
    assert int(read_served(settings, loop, now).labelled.sum()) == known
    assert read_recent(settings, loop, now, days=30, most_rows=10_000).rows.size == known
    log, tables = DeltaTables(paths.log), DeltaTables(paths.tables)
    sampled = SampledRows(loop, log, tables, paths.versions / LOOP, known_features(paths, LOOP))
    rows = sampled.read("v1", Operations.open(paths).days(LOOP), now, np.random.default_rng(1))
    assert isinstance(rows, Rows)
    assert int(np.isfinite(rows.truth).sum()) == known


def test_a_training_pins_the_reports_that_it_read_and_is_made_again_from_them(
    lived: tuple[Running, Application],
) -> None:
    running, application = lived
    running.command("retrain", "now", "--yes")
    running.barrier(day(LAST) + HOUR)
    made = running.command("versions", "show", "v2")
    pinned = made["pin"]["feedback"]
    assert (pinned["reported"], pinned["acts"], pinned["chance"]) == ("decisions", "flagged", "spared_with")
    assert 0 < pinned["unreported"] <= application.forgot
    assert 0 < pinned["explored"] <= application.spared
    assert made["pin"]["table_versions"]["decisions"] >= 0
    running.send("decisions", [{"prediction_id": "none", "flagged": True, "spared_with": 0.5}], day(LAST) + HOUR)
    again = running.command("replay", "v2", "--here")
    assert (again["equal"], again["how"]) == (True, "bytes")
    assert again["loop"] == LOOP
