"""The trace of a request goes on where the request does: to the candidate's process, the recorder, a retraining."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.dbos.workflows import DbosEngine
from homeostat.app.arms.process import ArmFailed, ArmLimits, ArmProcess
from homeostat.app.recorder.server import SocketServer
from homeostat.app.tracing.arms import TracedArm
from homeostat.app.tracing.calls import TracedBlockingRecorderClient, TracedRecorderClient, traced_answer
from homeostat.app.tracing.tracer import CURRENT, Tracer
from homeostat.app.tracing.workflows import traced_body
from homeostat.kernel.errors import Conflict, InvalidInput
from homeostat.kernel.traces import Span
from homeostat.training.pipeline import Json, Steps
from tests.service.test_candidates import MEMORY, asked, columns
from tests.unit.serving.kept_spans import Kept
from tests.unit.serving.parts import harmful, model, save_version

pytestmark = pytest.mark.service


def arm(folder: Path, content: bytes, seconds: float = 5.0) -> TracedArm:
    made = save_version(folder / "versions", "v2", content)
    return TracedArm(made, "late", "v2", ArmLimits(seconds, MEMORY), folder / "candidates.log")


def within(parent: Span, child: Span) -> bool:
    return (child.parent, child.place.trace_id) == (parent.place.span_id, parent.place.trace_id)


def test_a_candidates_own_work_is_below_the_request_that_asked_it(tmp_path: Path) -> None:
    async def one(tracer: Tracer, found: ArmProcess, hours: int) -> None:
        trace = tracer.begin(None)
        assert trace is not None
        CURRENT.set(trace)
        trace.facts["rows"] = hours
        await found.predict(columns(*([8] * hours)))
        trace.finish("request", "server")

    async def scenario(found: ArmProcess) -> None:
        kept = Kept()
        tracer = Tracer(kept, 1.0)
        await found.predict(columns(8))  # nobody traces it
        await asyncio.gather(*(asyncio.create_task(one(tracer, found, hours)) for hours in range(1, 21)))
        assert len(kept.spans) == 20 * 3
        while kept.spans:
            (own, *rest), kept.spans = kept.spans[:3], kept.spans[3:]
            score, ask = rest
            assert (ask.name, ask.kind, score.name, score.kind) == ("ask v2", "client", "score v2", "server")
            assert within(own, ask)
            assert within(ask, score)
            assert score.facts == {"homeostat.version": "v2", "process.pid": found.pid}
            assert own.began <= ask.began <= score.began + 10**6
            assert score.began <= score.ended <= ask.ended + 10**6  # two processes, one clock of the machine

    asked(arm(tmp_path, model(1.0)), scenario)


def test_a_candidate_that_does_not_answer_in_time_is_seen_to(tmp_path: Path) -> None:
    async def scenario(found: ArmProcess) -> None:
        kept = Kept()
        trace = Tracer(kept, 1.0).begin(None)
        assert trace is not None
        CURRENT.set(trace)
        with pytest.raises(ArmFailed):
            await found.predict(columns(23))
        trace.finish("request", "server")
        _, below = kept.take()
        assert (list(below), below["ask v2"].failed) == (["ask v2"], "ArmFailed")
        assert below["ask v2"].ended - below["ask v2"].began >= 0.2e9

    asked(arm(tmp_path, harmful("slow"), 0.2), scenario)


def test_a_call_of_the_recorder_is_one_trace_on_both_sides(tmp_path: Path) -> None:
    here, there = Kept(), Kept()
    heard: list[dict[str, Any]] = []

    async def answer(header: dict[str, Any], body: bytes) -> dict[str, Any]:
        heard.append(header)
        if body == b"bad":
            raise InvalidInput("It holds secret-7.", mend="Mend it.")
        return {"accepted": 1}

    async def scenario() -> None:
        socket = tmp_path / "recorder"
        async with SocketServer(socket, traced_answer(answer, Tracer(there, 1.0))):
            client = TracedRecorderClient(str(socket))
            await client.events("flights", b"good", 0)
            assert (here.spans, there.spans, "traceparent" in heard[0]) == ([], [], False)
            trace = Tracer(here, 1.0).begin(None)
            assert trace is not None
            token = CURRENT.set(trace)
            await client.events("flights", b"good", 0)
            with pytest.raises(InvalidInput):
                await client.events("flights", b"bad", 0)
            blocking = TracedBlockingRecorderClient(str(socket))
            await asyncio.to_thread(blocking.events, "flights", b"good", 0)
            CURRENT.reset(token)
            blocking.close()
            await client.close()
            trace.finish("request", "server")

    asyncio.run(scenario())
    own, *calls = here.spans
    assert [(one.name, one.kind, one.failed) for one in calls] == [
        ("recorder events", "client", None),
        ("recorder events", "client", "invalid_input"),
        ("recorder events", "client", None),
    ]
    assert all(within(own, one) for one in calls)
    assert [one.failed for one in there.spans] == [one.failed for one in calls]
    for one, told in zip(calls, there.spans, strict=True):
        assert within(one, told)
        assert (told.kind, told.remote) == ("server", True)
    assert "secret" not in repr([*here.spans, *there.spans])


def test_of_several_that_are_asked_at_once_none_is_within_the_other() -> None:
    kept = Kept()
    trace = Tracer(kept, 1.0).begin(None)
    assert trace is not None
    with trace.step("predict"):
        first, second = trace.step("ask v2", "client").__enter__(), trace.step("ask v3", "client").__enter__()
        first.end()
        second.end()
    trace.finish("request", "server")
    own, below = kept.take()
    assert within(own, below["predict"])
    assert all(within(below["predict"], below[name]) for name in ("ask v2", "ask v3"))


def test_what_ends_after_the_reply_is_sent_by_itself_and_what_is_too_much_is_counted() -> None:
    kept = Kept()
    trace = Tracer(kept, 1.0).begin(None)
    assert trace is not None
    late = trace.step("late")
    for _ in range(70):
        with trace.step("often"):
            pass
    late.__enter__()
    trace.finish("request", "server")
    assert (len(kept.spans), kept.spans[0].facts) == (65, {"homeostat.spans_left_out": 6})
    late.end()
    assert within(kept.spans[0], kept.spans[65])


def test_a_retraining_is_one_trace_through_a_restart_and_each_step_is_sent_as_it_ends(tmp_path: Path) -> None:
    kept, ran = Kept(), []
    ask = {"workflow": "w1", "version": "v3"}

    def body(steps: Steps, arguments: Json) -> Json:
        steps.run("pin", lambda: ran.append("pin"))
        steps.run("train", train)
        steps.run("gate", lambda: ran.append("gate"))
        return {"verdict": "ACCEPT"}

    def train() -> Json:
        ran.append("train")
        if ran.count("train") == 1:
            engine._closing.set()  # as a kill would: what the step gives is not kept
        return None

    for _ in range(2):
        engine = DbosEngine(tmp_path / "workflows.sqlite", release="r1")
        engine.register("retrain", traced_body(body, Tracer(kept, 0.0), "late"))
        engine.launch()
        engine.start("retrain", "w1", ask)
        while engine._closing.is_set() is False and not engine.wait("w1", 1).finished:
            pass
        engine.close()
    assert ran == ["pin", "train", "train", "gate"]
    assert [one.name for one in kept.spans] == [*ran, "retraining"]
    *steps, own = kept.spans
    assert all(within(own, one) for one in steps)
    assert own.facts == {
        "homeostat.loop": "late", "homeostat.version": "v3", "homeostat.workflow": "w1", "homeostat.verdict": "ACCEPT",
    }  # fmt: skip


def test_a_retraining_that_fails_says_in_which_step_and_why(tmp_path: Path) -> None:
    kept = Kept()

    def refuse() -> Json:
        raise Conflict("secret-7", mend="Mend it.")

    def body(steps: Steps, arguments: Json) -> Json:
        return steps.run("train", refuse)

    engine = DbosEngine(tmp_path / "workflows.sqlite", release="r1")
    engine.register("retrain", traced_body(body, Tracer(kept, 0.0), "late"))
    engine.launch()
    engine.start("retrain", "w1", {"workflow": "w1", "version": "v3"})
    assert engine.wait("w1", 20).status == "FAILED"
    engine.close()
    assert [(one.name, one.failed) for one in kept.spans] == [("train", "conflict"), ("retraining", "conflict")]
    assert "secret" not in repr(kept.spans)
