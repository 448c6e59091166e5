"""A request with an idempotency key: one answer and one record, through every door, whoever dies in between."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.adapters.sqlite.answers import SqliteAnswers
from homeostat.app.gateway.answers import KEPT_SECONDS, Answers, Attempt, KeyReused, UnderWay
from homeostat.kernel.errors import Unavailable
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import NOW, question
from tests.unit.serving.rig import NOW_HEADER, PREDICT, Answer, Rig

KEYED = {**NOW_HEADER, "idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
ROWS = {"rows": [question(1), question(2)]}
INFER = "/v2/models/late/infer"
TENSORS = {
    "inputs": [
        {"name": "carrier", "datatype": "BYTES", "shape": [2], "data": ["UA", "DL"]},
        {"name": "origin", "datatype": "BYTES", "shape": [2], "data": ["JFK", "LGA"]},
        {"name": "hour", "datatype": "INT64", "shape": [2], "data": [8, 12]},
    ]
}
WITHOUT_KEYS = [{name: value for name, value in question(1).items() if name not in ("flight_id", "asked_at")}]
DOORS: dict[str, Any] = {PREDICT: ROWS, "/invocations": {"inputs": WITHOUT_KEYS}, INFER: TENSORS}


async def serving(rig: Rig) -> None:
    await rig.route(generation=1, champion="v1")


@pytest.mark.parametrize("path", DOORS)
def test_a_retried_request_gets_the_same_reply_and_is_recorded_once(with_rig: WithRig[object], path: str) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        first = await rig.ask("POST", path, DOORS[path], KEYED)
        later = {**KEYED, "homeostat-now": "2013-02-01T14:00:00Z"}
        again = await rig.ask("POST", path, DOORS[path], later)
        assert (first.status, again.status) == (200, 200)
        assert (again.body, again.headers) == (first.body, first.headers)
        assert len(rig.records()) == len({one.prediction_id for one in rig.records()}) == len(_rows(path))
        assert rig.metric("homeostat_idempotent_requests_total", outcome="repeated") == 1

    with_rig(scenario)


def test_without_the_header_nothing_is_remembered_and_no_file_is_made(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        first, second = [await rig.ask("POST", PREDICT, ROWS) for _ in range(2)]
        assert first.json["predictions"][0]["prediction_id"] != second.json["predictions"][0]["prediction_id"]
        assert not (rig.home / "answers.sqlite").exists()
        assert not any(one.keyed for one in rig.records())

    with_rig(scenario)


def test_another_body_under_the_same_key_is_refused_and_another_key_is_another_request(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        await rig.ask("POST", PREDICT, ROWS, KEYED)
        other = await rig.ask("POST", PREDICT, {"rows": [question(3)]}, KEYED)
        assert (other.status, other.error["code"]) == (422, "idempotency_key_reused")
        assert "key of its own" in other.error["mend"]
        assert (await rig.ask("POST", PREDICT, ROWS, {**KEYED, "idempotency-key": "b"})).status == 200
        assert (await rig.ask("POST", INFER, TENSORS, KEYED)).status == 200
        assert len(rig.records()) == 6

    with_rig(scenario)


@pytest.mark.parametrize("key", ["", "a" * 256, "a\tb", "\N{EN DASH}"])
def test_what_is_no_key_is_refused(with_rig: WithRig[object], key: str) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        told = await rig.ask("POST", PREDICT, ROWS, {**NOW_HEADER, "idempotency-key": key})
        assert (told.status, told.error["code"]) == (400, "invalid_input")
        assert not rig.records()

    with_rig(scenario)


def test_errors_are_not_remembered_and_the_mended_request_may_keep_its_key(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        assert (await rig.ask("POST", PREDICT, ROWS, KEYED)).status == 503
        await serving(rig)
        assert (await rig.ask("POST", PREDICT, {"rows": [question(hour=99)]}, KEYED)).status == 422
        assert (await rig.ask("POST", PREDICT, ROWS, KEYED)).status == 200

    with_rig(scenario)


def test_a_retry_while_the_first_is_under_way_is_told_to_wait_and_then_gets_its_answer(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        told = await asyncio.gather(*(rig.ask("POST", PREDICT, ROWS, KEYED) for _ in range(8)))
        answered = [one for one in told if one.status == 200]
        waiting = [one for one in told if one.status == 409]
        assert len(answered) + len(waiting) == 8
        assert len({one.body for one in answered}) == 1
        assert {one.headers.get("retry-after") for one in waiting} <= {"1"}
        assert {one.error["code"] for one in waiting} <= {"request_under_way"}
        assert (await rig.ask("POST", PREDICT, ROWS, KEYED)).body == answered[0].body
        assert len(rig.records()) == 2

    with_rig(scenario)


def test_a_gateway_killed_between_recording_and_remembering_leads_to_the_recorded_answer(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        first = await rig.ask("POST", PREDICT, ROWS, KEYED)
        _died(rig.home)
        rig.landed({"flight_id": "l", "arrived_at": NOW - 1, "carrier": "UA", "origin": "JFK", "arr_delay": 99.0})
        again = await rig.ask("POST", PREDICT, ROWS, {**KEYED, "homeostat-now": "2013-02-01T15:00:00Z"})
        assert again.json == first.json
        assert len(rig.records()) == 2

    with_rig(scenario)


def test_a_gateway_killed_before_recording_leads_to_the_ids_that_it_would_have_given(
    with_rig: WithRig[object],
) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        first = await rig.ask("POST", "/invocations", {"inputs": WITHOUT_KEYS}, KEYED)
        _died(rig.home)
        for path in (rig.home / "spool").glob("*.spool"):
            path.write_bytes(path.read_bytes()[:8])
        again = await rig.ask("POST", "/invocations", {"inputs": WITHOUT_KEYS}, KEYED)
        assert _ids(again) == _ids(first)

    with_rig(scenario)


def test_while_the_recorder_is_away_a_request_that_may_be_recorded_waits_for_it(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        first = await rig.ask("POST", PREDICT, ROWS, KEYED)
        _died(rig.home)
        rig.recorder.error = Unavailable("The recorder is not running.", mend="Send it again.")
        assert (await rig.ask("POST", PREDICT, ROWS, KEYED)).status == 503
        rig.recorder.error = None
        assert (await rig.ask("POST", PREDICT, ROWS, KEYED)).json == first.json

    with_rig(scenario)


def test_ids_of_tries_are_equal_for_equal_purposes_and_in_the_order_of_time() -> None:
    one, again, other = (Attempt(key, NOW, again=False) for key in (b"a", b"a", b"b"))
    first, second = one.names("prediction"), again.names("prediction")
    made = [first(NOW) for _ in range(5)]
    assert made == [second(NOW) for _ in range(5)]
    assert len({*made, one.names("request")(NOW), other.names("prediction")(NOW)}) == 7
    assert made[0] < one.names("prediction")(NOW + 1_000)


@given(st.lists(st.sampled_from(["claim", "keep", "error", "fault", "die"]), max_size=12))
def test_whatever_happens_a_key_has_one_present_until_it_is_forgotten(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    async def scenario() -> None:
        store = Answers(tmp_path_factory.mktemp("once") / "answers.sqlite", durable=False)
        attempt, bound, answer = None, None, None
        for now, event in enumerate(events):
            if event == "claim":
                try:
                    found = await store.claim(b"k", b"asked", now)
                except UnderWay:
                    assert attempt is not None
                    continue
                assert attempt is None
                if isinstance(found, bytes):
                    assert found == answer
                    continue
                assert answer is None
                assert found.now == (now if bound is None else bound)
                attempt, bound = found, found.now
            elif attempt is not None:
                if event == "keep":
                    await store.keep(attempt, b"answer")
                    answer = b"answer"
                elif event != "die":
                    attempt.again |= event == "fault"
                    bound = bound if attempt.again else None
                    await store.forget(attempt)
                store.ended(attempt)
                attempt = None
        store.close()

    asyncio.run(scenario())


def test_a_day_later_a_key_is_new_and_until_then_it_is_not(tmp_path: Path) -> None:
    clock = iter([0.0, KEPT_SECONDS - 1.0, KEPT_SECONDS + 61.0])

    async def scenario() -> None:
        store = Answers(tmp_path / "answers.sqlite", durable=False, clock=lambda: next(clock))
        attempt = await store.claim(b"k", b"asked", 1)
        assert isinstance(attempt, Attempt)
        await store.keep(attempt, b"answer")
        store.ended(attempt)
        with pytest.raises(KeyReused):
            await store.claim(b"k", b"something else", 2)
        later = await store.claim(b"k", b"something else", 3)
        assert isinstance(later, Attempt)
        assert (later.now, later.again) == (3, False)
        store.close()

    asyncio.run(scenario())


def test_a_process_that_lives_keeps_its_request_for_a_minute_and_one_that_died_loses_it_at_once(
    tmp_path: Path,
) -> None:
    times = [0.0]

    async def scenario() -> None:
        store = Answers(tmp_path / "answers.sqlite", durable=False, clock=lambda: times[0])
        assert isinstance(await store.claim(b"k", b"asked", 1), Attempt)
        for owner, at, waits in (
            (os.getppid(), 0.0, True),
            (os.getppid(), 61.0, False),
            (2**22 + 1, 61.0, False),
            (os.getppid(), -3_600.0, False),
        ):
            _owned_by(tmp_path, owner, 0)
            times[0] = at
            try:
                found = await store.claim(b"k", b"asked", 2)
                assert not waits
                assert isinstance(found, Attempt)
                assert (found.now, found.again) == (1, True)
            except UnderWay:
                assert waits
        store.close()

    asyncio.run(scenario())


def test_a_full_store_refuses_new_keys_and_loses_no_prediction(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await serving(rig)
        store = rig.answers._store = SqliteAnswers(rig.home / "answers.sqlite", durable=False, most_bytes=1 << 16)
        for number in itertools.count():
            told = await rig.ask("POST", PREDICT, ROWS, {**KEYED, "idempotency-key": str(number)})
            if told.status == 503:
                break
            again = await rig.ask("POST", PREDICT, ROWS, {**KEYED, "idempotency-key": str(number)})
            assert again.json == told.json
        assert number > 10
        assert "idempotency key" in told.error["mend"]
        assert (await rig.ask("POST", PREDICT, ROWS)).status == 200
        store.prune(2**40)
        assert (await rig.ask("POST", PREDICT, ROWS, {**KEYED, "idempotency-key": str(number)})).status == 200

    with_rig(scenario)


def _rows(path: str) -> list[object]:
    return [0] if path == "/invocations" else [0, 1]


def _ids(answer: Answer) -> list[str]:
    return [one["prediction_id"] for one in answer.json["predictions"]]


def _died(home: Path) -> None:
    """As if the process had been killed before it could remember its answers."""
    _owned_by(home, 2**22 + 1)


def _owned_by(home: Path, process: int, since: int | None = None) -> None:
    """As if a process, the last number that Linux gives and one more for none, was at every request."""
    db = sqlite3.connect(home / "answers.sqlite")
    with db:
        changed = "UPDATE answers SET answer = NULL, owner = ?, since = ifnull(?, since)"
        assert db.execute(changed, (process, since)).rowcount == 1
    db.close()
