"""A rollback as a command asks for it takes back what was seen, once, whatever becomes of control meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.by_hand.going_back import roll_back, served_route
from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home, Running
from homeostat.app.settings import Settings
from homeostat.kernel.errors import Conflict, HomeostatError, InvalidInput, Refused
from homeostat.serving.routing import Route
from tests.harness.grown import grown_home
from tests.harness.world import LOOP

Answer = Callable[[dict[str, Any]], tuple[int, object]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose third version is on trial, with its route published."""
    found = grown_home(tmp_path)
    Operations.open(found).publish(LOOP)
    return found


@contextmanager
def control(home: Home, answer: Answer) -> Iterator[threading.Event]:
    """A process that says it is control, and answers as it is told; the event lets it end."""
    let_go = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, told = answer(json.loads(body))
            if status == 0:
                let_go.wait(20)
                return
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        home.announce(Running(os.getpid(), url, url, "", "", "system"))
        try:
            yield let_go
        finally:
            let_go.set()
            server.shutdown()
            thread.join()


def seen(home: Home) -> Route:
    route = served_route(home, LOOP)
    assert route is not None
    return route


def taken_back(home: Home) -> list[str]:
    return [entry.draft.title for entry in Operations.open(home).store.entries(LOOP) if entry.draft.kind == "rollback"]


def test_what_control_answers_is_what_is_told(home: Home) -> None:
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> tuple[int, object]:
        asked.append(body)
        return 200, {"done": True}

    with control(home, answer):
        assert roll_back(home, seen(home), "why", "me") == {"done": True}
    assert asked == [{"reason": "why", "actor": "me", "generation": seen(home).generation}]
    assert taken_back(home) == []


def test_what_control_refuses_is_raised_with_its_code_and_not_tried_again(home: Home) -> None:
    refusal = Refused("No.", mend="Ask later.", loop=LOOP).to_dict()
    with control(home, lambda _: (403, {"error": refusal})), pytest.raises(HomeostatError) as told:
        roll_back(home, seen(home), "why", "me")
    assert told.value.to_dict() == refusal
    assert taken_back(home) == []


@pytest.mark.parametrize(("status", "told"), [(0, {}), (500, {}), (404, 7), (404, {"error": "no such page"})])
def test_without_an_answer_of_control_the_command_does_it_alone(home: Home, status: int, told: object) -> None:
    with control(home, lambda _: (status, told)):
        done = roll_back(home, seen(home), "why", "me")
    assert (done["route"]["champion"], done["route"]["canary"]) == ("v2", None)
    assert taken_back(home) == ["v3 is taken back; v2 serves"]


def test_what_control_did_without_answering_is_not_done_twice(home: Home) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, object]:
        Operations.open(home).rollback(LOOP, body["reason"], actor="me", now=None, generation=body["generation"])
        return 0, {}

    with control(home, answer):
        done = roll_back(home, seen(home), "why", "me")
    assert done["route"]["champion"] == "v2"
    assert len(taken_back(home)) == 1


def test_what_changed_since_it_was_seen_is_not_taken_back(home: Home) -> None:
    before = seen(home)
    Operations.open(home).rollback(LOOP, "another", actor="somebody", now=None)
    with pytest.raises(Conflict, match="v2 serves, at generation"):
        roll_back(home, before, "why", "me")
    assert len(taken_back(home)) == 1


def test_a_loop_file_that_is_broken_holds_nothing_back(home: Home) -> None:
    settings = Settings.load(home.root)
    settings.model_copy(update={"definitions": {LOOP: "as started"}}).save()
    settings.loop_file.write_text("import no_such_library")
    words = ("rollback", "--yes", "--json", "--home", str(home.root))
    command = [sys.executable, "-m", "homeostat.cli.main", *words]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["route"]["champion"] == "v2"


def test_the_command_imports_no_store_where_control_answers(home: Home) -> None:
    followed = {"replicas": 0, "lagging": []}
    told = {"route": {"generation": 9}, "decision": {"title": "v3 is taken back"}, "followed": followed}
    script = (
        "import sys\nfrom homeostat.cli.main import app\n"
        f"app(['rollback', {LOOP!r}, '--yes', '--home', {str(home.root)!r}], standalone_mode=False)\n"
        "print([name for name in ('sqlalchemy', 'numpy', 'pandas', 'scipy') if name in sys.modules])"
    )
    with control(home, lambda _: (200, told)):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60, text=True)
    assert done.stdout.splitlines() == ["v3 is taken back (generation 9).", "[]"]


def test_state_is_put_back_by_the_loop_file_and_left_alone_without_it(home: Home) -> None:
    settings = Settings.load(home.root)
    settings.model_copy(update={"stateful": (LOOP,)}).save()
    settings.loop_file.write_text("import no_such_library")
    with pytest.raises(InvalidInput, match="no_such_library"):
        roll_back(home, seen(home), "why", "me")
    done = roll_back(home, seen(home), "why", "me", "leave")
    assert done["route"]["champion"] == "v2"
    assert done["decision"]["evidence"]["versioned_state"]["state"] == "leave"
