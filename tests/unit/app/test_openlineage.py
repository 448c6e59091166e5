"""Events of trainings and releases: what the standard's own client takes, and every one arrives at least once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attr
import pytest

from homeostat.adapters.openlineage.events import event_of
from homeostat.adapters.openlineage.sender import FileSender, HttpSender
from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.lineage.choosing import chosen_place
from homeostat.app.lineage.emitting import Emitter, sender_of
from homeostat.governance.audit import Draft
from homeostat.kernel.errors import InvalidInput, Unavailable
from tests.harness.served import loop_of
from tests.harness.traced import traced_home
from tests.harness.world import LOOP

Json = dict[str, Any]
PRODUCER = "urn:homeostat:test"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return traced_home(tmp_path_factory.mktemp("traced"))


class Kept:
    """Takes events until told not to."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.away = False
        self.refuses = ""

    def send(self, event: Mapping[str, Any]) -> None:
        if self.away:
            raise Unavailable("Away.", mend="Wait.")
        if event["eventType"] == self.refuses:
            raise InvalidInput("It answered 422.", mend="Look.")
        self.events.append(event)


def emitter(home: Home, sender: Any) -> Emitter:
    return Emitter(home, {LOOP: loop_of(home)}, Operations.open(home).store, sender, PRODUCER)


@pytest.fixture(scope="module")
def events(home: Home) -> list[Mapping[str, Any]]:
    kept = Kept()
    emitter(home, kept).look()
    home.openlineage.unlink()
    return kept.events


def test_every_training_begins_and_ends_and_every_release_is_told(events: list[Mapping[str, Any]]) -> None:
    told = [(one["job"]["name"], one["eventType"]) for one in events]
    train, route = (f"{LOOP}.train", "START"), (f"{LOOP}.route", "COMPLETE")
    ended = (f"{LOOP}.train", "COMPLETE")
    assert told == [train, ended, route, train, ended, route, route, train, ended, route, route]
    runs = [one["run"]["runId"] for one in events if one["job"]["name"].endswith("train")]
    assert runs[0::2] == runs[1::2]
    assert len(set(runs)) == 3


def test_what_was_read_and_what_came_of_it_is_told_with_its_versions(
    events: list[Mapping[str, Any]], home: Home
) -> None:
    ended = [one for one in events if one["job"]["name"].endswith("train") and one["eventType"] == "COMPLETE"][1]
    read = {Path(one["name"]).name: one["facets"] for one in ended["inputs"]}
    assert read["purchases"]["version"]["datasetVersion"] == "2"
    assert {one["name"] for one in read["purchases"]["schema"]["fields"]} == {"visit", "at", "shop", "spent"}
    assert ended["outputs"][0]["name"] == str(home.root.resolve() / "versions" / LOOP)
    assert ended["outputs"][0]["facets"]["version"]["datasetVersion"] == "v2"


def by_the_client(event: Mapping[str, Any]) -> Json:
    """The event as the published client makes it from its own types, which check what they are given."""
    from openlineage.client import event_v2
    from openlineage.client.generated import (
        dataset_version_dataset,
        error_message_run,
        job_type_job,
        schema_dataset,
    )
    from openlineage.client.serde import Serde

    kinds: dict[str, Any] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet,
        "errorMessage": error_message_run.ErrorMessageRunFacet,
        "jobType": job_type_job.JobTypeJobFacet,
    }

    def facet(name: str, told: Json) -> Any:
        values = {key: value for key, value in told.items() if not key.startswith("_")}
        if name == "schema":
            fields = [schema_dataset.SchemaDatasetFacetFields(**one) for one in values["fields"]]
            made = schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)
        else:
            made = kinds[name](**values, producer=PRODUCER)
        return made

    def facets(told: Json) -> Json:
        return {name: facet(name, one) for name, one in told.items()}

    def datasets(kind: Any, told: list[Json]) -> list[Any]:
        return [kind(one["namespace"], one["name"], facets=facets(one["facets"])) for one in told]

    made = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        run=event_v2.Run(event["run"]["runId"], facets(event["run"]["facets"])),
        job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], facets(event["job"]["facets"])),
        inputs=datasets(event_v2.InputDataset, event["inputs"]),
        outputs=datasets(event_v2.OutputDataset, event["outputs"]),
        producer=event["producer"],
    )
    assert attr.has(type(made))
    return Serde.to_dict(made)


