"""Requests are counted by who asked; nobody can make up a name to be counted under."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from homeostat.app.gateway.consumer_names import ConsumerNames
from homeostat.governance.outputs import REPLY
from homeostat.serving.gateway import Reply
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.rig import GOOD, NOW_HEADER, PREDICT, Rig


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's monotone seconds, to be moved."""
    now = [100.0]
    monkeypatch.setattr("homeostat.app.gateway.consumer_names.time.monotonic", lambda: now[0])
    return now


def names(folder: Path, *known: str) -> ConsumerNames:
    (folder / "consumers.json").write_text(json.dumps({"late": list(known)}))
    return ConsumerNames(folder / "consumers.json")


def test_requests_are_counted_by_registered_name_and_all_others_together(
    with_rig: WithRig[object], tmp_path: Path
) -> None:
    async def scenario(rig: Rig) -> None:
        rig.metrics.consumer_of = names(tmp_path, "board")
        await rig.route(generation=1, champion="v1")
        for told in ({"homeostat-consumer": "board"}, {"homeostat-consumer": "made-up"}, {}, {}):
            assert (await rig.ask("POST", PREDICT, GOOD, {**NOW_HEADER, **told})).status == 200
        await rig.ask("POST", "/loops/nowhere/predict", GOOD, {**NOW_HEADER, "homeostat-consumer": "board"})
        counted = {
            (sample.labels["loop"], sample.labels["consumer"]): sample.value
            for family in rig.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "homeostat_consumers_requests_total"
        }
        assert counted == {("late", "board"): 1.0, ("late", "unregistered"): 3.0}
        assert rig.metric("homeostat_consumers_last_request_seconds", loop="late", consumer="board") > 1e9

    with_rig(scenario)


def test_a_registration_is_known_within_a_second_and_the_file_is_looked_at_no_more_often(
    tmp_path: Path, at: list[float]
) -> None:
    known = names(tmp_path, "board")
    assert known("late", "board") == "board"
    assert known("early", "board") == "unregistered"
    part = tmp_path / "part"
    part.write_text('{"late": ["export"]}')
    os.replace(part, tmp_path / "consumers.json")
    at[0] += 0.9
    assert known("late", "export") == "unregistered"
    at[0] += 0.2
    assert known("late", "export") == "export"
    assert known("late", "board") == "unregistered"


@pytest.mark.parametrize("content", ["", "[]", '{"late": 3}', '{"late"'])
def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path, at: list[float], content: str) -> None:
    known = names(tmp_path, "board")
    assert known("late", "board") == "board"
    (tmp_path / "consumers.json").write_text(content)
    at[0] += 2
    assert known("late", "board") == "board"


def test_without_a_file_nobody_is_registered(tmp_path: Path) -> None:
    assert ConsumerNames(tmp_path / "none.json")("late", "board") == "unregistered"


def test_names_that_are_not_registered_are_said_once_and_not_without_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known = names(tmp_path, "board")
    with caplog.at_level(logging.WARNING):
        for number in range(100):
            known("late", f"stranger-{number % 50}")
    assert len(caplog.messages) == 20
    assert caplog.messages[0] == "a request to late calls itself 'stranger-0', which is not registered"


def test_what_is_promised_of_a_prediction_is_what_a_reply_holds() -> None:
    """What a reply tells of its features is no column of the prediction."""
    of_rows = {"defaulted", "warnings", "act", "explored", "propensity", "probabilities"}
    assert set(REPLY) == set(Reply.__struct_fields__) - of_rows
