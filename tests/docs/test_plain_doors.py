"""The commands on the page about the plain doors do what the page says, against a gateway and a recorder."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from homeostat.adapters.files.routes import write_route
from homeostat.data.labels import Label
from homeostat.data.tables import Table
from homeostat.serving.routing import Route
from tests.harness.running import ROOT, started, until
from tests.harness.world import write_loop
from tests.service.test_gateway import furnished, gateway
from tests.unit.serving.late import DEPARTURES

pytestmark = pytest.mark.service

PAGE = (ROOT / "docs" / "protocols.md").read_text()
SECTION = PAGE[PAGE.index("## The plain doors") :]
PREDICT, LABELS = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
PREDICTED, LABELLED = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL))
TABLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
LOOP_FILE = f"""
import homeostat as hs

{TABLE}
loop = hs.Loop(
    name="late", question=departures, features=[departures["carrier", "hour"]],
    label=hs.Label.posted(matures="24h after asked_at"), train=lambda rows, config: None,
)
"""
NOW = {"Homeostat-Now": "2013-02-01T18:00:00Z"}


def sent(client: httpx.Client, command: str) -> httpx.Response:
    """A curl command of the page as a request to running doors."""
    words = shlex.split(command)
    headers = dict(word.split(": ") for flag, word in pairwise(words) if flag == "-H")
    path = next(word for word in words if word.startswith("http")).removeprefix("http://127.0.0.1:8400")
    return client.post(path, content=words[-1].encode(), headers={**NOW, **headers})


def test_the_label_command_answers_as_shown(tmp_path: Path) -> None:
    with started(tmp_path / "home", write_loop(tmp_path, text=LOOP_FILE), "late") as running:
        assert sent(running.doors, LABELS).json() == LABELLED
        again = {**LABELLED, "accepted": 0, "duplicates": 1, "first_sequence": None, "last_sequence": None}
        assert sent(running.doors, LABELS).json() == again


def test_the_predict_command_answers_as_shown_and_a_retry_gets_the_same(tmp_path: Path) -> None:
    home = furnished(tmp_path)
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home) as running:
        until(lambda: running.ready()["champion"] == "v1")
        first, again = sent(running.client, PREDICT), sent(running.client, PREDICT)
    (shown,), (found,) = PREDICTED["predictions"], first.json()["predictions"]
    assert list(shown) == list(found)
    assert [shown[name] for name in ("prediction", "version", "arm")] == [True, found["version"], found["arm"]]
    assert shown["probability"] == round(found["probability"], 2)
    assert again.content == first.content


def test_the_table_of_posted_labels_is_named_as_the_page_says() -> None:
    label: Label = Label.posted(matures="24h after asked_at").of("late", DEPARTURES)
    table: Table = label.table
    assert f"homeostat tables show {table.name}" in SECTION
