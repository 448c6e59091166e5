"""Commands that need no model start light: what they import is counted, since clocks tell of the machine instead."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.grown import grown_home
from tests.unit.cli.test_help import COMMANDS

HEAVY = frozenset(
    {
        *("pandas", "scipy", "sklearn", "polars", "duckdb", "mlflow", "lightgbm", "xgboost", "onnx", "onnxruntime"),
        *("skl2onnx", "onnxmltools", "skops", "optuna", "river", "dbos", "fastapi", "uvicorn", "starlette", "grpc"),
        *(
            "opentelemetry",
            "sqlalchemy",
            "model_signing",
            "sigstore",
            "joblib",
            "torch",
            "tensorflow",
            "matplotlib",
            "openlineage",
            "prometheus_client",
            "asyncio",
        ),
    }
)
"""None of these is needed to say how things stand; each takes from a tenth of a second to several."""
HELP, KEYS, RECORD, JUDGED, LOOP, ACTING, LOGS, ALL = 310, 320, 410, 505, 610, 650, 640, 780
"""Modules at most: of all help, of keys, of all that tells what the stores say by themselves, of what a policy found
and consumers rely on, of all that holds the stores beside the loop's file, of all that changes the state, of all that
reads logs, and of what recomputes."""
FEATURES = {"numpy", "pyarrow", "deltalake", "msgspec", "cryptography"}
LISTING = [
    *("decisions", "versions", "versions show v2", "versions diff v1 v2", "versions steps v2"),
    *(
        "route",
        "alerts",
        "alerts list all --all",
        "alerts silences",
        "alerts rules",
        "ledger verify",
        "ledger head",
        "retrain watch",
    ),
]
"""Of these and those below, some end in an error that says its mend: as quickly."""
EXPLAINING = ["decisions explain 1", "consumers list"]
STANDING = [
    *("status", "approvals", "drift", "alerts visits", "checkpoints"),
    *("quarantine list visits", "contract show visits"),
]
CHANGING = ["retrain now --yes", "rollback --yes", "approve --yes --reason x", "shadow v2", "latency"]
READING = ["features", "impact visits"]
COMPUTING = ["economics", "skew"]
OF_LOOP = {"homeostat.control.loop", "numpy"}
SCRIPT = """
import functools, json, sys
import typer.testing
from homeostat.cli.main import app
typer.testing._get_command = functools.cache(typer.testing._get_command)
statuses = [typer.testing.CliRunner().invoke(app, words).exit_code for words in json.load(sys.stdin)]
print(json.dumps([statuses, sorted(sys.modules)]))
"""


def run(commands: list[list[str]]) -> tuple[list[int], list[str]]:
    """Each command's exit status, and every module that they have loaded together in a new process."""
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, input=json.dumps(commands), capture_output=True, text=True, check=True)
    statuses, modules = json.loads(done.stdout)
    return statuses, modules


def tops(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_help_of_every_command_loads_nothing_but_the_commands() -> None:
    statuses, modules = run([["--help"], *([*path, "--help"] for path in COMMANDS)])
    assert set(statuses) == {0}
    assert tops(modules) & (HEAVY | FEATURES) == set()
    assert len(modules) <= HELP, "what a command needs is imported within it"


def test_a_command_loads_no_other() -> None:
    statuses, modules = run([["status", "--help"]])
    assert statuses == [0]
    own = {name for name in modules if name.startswith("homeostat.cli.")}
    shared = {
        "checkpoints",
        "context",
        "decisions",
        "listing",
        "main",
        "operate",
        "options",
        "output",
        "progress",
        "tabled",
    }
    assert own <= {f"homeostat.cli.{name}" for name in shared}


@pytest.mark.parametrize(
    ("commands", "most", "needed"),
    [
        (["keys list"], KEYS, set()),
        (LISTING, RECORD, set()),
        (EXPLAINING, JUDGED, {"numpy"}),
        (STANDING, LOOP, OF_LOOP),
        (CHANGING, ACTING, OF_LOOP),
        (["tables"], LOOP, {*OF_LOOP, "deltalake"}),
        (READING, LOGS, {*OF_LOOP, "deltalake", "pyarrow"}),
        (COMPUTING, ALL, {*OF_LOOP, "deltalake", "pyarrow", "pydantic"}),
    ],
    ids=["keys", "record", "judged", "loop", "acting", "tables", "logs", "computing"],
)
def test_what_tells_how_things_stand_loads_nothing_heavy(
    tmp_path: Path, commands: list[str], most: int, needed: set[str]
) -> None:
    home = grown_home(tmp_path)
    statuses, modules = run([[*one.split(), "--home", str(home.root), "--json"] for one in commands])
    assert len(statuses) == len(commands)
    assert set(statuses) <= {0, 1}
    assert tops(modules) & HEAVY == set()
    assert len(modules) <= most
    assert {*OF_LOOP, "deltalake", "pyarrow", "pydantic"} & set(modules) == needed


def test_days_without_skew_are_told_without_scipy() -> None:
    told = (
        "import sys; from homeostat.monitoring.skew import SkewDay, skew_rate;"
        "skew_rate('hour', 7 * [SkewDay(1.0, 100, {'hour': 0}, {})]); print('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "False\n"


def test_what_a_command_leaves_is_not_looked_through_at_its_end() -> None:
    told = (
        "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 10_000));"
        "import sys; sys.argv[1:] = ['status', '--help'];"
        "from homeostat.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"
