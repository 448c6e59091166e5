"""A start that cannot be is refused in words: what is wrong, what to do, and nothing left half-started."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeostat.app.processes.supervisor import module_command
from homeostat.cli.main import app
from tests.harness.ports import free_ports
from tests.harness.running import MODULES, ROOT, processes_of, started
from tests.harness.world import LOOP_FILE, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

Case = Callable[[Path], Path]


def _missing(folder: Path) -> Path:
    return folder / "nowhere.py"


def _written(text: str) -> Case:
    def write(folder: Path) -> Path:
        return write_loop(folder, text=text)

    return write


def _without(line: str) -> Case:
    assert line in LOOP_FILE
    return _written(LOOP_FILE.replace(line, ""))


ALONE = ("no loop file", "raises", "leaves")
"""What is refused in a process of its own, too: how it ends is what matters."""
REFUSED = {
    "no loop file": (_missing, "There is no loop file", "Name an existing Python file"),
    "not Python": (_written("loop = (\n"), "line 1 does not import: SyntaxError", "Mend the file"),
    "raises": (_written("import homeostat\n1 / 0\n"), "line 2 does not import: ZeroDivisionError", "Mend the file"),
    "imports what is not there": (_written("import nowhere_to_be_found\n"), "ModuleNotFoundError", "Mend the file"),
    "leaves": (_written("raise SystemExit(0)\n"), "SystemExit", "Mend the file"),
    "makes no loop": (_written("import homeostat\n"), "makes no loop", "Assign a homeostat.Loop"),
    "no training function": (_without("    train=train,\n"), "'train'", "every part it needs"),
    "no label": (
        _without('    label=hs.Label(purchases, "spent > 10", matures="2h after due"),\n'),
        "'label'",
        "every part it needs",
    ),
    "a column that is not there": (
        _written(LOOP_FILE.replace('visits["x", "shop"]', 'visits["y", "shop"]')),
        "'y'",
        "",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_loop_file_that_will_not_do_is_refused_with_its_mend(tmp_path: Path, name: str) -> None:
    write, problem, mend = REFUSED[name]
    refused = _refused if name in ALONE else _refused_here
    said = refused(tmp_path / "home", write(tmp_path), free_ports())
    assert problem in said, said
    assert mend in said, said
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("offset", [0, 1])
def test_a_port_in_use_is_named(tmp_path: Path, offset: int) -> None:
    port = free_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + offset))
        other.listen(1)
        said = _refused(tmp_path / "home", write_loop(tmp_path), port)
    assert f"Port {port + offset}" in said
    assert "--port" in said
    _nothing_left(tmp_path / "home")


def test_a_second_instance_on_a_home_is_refused_and_disturbs_nothing(tmp_path: Path) -> None:
    loop_file = write_loop(tmp_path)
    with started(tmp_path / "home", loop_file) as running:
        announced = (running.home / "run.json").read_bytes()
        settings = (running.home / "settings.json").read_bytes()
        processes = {name: running.pids(name) for name in MODULES}
        said = _refused(running.home, loop_file, free_ports())
        assert f"in use by a running Homeostat (process {running.process.pid})" in said
        assert "--home" in said
        assert {name: running.pids(name) for name in MODULES} == processes
        assert (running.home / "run.json").read_bytes() == announced
        assert (running.home / "settings.json").read_bytes() == settings


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = _refused(tmp_path / "file" / "home", write_loop(tmp_path), free_ports())
    assert "cannot be made" in said
    assert "--home" in said


def _refused(home: Path, loop_file: Path, port: int) -> str:
    """What ``up`` says, on one line; it must end by itself with 1 and no stack trace."""
    command = module_command("homeostat.cli.main", "up", str(loop_file), "--home", str(home), "--port", str(port))
    environment = {**os.environ, "COLUMNS": "500"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    return _in_words(done.returncode, done.stdout, done.stderr)


def _refused_here(home: Path, loop_file: Path, port: int) -> str:
    """The same, said by the command in this process."""
    words = ["up", str(loop_file), "--home", str(home), "--port", str(port)]
    done = CliRunner(env={"COLUMNS": "500"}).invoke(app, words)
    assert isinstance(done.exception, SystemExit)
    return _in_words(done.exit_code, done.stdout, done.stderr)


def _in_words(status: int, out: str, err: str) -> str:
    assert (status, out) == (1, ""), err
    assert "Traceback" not in err
    assert "error:" in err
    assert "mend:" in err
    return " ".join(err.split())


def _nothing_left(home: Path) -> None:
    """No process, no announcement, and the lock is free."""
    assert processes_of(home) == []
    assert not (home / "run.json").exists()
    with open(home / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
