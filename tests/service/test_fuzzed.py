"""What the OpenAPI document allows, and what it forbids, sent by the thousand to a real gateway and a real recorder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from homeostat.adapters.files.routes import write_route
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.kernel.errors import Unavailable
from homeostat.serving.routing import Route
from tests.harness.running import PATIENCE, ROOT, until
from tests.service.test_gateway import Gateway, furnished, gateway
from tests.unit.serving.late import question

pytestmark = pytest.mark.service

RECORDER = """
import sys
from pathlib import Path
from homeostat.app.recorder.main import run
from homeostat.app.recorder.labels import Labelled
from tests.unit.serving.late import ARRIVALS, DEPARTURES, FEATURES, LABEL
tables = [DEPARTURES, ARRIVALS, LABEL.table]
run(Path(sys.argv[1]), sys.argv[2], tables, [FEATURES], [], [Labelled("late", DEPARTURES, LABEL)])
"""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PATHS = [
    "/loops/late/predict",
    "/loops/late/labels",
    "/loops/late/invocations",
    "/invocations",
    "/tables/departures/events",
    "/tables/arrivals/events",
    "/events",
    "/v2/models/late/infer",
    "/v2/models/late/versions/{version}/infer",
    "/v2/repository/index",
    "/health/live",
    "/health/ready",
    "/health",
    "/ping",
    "/version",
    "/metrics",
    "/openapi.json",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/late",
    "/v2/models/late/ready",
    "/v2/models/late/versions/{version}",
    "/v2/models/late/versions/{version}/ready",
]
WITH_BODY = PATHS[:10]
SIMPLE = [GenerationMode.POSITIVE]
LONGEST_SECONDS = 30
REFUSED = [400, 413, 415, 422]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a recorder on a home of its own."""
    home = tmp_path_factory.mktemp("recorder")
    with tempfile.TemporaryDirectory(prefix="rec-") as folder:
        socket = f"{folder}/s/socket"
        process = subprocess.Popen([sys.executable, "-c", RECORDER, str(home), socket], cwd=ROOT)
        client = BlockingRecorderClient(socket)

        def answers() -> bool:
            try:
                return bool(client.status())
            except Unavailable:
                return False

        try:
            until(answers)
            yield socket
        finally:
            client.close()
            process.kill()
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, recorder: str) -> Iterator[Gateway]:
    """A gateway that serves version v1 and whose clock is set."""
    home: Path = furnished(tmp_path_factory.mktemp("fuzzed"))
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home, recorder_socket=recorder) as found:
        assert found.predict(question()).status_code == 200
        yield found
        assert found.predict(question()).status_code == 200
        status, _, err = found.end()
        assert (status, "Traceback" in err) == (0, False), err


@pytest.fixture(scope="module")
def described(running: Gateway) -> schemathesis.BaseSchema:
    """What the gateway says of itself."""
    told = {"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}}
    config = schemathesis.Config.from_dict(told)
    found = schemathesis.openapi.from_dict(running.client.get("/openapi.json").json(), config=config)
    found.config.update(base_url=f"http://127.0.0.1:{running.port}")
    return found


def test_every_path_is_fuzzed(described: schemathesis.BaseSchema) -> None:
    assert set(PATHS) == set(described.raw_schema["paths"])


@pytest.mark.parametrize(
    ("path", "mode"), [(path, mode) for path in PATHS for mode in (GenerationMode if path in WITH_BODY else SIMPLE)]
)
def test_no_request_is_a_fault_or_hangs_and_every_reply_fits(
    described: schemathesis.BaseSchema, path: str, mode: GenerationMode
) -> None:
    method = "POST" if "post" in described.raw_schema["paths"][path] else "GET"
    wrong = mode is GenerationMode.NEGATIVE
    takes_good_rows = path.endswith(("events", "labels"))  # and keeps the others apart
    takes_all = path == "/v2/repository/index"  # members that nobody knows, and nothing at all
    by_chance = path.startswith("/v2/models/")  # no schema says which versions are loaded and which tensors fit
    checks = [*CHECKS, negative_data_rejection] if wrong and not (takes_good_rows or takes_all) else CHECKS
    statuses = set()
    with requests.Session() as session:
        session.trust_env = False

        @seed(4)
        @given(described[path][method].as_strategy(mode))
        @settings(
            max_examples=25 if method == "POST" else 5,
            phases=[Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        def is_answered(case: schemathesis.Case) -> None:
            reply = case.call(session=session, timeout=LONGEST_SECONDS)
            case.validate_response(reply, checks=checks)
            statuses.add(reply.status_code)

        is_answered()
    assert wrong or by_chance or 200 in statuses


@pytest.mark.parametrize("name", ["%2e%2e", "..%2f..%2farrivals", "%00", "%ff%fe", "arrivals%00", "A" * 20_000])
def test_no_trick_in_a_tables_name_leads_to_another(running: Gateway, name: str) -> None:
    reply = running.client.post(f"/tables/{name}/events", json={"rows": [question()]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
