"""A project is other than it was once a file of it that is loaded says something else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from homeostat.app.loops.written import project_hash


def test_a_module_of_the_project_counts_as_the_loop_file_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, helper = tmp_path / "loop.py", tmp_path / "helper_of_written.py"
    loop.write_text("X = 1\n")
    helper.write_text("Y = 1\n")
    first = project_hash(loop)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, helper.stem, importlib.import_module(helper.stem))
    with_helper = project_hash(loop)
    helper.write_text("Y = 2\n")
    with_other = project_hash(loop)
    loop.write_text("X = 2\n")
    assert len({first, with_helper, with_other, project_hash(loop)}) == 4
    (tmp_path / "unused.py").write_text("Z = 1\n")
    assert len({project_hash(loop), project_hash(tmp_path / "loop.py")}) == 1
