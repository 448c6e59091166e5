"""The public clients of the Open Inference Protocol, unchanged, against a real gateway process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.files.routes import write_route
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.serving.routing import Route
from tests.harness.running import PATIENCE, ROOT
from tests.service.test_gateway import Gateway, gateway
from tests.unit.serving.late import question
from tests.unit.serving.parts import expected, two_versions

pytestmark = pytest.mark.service

HOURS, CARRIERS = [8, 12, 23], ["UA", "DL", "AA"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that serves v1, with v2 standing by."""
    home = two_versions(tmp_path_factory.mktemp("home"))
    write_route(home / "routes", Route("late", 1, "v1", standby="v2"))
    with gateway(home) as served:
        yield served


def told(script: str, running: Gateway) -> dict[str, Any]:
    """What a client's program prints; a warning of ours or theirs ends it."""
    program = Path(__file__).with_name(script)
    command = [sys.executable, "-W", "error", str(program), f"127.0.0.1:{running.port}"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def triton(running: Gateway) -> dict[str, Any]:
    return told("oip_triton.py", running)


@pytest.fixture(scope="module")
def mlserver(running: Gateway) -> dict[str, Any]:
    if sys.version_info >= (3, 13):
        pytest.skip("MLServer is not for Python 3.13 yet")
    return told("oip_mlserver.py", running)


def plain(running: Gateway, **changed: object) -> list[float]:
    """What the plain door says of the clients' rows."""
    rows = [
        question(place, hour=h, carrier=c, **changed) for place, (h, c) in enumerate(zip(HOURS, CARRIERS, strict=True))
    ]
    return [one["probability"] for one in running.predict(*rows).json()["predictions"]]


def test_tritonclient_sees_health_and_metadata(triton: dict[str, Any]) -> None:
    assert [triton[name] for name in ("live", "ready", "model_ready", "version_ready")] == [True] * 4
    assert triton["other_ready"] == [False, False]
    assert "binary_tensor_data" in triton["server"]["extensions"]
    assert (triton["model"]["name"], triton["model"]["versions"]) == ("late", ["v1", "v2"])
    assert [one["version"] for one in triton["index"]] == ["v1", "v2"]


@pytest.mark.parametrize("way", ["binary", "json", "mixed", "matrix", "gzip", "deflate", "asynchronous"])
def test_tritonclient_is_answered_as_the_plain_door_answers(running: Gateway, triton: dict[str, Any], way: str) -> None:
    found = triton[way]
    assert found["model_version"] == "v1"
    assert found["outputs"]["probability"] == plain(running)
    if way != "mixed":
        assert found["outputs"]["prediction"] == [one >= 0.5 for one in plain(running)]
        assert (found["outputs"]["arm"], found["outputs"]["defaulted"]) == (["champion"] * 3, ["[]"] * 3)


def test_tritonclients_predictions_are_in_the_log_under_their_ids(running: Gateway, triton: dict[str, Any]) -> None:
    records = {
        r.prediction_id: r for _, r in SpoolReader(running.home / "spool" / "predictions" / "r1").read(-1).records
    }
    kept = [records[name] for name in triton["binary"]["outputs"]["prediction_id"]]
    assert [record.key for record in kept] == ['["q/0"]', '["q/1"]', '["q/2"]']
    assert (triton["binary"]["id"], triton["json"]["id"]) == ("q", None)
    assert [record.question["hour"] for record in kept] == HOURS


def test_tritonclient_gets_the_version_that_it_names(triton: dict[str, Any]) -> None:
    found = triton["pinned"]
    assert (found["model_version"], found["outputs"]["arm"]) == ("v2", ["pinned"] * 3)
    wanted = [expected(1, hour, carrier) for hour, carrier in zip(HOURS, CARRIERS, strict=True)]
    assert found["outputs"]["probability"] == pytest.approx(wanted, abs=1e-6)


def test_tritonclient_shows_the_mend(triton: dict[str, Any]) -> None:
    status, message = triton["unknown_version"]
    assert (status, "Known: v1, v2" in message) == ("404", True)
    status, message = triton["bad_hour"]
    assert (status, "Send a whole number" in message) == ("422", True)
    status, message = triton["bad_name"]
    assert (status, "Did you mean 'hour'" in message) == ("400", True)


def test_mlservers_types_read_what_the_gateway_says(mlserver: dict[str, Any]) -> None:
    assert mlserver["server"]["name"] == "homeostat"
    assert mlserver["model"]["inputs"][0]["parameters"] == {"optional": True}
    assert [one["state"] for one in mlserver["index"]] == ["READY", "READY"]
    status, message = mlserver["error"]
    assert (status, "Column 'hour' is missing" in message) == (422, True)


def test_mlservers_codecs_are_answered_as_the_plain_door_answers(running: Gateway, mlserver: dict[str, Any]) -> None:
    wanted = plain(running)
    assert mlserver["columns"]["probability"] == wanted
    assert mlserver["columns"]["version"] == ["v1"] * 3
    assert (mlserver["probability"], mlserver["id"]) == (wanted, "q")
    assert mlserver["prediction"] == [one >= 0.5 for one in wanted]
    assert mlserver["version"] == ["v1"] * 3
