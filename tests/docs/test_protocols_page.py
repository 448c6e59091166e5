"""The commands on the page about protocols do what the page says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from homeostat.adapters.files.routes import write_route
from homeostat.serving.routing import Route
from tests.conftest import RequirePart
from tests.harness.running import ROOT
from tests.service.test_gateway import furnished, gateway
from tests.unit.serving.late import question

pytestmark = pytest.mark.service

PAGE = (ROOT / "docs" / "protocols.md").read_text()
MLFLOW = PAGE[PAGE.index("## MLflow scoring") : PAGE.index("## The plain doors")]


def test_the_curl_of_the_mlflow_door_answers_as_shown(tmp_path: Path, require_part: RequirePart) -> None:
    require_part("curl", "apt-get install curl")
    (command,) = re.findall(r"```sh\n(curl .*?)\n```", MLFLOW, re.DOTALL)
    (shown,) = re.findall(r"```json\n(.*?)\n```", MLFLOW, re.DOTALL)
    home = furnished(tmp_path)
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home) as running:
        running.predict(question())  # tells a replay its time
        here = command.replace("127.0.0.1:8400", f"127.0.0.1:{running.port}").replace("curl ", "curl --noproxy '*' ", 1)
        bash = shutil.which("bash") or "sh"
        said = subprocess.run([bash, "-c", here], capture_output=True, text=True, timeout=20, check=True).stdout
    first, second = json.loads(said)["predictions"]
    assert set(first) == set(second) == set(re.findall(r'"(\w+)":', shown)) - {"predictions"}
    assert (first["prediction"], round(first["probability"], 2), first["version"]) == (True, 0.57, "v1")
