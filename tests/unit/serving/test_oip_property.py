"""Whatever is sent to infer has its answer, and however rows are sent, the answer is the same."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import question
from tests.unit.serving.oip import INFER, binary, inputs, outputs, tensor
from tests.unit.serving.rig import NOW_HEADER, Answer, Rig

LENGTH = "inference-header-content-length"
ROWS = [question(1), question(2, carrier="DL", hour=9)]
WHOLE = {
    "id": "q",
    "inputs": [*inputs(ROWS)[:4], tensor("m", "FP32", [8, 1, 9, 2], [2, 2])],
    "parameters": {"binary_data_output": True},
    "outputs": [{"name": "probability", "parameters": {"binary_data": False}}, {"name": "arm"}],
}
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from([10**20, -1, 0, 2**31, 2**63, "BYTES", "FP16", "BOOL", "hour", "carrier", "m", "base64"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(
    ["name", "shape", "datatype", "data", "parameters", "binary_data_size", "content_type", "new"]
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A good request in which up to three things were replaced, removed or doubled, wherever they lay."""
    body = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        at: Any = body
        while isinstance(at, (dict, list)) and at:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = draw(st.sampled_from(keys))
            if isinstance(at[key], (dict, list)) and at[key] and draw(st.integers(0, 3)):
                at = at[key]
                continue
            change = draw(st.sampled_from(["replace", "remove", "double", "add"]))
            if change == "remove":
                del at[key]
            elif change == "double" and isinstance(at, list):
                at.append(copy.deepcopy(at[key]))
            elif change == "add" and isinstance(at, dict):
                at[draw(members)] = draw(anything)
            else:
                at[key] = draw(anything)
            break
    return body


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, dict[str, str]]:
    """A good request in binary, some bytes of it or its header's length changed."""
    body, headers = binary(inputs(ROWS), **draw(st.sampled_from([{}, {"parameters": {"binary_data_output": True}}])))
    content = bytearray(body)
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(content)) | st.just(len(content)))
    lengths = st.just(headers[LENGTH]) | st.integers(-1, len(body) + 1).map(str) | st.text(max_size=5)
    return bytes(content[:cut]) + draw(st.binary(max_size=9)), {**NOW_HEADER, LENGTH: draw(lengths)}


def in_one_rig(with_rig: WithRig[object], check: Callable[[Callable[..., Answer]], None]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        loop = asyncio.get_running_loop()

        def ask(*arguments: Any) -> Answer:
            return asyncio.run_coroutine_threadsafe(rig.ask(*arguments), loop).result(60)

        await asyncio.to_thread(check, ask)

    with_rig(scenario)


def told_or_mended(answer: Answer) -> None:
    assert answer.status in (200, 400, 413, 415, 422), answer.body
    if answer.status != 200:
        assert isinstance(answer.error, str)
        assert answer.json["mend"]


def test_no_request_whatever_is_answered_with_a_fault_of_ours(with_rig: WithRig[object]) -> None:
    def check(ask: Callable[..., Answer]) -> None:
        assert ask("POST", INFER, WHOLE).status == 200

        @given(mutated() | anything)
        @settings(max_examples=250, deadline=None)
        def json_is_answered_or_mended(body: object) -> None:
            told_or_mended(ask("POST", INFER, json.dumps(body).encode()))

        @given(damaged())
        @settings(max_examples=200, deadline=None)
        def binary_is_answered_or_mended(asked: tuple[bytes, dict[str, str]]) -> None:
            told_or_mended(ask("POST", INFER, *asked))

        @given(st.binary(), st.none() | st.integers(0, 40), st.sampled_from([None, "gzip", "deflate", "x"]))
        @settings(max_examples=80, deadline=None)
        def bytes_are_mended(body: bytes, length: int | None, packed: str | None) -> None:
            headers = {**NOW_HEADER, **({} if length is None else {LENGTH: str(length)})}
            answer = ask("POST", INFER, body, {**headers, **({"content-encoding": packed} if packed else {})})
            told_or_mended(answer)
            assert answer.status != 200

        paths = st.lists(st.sampled_from(["models", "late", "versions", "v1", "ready", "infer", "..", "", "\ufffd"]))

        @given(st.sampled_from(["GET", "POST", "HEAD", "PUT"]), paths.map("/".join), st.binary(max_size=20))
        @settings(max_examples=80, deadline=None)
        def any_path_has_its_answer(method: str, path: str, body: bytes) -> None:
            assert ask(method, f"/v2/{path}", body).status in (200, 400, 404, 405)

        for each in (json_is_answered_or_mended, binary_is_answered_or_mended, bytes_are_mended):
            each()
        any_path_has_its_answer()

    in_one_rig(with_rig, check)


names = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
rows = st.fixed_dictionaries(
    {
        "flight_id": names,
        "asked_at": st.just("2013-02-01T13:00:00Z"),
        "carrier": st.sampled_from(["AA", "DL", "UA"]),
        "origin": names,
        "hour": st.integers(0, 23),
        "distance": st.none() | st.floats(0, 1e300),
    }
)


def test_rows_are_answered_alike_as_rows_as_json_tensors_as_a_matrix_and_in_binary(with_rig: WithRig[object]) -> None:
    def check(ask: Callable[..., Answer]) -> None:
        @given(st.lists(rows, min_size=1, max_size=5))
        @settings(max_examples=60, deadline=None)
        def alike(given_rows: list[dict[str, Any]]) -> None:
            plain = ask("POST", "/loops/late/predict", {"rows": given_rows}).json["predictions"]
            columns = inputs(given_rows)
            numbers = [row[name] for row in given_rows for name in ("hour", "distance")]
            texts = [one for one in columns if one["datatype"] == "BYTES"]
            matrix = [*texts, tensor("m", "FP64", numbers, [len(given_rows), 2])]
            everything = {"parameters": {"binary_data_output": True}}
            for answer in (
                ask("POST", INFER, {"inputs": columns}),
                ask("POST", INFER, {"inputs": matrix, **everything}),
                ask("POST", INFER, *binary(columns)),
                ask("POST", INFER, *binary(matrix, **everything)),
            ):
                found = outputs(answer)
                for name in ("prediction", "probability", "version", "arm"):
                    assert found[name] == [one[name] for one in plain]

        alike()

    in_one_rig(with_rig, check)
