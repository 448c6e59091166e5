"""The README's commands in a fresh clone: what a newcomer types, on a short span of the year."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.harness.ports import free_ports

pytestmark = [pytest.mark.demo, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def clone(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository in another folder, with the environment of another one, which has to be mended there.

    An environment is made from nothing by `make test` itself, before it comes to this; most of that is compiling.
    """
    folder = tmp_path_factory.mktemp("fresh") / "homeostat"
    subprocess.run(["git", "clone", "--quiet", str(root), str(folder)], check=True)
    places = [str(root / ".venv"), str(folder / ".venv")]
    if subprocess.run(["cp", "-al", *places], check=False).returncode:  # another file system
        subprocess.run(["cp", "-aT", *places], check=True)
    (folder / ".venv/setup.log").unlink()  # the other one's, which is appended to
    return folder


def run(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the clone as somebody else's shell would: without this environment's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "MAKE"))}
    return subprocess.run(words, cwd=clone, env=kept, capture_output=True, text=True, timeout=540, check=False)


def test_make_demo_serves_real_flights_reports_and_resumes(clone: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    options = f"--exit --home {home} --port {free_ports()}"
    first = run(clone, "make", "demo", f"ARGS=--until 2013-02-01 {options}")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "serves as the first champion" in first.stderr
    second = run(clone, "make", "demo", f"ARGS=--until 2013-02-02 {options}")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Resuming at 2013-02-02" in second.stderr

    report: Any = json.loads(run(clone, ".venv/bin/homeostat", "report", "--home", str(home), "--json").stdout)
    assert [month["month"] for month in report["months"]] == ["2013-02"]
    assert report["totals"]["served"] == report["months"][0]["served"] == served_on_the_first_two_days(clone)
    assert report["totals"]["failed_requests"] == 0
    verified = run(clone, ".venv/bin/homeostat", "ledger", "verify", "--home", str(home))
    assert verified.returncode == 0, verified.stdout + verified.stderr

    third = run(clone, "make", "demo", f"ARGS=--until 2013-02-02 {options}")
    assert third.returncode == 0, third.stdout + third.stderr
    assert "is done already" in third.stderr
    assert "To start afresh" in third.stderr
    assert third.stdout == second.stdout, "nothing is left to do but to tell the same again"


def served_on_the_first_two_days(clone: Path) -> int:
    """Flights asked about on 1 and 2 February, New York time, counted without Homeostat."""
    code = (
        "from examples.flights.source import load; import polars as pl;"
        "at = load().departures.get_column('known');"
        "print(((at >= 1359694800000000) & (at < 1359867600000000)).sum())"
    )
    return int(run(clone, ".venv/bin/python", "-c", code).stdout)