def same(ours: Any, theirs: Any) -> bool:
    """Equal but for parts that the client adds empty."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        added = {name for name in theirs.keys() - ours.keys() if theirs[name] not in (None, {}, [])}
        return not added and all(same(value, theirs.get(name)) for name, value in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs)


def test_the_published_clients_types_take_every_event_and_give_it_back_the_same(
    events: list[Mapping[str, Any]], home: Home
) -> None:
    failed = Draft(f"{LOOP}/retrain/v9/fail", LOOP, 0, "fail", "FAIL", "Training v9 failed", ("train() raised",), "v9")
    told = event_of(failed, None, {}, home.root, PRODUCER)
    assert told is not None
    assert told["run"]["facets"]["errorMessage"]["message"] == "train() raised"
    for event in (*events, told):
        theirs = by_the_client(event)
        assert same(event, theirs), (event, theirs)


def test_after_an_outage_or_a_restart_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    home, kept = traced_home(tmp_path), Kept()
    kept.away = True
    with pytest.raises(Unavailable):
        emitter(home, kept).look()
    kept.away = False
    assert emitter(home, kept).look() == 11
    assert emitter(home, kept).look() == 0
    again = Kept()
    home.openlineage.write_text('{"sent": 5}')
    emitter(home, again).look()
    assert [one["run"]["runId"] for one in again.events] == [one["run"]["runId"] for one in kept.events][5:]
    home.openlineage.write_text("{")
    with pytest.raises(InvalidInput, match="Remove it"):
        emitter(home, kept).look()


def test_what_a_collector_never_takes_does_not_keep_the_rest_back(tmp_path: Path) -> None:
    home, kept = traced_home(tmp_path), Kept()
    kept.refuses = "START"
    assert emitter(home, kept).look() == 8


class Collector(BaseHTTPRequestHandler):
    """Answers as its server says, and keeps what came."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.got.append((self.path, self.headers["Authorization"], body))
        self.send_response(server.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def collector() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.got, server.status = [], 201
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_collector_gets_each_event_with_the_key_and_its_refusals_are_told_apart(collector: Any) -> None:
    sender = sender_of(f"http://127.0.0.1:{collector.server_port}", {"OPENLINEAGE_API_KEY": "secret"})
    assert isinstance(sender, HttpSender)
    sender.send({"eventType": "START"})
    assert collector.got == [("/api/v1/lineage", "Bearer secret", {"eventType": "START"})]
    for status, error in ((422, InvalidInput), (503, Unavailable), (307, Unavailable), (401, Unavailable)):
        collector.status = status
        with pytest.raises(error) as raised:
            sender.send({})
        assert "secret" not in str(raised.value)
    with pytest.raises(Unavailable, match="takes nothing"):
        HttpSender("http://127.0.0.1:1/v").send({})


def test_a_file_gets_a_line_for_each_event_and_is_its_owners_alone(tmp_path: Path) -> None:
    sender = FileSender(tmp_path / "events.jsonl")
    for number in range(2):
        sender.send({"number": number})
    assert [json.loads(line)["number"] for line in (tmp_path / "events.jsonl").read_text().splitlines()] == [0, 1]
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o077 == 0
    with pytest.raises(Unavailable, match="cannot be written"):
        FileSender(tmp_path / "no" / "events.jsonl").send({})


def test_a_place_is_a_url_without_secrets_or_a_file_in_a_folder_that_is_there(tmp_path: Path) -> None:
    assert chosen_place(None) is None
    assert chosen_place("https://lineage.example:5000/x") == "https://lineage.example:5000/x"
    assert chosen_place(str(tmp_path / "a.jsonl")) == str(tmp_path / "a.jsonl")
    for wrong in ("http://", "https://u:p@host", "ftp://host/x", "http://host/?key=1", str(tmp_path / "no" / "a"), ""):
        with pytest.raises(InvalidInput):
            chosen_place(wrong)
