"""While predictions cannot be moved on, they are kept up to a bound; then replies say so, and nothing is lost."""

from __future__ import annotations

import re
import resource
from pathlib import Path

import pytest

from homeostat.kernel.errors import Unavailable
from tests.harness.running import until
from tests.service.logged_rig import Installation, Load, installed

pytestmark = pytest.mark.service
BOUND = 64 * 1024


def metric(installation: Installation, name: str) -> float:
    text = installation.replicas["r1"].client.get("/metrics").text
    found = re.search(rf'^homeostat_{name}{{replica="r1"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else -1.0


def test_while_the_log_cannot_be_written_predictions_go_on_up_to_the_bound_and_come_back(tmp_path: Path) -> None:
    with installed(tmp_path, "r1", spool_bytes=BOUND) as home:
        first = home.ask(0).json()["predictions"][0]["prediction_id"]
        assert home.logged() == {first: 1}
        until(lambda: metric(home, "spool_drained_seconds") >= 0)
        aside = (tmp_path / "log").rename(tmp_path / "aside")
        (tmp_path / "log").write_text("no folder")
        with Load(home) as load:
            until(lambda: load.statuses[503] > 20)
        assert load.statuses.keys() == {200, 503}
        with pytest.raises(Unavailable, match="'late' cannot be opened"):
            home.recorder.client.flush()
        refused = home.ask(1, rows=3)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "spool_full")
        assert "recorder" in refused.json()["error"]["mend"]
        assert metric(home, "spool_limit_bytes") == BOUND
        until(lambda: 0.9 * BOUND < metric(home, "spool_bytes") <= BOUND)
        assert home.replicas["r1"].client.get("/health/live").status_code == 200
        (tmp_path / "log").unlink()
        aside.rename(tmp_path / "log")
        assert home.logged() == {one: 1 for one in [first, *load.acknowledged]}
        until(lambda: home.ask(2, rows=3).status_code == 200)
        until(lambda: metric(home, "spool_bytes") < 0.1 * BOUND)  # the gateway looks now and then how far it is drained


def test_with_the_recorder_gone_predictions_go_on_up_to_the_bound_and_come_back(tmp_path: Path) -> None:
    with installed(tmp_path, "r1", spool_bytes=BOUND) as home:
        home.recorder.kill()
        with Load(home) as load:
            until(lambda: load.statuses[503] > 3)
        assert load.statuses.keys() == {200, 503}
        home.recorder.start()
        assert home.logged() == dict.fromkeys(load.acknowledged, 1)
        until(lambda: home.ask(2).status_code == 200)


def test_a_disk_that_refuses_turns_replies_to_503_and_they_come_back(tmp_path: Path) -> None:
    with installed(tmp_path, "r1") as home:
        pid = home.replicas["r1"].process.pid
        allowed = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        with Load(home) as load:
            until(lambda: len(load.acknowledged) > 20)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4, allowed[1]))
            until(lambda: load.statuses[503] > 20)
            answered = len(load.acknowledged)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, allowed)
            until(lambda: len(load.acknowledged) > answered + 20)
        assert load.statuses.keys() == {200, 503}
        assert home.logged() == dict.fromkeys(load.acknowledged, 1)


def test_a_nearly_full_disk_turns_replies_to_503_that_say_so(tmp_path: Path) -> None:
    with installed(tmp_path, "r1", disk_reserve_bytes=1 << 60) as home:
        refused = home.ask(1)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "disk_full")
        assert "Make room" in refused.json()["error"]["mend"]
        assert str(tmp_path) not in refused.text
        assert metric(home, "disk_free_bytes") > 0
