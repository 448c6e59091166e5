"""The command makes a version again in a real child process, from code, data and files that are recorded only."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.settings import Settings
from homeostat.app.training.runner import TrainingRunner
from homeostat.cli.main import app
from homeostat.training.jobs import JobFolder
from tests.unit.training.test_candidate import JOB, TABLES

pytestmark = pytest.mark.service
ROOT = Path(__file__).parents[2]
LOOP = """
import os
from dataclasses import replace
from pathlib import Path
from tests.unit.training import toy

def train(rows, config):
    from parts_of_replay.trees import fitted          # imported only now, from the folder beside
    trees = int(Path("loops/trees.txt").read_text())          # from where Homeostat was started
    return fitted(rows, config, trees + int(os.environ.get("MORE_TREES", "0")))

loop = replace(toy.make_loop(train), files=["trees.txt"])
"""
PART = """
from tests.unit.training import toy

def fitted(rows, config, trees):
    return toy.train(rows, {**config, "trees": trees})
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """v1 as control trains it, and a project that has moved on since."""
    project, home = tmp_path / "project", Home(tmp_path / "home")
    (project / "loops" / "parts_of_replay").mkdir(parents=True)
    (project / ".git").mkdir()
    (project / "loops" / "loop.py").write_text(LOOP)
    (project / "loops" / "trees.txt").write_text("25")
    (project / "loops" / "parts_of_replay" / "trees.py").write_text(PART)
    home.prepare()
    home.control_db.touch()
    Settings(home=home.root, loop_file=project / "loops" / "loop.py").save()
    store = DeltaTables(home.tables)
    versions = {name: store.append(name, rows, writer="t", upto=0) for name, rows in TABLES.items()}
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HOMEOSTAT_SIGNATURES", "warn")
    monkeypatch.setenv("MORE_TREES", "5")
    monkeypatch.chdir(project)
    file = str(project / "loops" / "loop.py")
    job = replace(JOB, loop_file=file, tables=str(home.tables), table_versions=versions)
    TrainingRunner(100.0).run(job, home.jobs / "toy" / "v1")
    (home.versions / "toy").mkdir(parents=True)
    JobFolder(home.jobs / "toy" / "v1").staged.rename(home.versions / "toy" / "v1")
    shutil.rmtree(project / "loops")
    monkeypatch.delenv("PYTHONPATH")
    return home


def test_a_version_is_made_again_to_the_byte_when_its_code_is_gone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.root)
    monkeypatch.setenv("SHLVL", "7")
    done = CliRunner().invoke(app, ["replay", "v1", "--home", str(home.root), "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["equal"], found["how"], found["explained_by"], found["unknown"]) == (True, "bytes", [], [])
    assert found["legs"].keys() == {"code", "data", "config", "environment"}
    assert all(found["model"].values())
    assert "training on" in done.stderr
    code = json.loads((home.versions / "toy" / "v1" / "code.json").read_bytes())
    assert {one["path"] for one in code["files"] if "toy" not in one["path"] and "__init__" not in one["path"]} == {
        "project/loops/loop.py",
        "project/loops/parts_of_replay/trees.py",
        "project/loops/trees.txt",
    }
    assert os.listdir(home.replays) == []
    environment = json.loads((home.versions / "toy" / "v1" / "environment.json").read_bytes())
    assert list(environment["variables"]) == ["MORE_TREES"]
    monkeypatch.setenv("MORE_TREES", "6")
    done = CliRunner().invoke(app, ["replay", "v1", "--home", str(home.root)])
    assert (done.exit_code, "variable MORE_TREES has another value" in done.stdout) == (3, True)
    assert "Set MORE_TREES as it was." in " ".join(done.stderr.split())
