"""The page on protocols is followed to the letter, on the system clock."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import homeostat as hs
from homeostat.adapters.files.routes import write_route
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.serving.routing import Route
from homeostat.stats.tasks import BINARY
from homeostat.web.doors.oip.datatypes import OF_KIND
from homeostat.web.doors.oip.outputs import outputs_of
from homeostat.web.doors.oip_grpc.messages import SERVICE
from homeostat.web.doors.oip_grpc.refusals import STATUSES
from tests.harness.ports import free_ports
from tests.harness.running import ROOT
from tests.service.test_gateway import Gateway, gateway
from tests.unit.serving.late import DEPARTURES, FEATURES
from tests.unit.serving.parts import model, save_version

pytestmark = pytest.mark.service

WHOLE = (ROOT / "docs" / "protocols.md").read_text().partition("## MLflow scoring")[0]
PAGE, _, GRPC = WHOLE.partition("## Open Inference Protocol v2 over gRPC")
TABLE, CLIENT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(CURL,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
REPLY, ERROR = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
(GRPC_CLIENT,) = re.findall(r"```python\n(.*?)```", GRPC, re.DOTALL)
ADDRESS, GRPC_ADDRESS = "127.0.0.1:8400", "127.0.0.1:8402"
GRPC_PORT = free_ports()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that serves the loop of the page."""
    home = tmp_path_factory.mktemp("home")
    store = SqliteOnlineStore(home / "online.sqlite")
    store.prepare([FEATURES])
    store.close()
    save_version(home / "versions", "v1", model(-1.0))
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home, clock="system", grpc_port=GRPC_PORT) as served:
        yield served


def sent(running: Gateway, body: Any) -> Any:
    answer = httpx.post(f"http://127.0.0.1:{running.port}/v2/models/late/infer", json=body, trust_env=False)
    return answer.json()


def test_the_table_of_the_page_is_the_one_that_is_asked() -> None:
    names: dict[str, Any] = {"hs": hs}
    exec(TABLE, names)
    assert names["departures"] == DEPARTURES


def test_the_curl_command_gets_the_reply_that_the_page_shows(running: Gateway) -> None:
    program, quiet, address, data, body = shlex.split(CURL)
    assert (program, quiet, address, data) == ("curl", "-s", f"http://{ADDRESS}/v2/models/late/infer", "-d")
    found = sent(running, json.loads(body))
    shown = REPLY["outputs"][1].pop("data")
    assert found["outputs"][1].pop("data") == pytest.approx(shown, rel=1e-6)
    assert found == REPLY


@pytest.mark.parametrize("page", [PAGE, GRPC], ids=["REST", "gRPC"])
def test_the_program_of_the_page_prints_what_the_page_shows(running: Gateway, tmp_path: Path, page: str) -> None:
    script = tmp_path / "ask.py"
    program = GRPC_CLIENT.replace(GRPC_ADDRESS, f"127.0.0.1:{GRPC_PORT}") if page is GRPC else CLIENT
    script.write_text(program.replace(ADDRESS, f"127.0.0.1:{running.port}"))
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    (shown,) = re.findall(r"^    (\[.*\])$", page, re.MULTILINE)
    numbers = re.compile(r"\d\.\d+")
    assert numbers.sub("", done.stdout.strip()) == numbers.sub("", shown)
    found, wanted = (list(map(float, numbers.findall(text))) for text in (done.stdout, shown))
    assert found == pytest.approx(wanted, rel=1e-6)


def test_every_call_of_the_interface_and_every_status_is_on_the_page() -> None:
    for name in [*SERVICE.methods_by_name, *(status.name for status in STATUSES.values())]:
        assert f"`{name}`" in GRPC


def test_the_error_of_the_page_is_the_one_that_is_told(running: Gateway) -> None:
    hours = {"name": "hours", "datatype": "INT64", "shape": [1], "data": [8]}
    assert sent(running, {"inputs": [hours]}) == ERROR


def test_every_output_and_the_datatype_of_every_kind_is_on_the_page() -> None:
    for output in outputs_of(BINARY).values():
        assert f"| `{output.name}` | `{output.datatype}` |" in PAGE
    for kind, datatype in OF_KIND.items():
        assert f"| `{kind}()` | `{datatype}` |" in PAGE
