"""The page on bringing one's own model is followed to the letter, on the system clock."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import homeostat
from homeostat.app.processes.supervisor import module_command
from tests.harness.ports import free_ports
from tests.harness.running import PATIENCE, ROOT, Running

pytestmark = [pytest.mark.service, pytest.mark.slow]

PAGE = (ROOT / "docs" / "bring-your-own-model.md").read_text()
FILES = {name: text for name, text in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What a reader has after 'homeostat up loop.py'."""
    folder, port = tmp_path_factory.mktemp("own"), free_ports()
    for name, text in FILES.items():
        (folder / name).write_text(text.replace("127.0.0.1:8400", f"127.0.0.1:{port}"))
    options = ["--home", str(folder / "home"), "--port", str(port)]
    command = module_command("homeostat.cli.main", "up", str(folder / "loop.py"), *options)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=ROOT)
    found = Running(folder / "home", port, process, "late-parcel")
    try:
        yield found.ready()
    finally:
        found.stop()
        found.doors.close()
        found.control.close()


@pytest.fixture(scope="module")
def answer(running: Running) -> dict[str, object]:
    """What the page's client prints."""
    script = running.home.parent / "send.py"
    done = subprocess.run([sys.executable, script], capture_output=True, check=False, timeout=PATIENCE, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_page_has_both_files() -> None:
    assert set(FILES) == {"loop.py", "send.py"}


def test_the_client_gets_the_answer_that_the_page_shows(answer: dict[str, object]) -> None:
    (shown,) = re.findall(r"^    (\{.*\})$", PAGE, re.MULTILINE)
    assert set(answer) == set(json.loads(shown))
    assert (answer["version"], answer["arm"]) == ("v1", "champion")


def test_no_row_of_the_page_broke_a_contract_and_the_model_knows_something(
    running: Running, answer: dict[str, object]
) -> None:
    told = running.overview()
    assert told["quarantined"] == {"parcels": 0, "deliveries": 0}
    assert told["clock"] == "system"
    assert told["champion"]["promise"]["skill"] > 0.1


def test_on_the_system_clock_no_request_tells_the_time(running: Running) -> None:
    told = {"Homeostat-Now": "2030-01-01T00:00:00Z"}
    replies = [
        running.doors.post("/loops/late-parcel/predict", json={"rows": []}, headers=told),
        running.doors.post("/tables/parcels/events", json={"rows": []}, headers=told),
    ]
    assert [reply.status_code for reply in replies] == [400, 400]
    assert all("system clock" in reply.json()["error"]["problem"] for reply in replies)
    barrier: httpx.Response = running.control.post("/api/replay/barrier", json={"now": "2030-01-01T00:00:00Z"})
    assert (barrier.status_code, barrier.json()["error"]["code"]) == (403, "refused")


def test_the_page_tells_of_every_public_name() -> None:
    pages = PAGE + "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    for name in set(homeostat.__all__) - {"Column"}:
        assert re.search(rf"\b(hs\.)?{name}\b", pages), name
    for name in homeostat.__all__:
        assert getattr(homeostat, name).__doc__, name


def test_its_files_lie_where_the_page_says(tmp_path: Path) -> None:
    for name, text in FILES.items():
        compile(text, str(tmp_path / name), "exec")
