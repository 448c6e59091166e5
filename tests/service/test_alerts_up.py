"""A running Homeostat tells a real receiver when nobody asks any more, and what the address is appears nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.cli.context import person
from tests.harness.first import FIRST, first_home
from tests.harness.receiver import SECRET, receiving
from tests.harness.running import started, until
from tests.harness.watched import Watch
from tests.harness.world import LOOP, World, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


def test_from_a_silent_day_to_a_message_an_acknowledgement_and_its_end(tmp_path: Path) -> None:
    world, watch = World(), Watch(tmp_path / "watch")
    with receiving() as receiver:
        environment = {**watch.environment, "HOMEOSTAT_ALERTS_CHAT": receiver.url}
        home = tmp_path / "home"
        with started(first_home(home), write_loop(tmp_path), environment=environment) as running:
            running.history(world, FIRST, 7)
            running.barrier(day(7))
            running.live(world, 7, 9)
            assert [one for one in receiver.messages if "used to come" in one.body["title"]] == []
            running.history(world, 9, 10)  # everything comes, but nobody asks
            running.barrier(day(10))
            until(lambda: [one for one in receiver.messages if "used to come" in one.body["title"]])
            [sent] = [one for one in receiver.messages if "used to come" in one.body["title"]]
            assert sent.body["title"].startswith(f"[P1] {LOOP}: ")
            told = running.control.get(f"/api/loops/{LOOP}/alerts").json()
            [alert] = [one for one in told["alerts"] if one["rule"] == "stopped"]
            assert (alert["subject"], alert["count"]) == ("predictions", 1)
            assert f"homeostat alerts ack {alert['id']}" in sent.body["message"]
            until(lambda: running.control.get(f"/api/loops/{LOOP}/alerts").json()["addresses"][0]["last_arrived"])
            done = running.command("alerts", "ack", alert["id"], "--reason", "the shop is closed")
            assert done["acknowledged"]["actor"] == person()
            running.live(world, 10, 11)
            [ended] = [one for one in running.command("alerts", LOOP, "--all")["alerts"] if one["id"] == alert["id"]]
            assert (ended["status"], ended["acted_on"]) == ("resolved", None)
            metrics = running.control.get("/metrics").text
            assert f'homeostat_alerts_open{{loop="{LOOP}",severity="P1"}} 0.0' in metrics
        held = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
        assert SECRET.encode() not in held
        assert [call for call in watch.calls() if not call.local] == []
        assert len({one.key for one in receiver.messages}) == len(receiver.messages)
