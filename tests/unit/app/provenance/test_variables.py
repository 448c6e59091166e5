"""Which variables are part of a version: those that the user's code asks for by name, as they were given."""

from __future__ import annotations

import os
import runpy
import string
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.app.provenance.variables import VariableReads, counts, told_apart_by
from homeostat.kernel.canonical import canonical_json
from homeostat.registry.legs import ENVIRONMENT, EnvironmentLeg, Package
from homeostat.registry.variables import Variable


def read_by(text: str, folder: Path, name: str = "loop.py") -> VariableReads:
    """What a file that the user wrote reads when it runs."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"import os\n{text}\n")
    with VariableReads().noted() as noted:
        runpy.run_path(str(file))
    return noted


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHA", "1")
    monkeypatch.setenv("BETA", "2")


@pytest.mark.parametrize(
    "text",
    [
        "os.environ['ALPHA']",
        "os.getenv('ALPHA')",
        "os.environ.get('ALPHA', '3')",
        "'ALPHA' in os.environ",
        "os.environb[b'ALPHA']",
        "os.path.expandvars('$ALPHA')",
        "from os import getenv as asked\nasked('ALPHA')",
        "def told(name):\n    return os.environ.get(\n        name,\n    )\ntold('ALPHA')",
        "GIVEN = os.environ\nGIVEN['ALPHA']",
        "import string\nstring.Template('$ALPHA').substitute(os.environ)",
        "[value for name, value in [(n, os.environ[n]) for n in os.environ if n == 'ALPHA']]",
    ],
)
def test_what_is_asked_for_by_name_counts_however_it_is_asked(text: str, tmp_path: Path) -> None:
    noted = read_by(text, tmp_path)
    assert noted.names == {"ALPHA"}
    assert noted.read_by_now() == {"ALPHA": noted.identity("ALPHA")}


@pytest.mark.parametrize(
    "text", ["dict(os.environ)", "{**os.environ}", "os.environ.copy()", "{k: v for k, v in os.environ.items()}"]
)
def test_who_reads_all_of_them_reads_none_by_name_and_is_told(text: str, tmp_path: Path) -> None:
    noted = read_by(text, tmp_path)
    assert (noted.names, noted.wholly) == (set(), ["loop.py, line 2"])


def test_what_libraries_read_for_themselves_does_not_count(tmp_path: Path) -> None:
    noted = read_by("os.environ['ALPHA']\ndict(os.environ)", tmp_path / "site-packages")
    assert (noted.names, noted.wholly) == (set(), [])
    noted = read_by("import pyarrow\npyarrow.table({'x': [1]}).to_pandas()", tmp_path)  # compiled: no frame of its own
    assert (noted.names, noted.wholly) == (set(), [])
    with VariableReads().noted() as noted:
        subprocess.run(["true"], check=True)
        os.path.expanduser("~")
    assert (noted.names, noted.wholly) == (set(), [])


def test_what_belongs_to_the_session_or_is_on_record_elsewhere_makes_no_noise() -> None:
    for name in ("PATH", "HOME", "SHLVL", "OMP_NUM_THREADS", "PYTHONHASHSEED", "HOMEOSTAT_HOME", "XDG_CACHE_HOME"):
        assert not counts(name)
    assert counts("HOME_TEAM")
    assert counts("TZ")


def test_unset_is_an_answer_and_what_the_process_itself_has_set_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BETA")
    noted = read_by("os.environ.get('BETA')\nos.environ['ALPHA'] = '7'\nos.environ['ALPHA']", tmp_path)
    assert noted.read_by_now() == {"BETA": "not set"}


def test_declared_variables_count_whoever_reads_them(tmp_path: Path) -> None:
    noted = read_by("os.environ['ALPHA']", tmp_path)
    noted.declared = frozenset({"BETA"})
    told = noted.of(noted.names)
    assert (told["BETA"].value, told["ALPHA"].value) == ("2", None)


def test_the_environment_is_afterwards_what_it_was(tmp_path: Path) -> None:
    kind = type(os.environ)
    noted = read_by("os.environ['ALPHA']", tmp_path)
    assert type(os.environ) is type(os.environb) is kind
    _ = string.Template("$BETA").substitute(os.environ)
    assert noted.names == {"ALPHA"}


def test_what_the_newest_version_read_is_told_as_it_is_now(tmp_path: Path) -> None:
    leg = EnvironmentLeg("CPython 3.11", {"system": "Linux"}, packages={"numpy": Package("2", "n")}, lock=("numpy==2",))
    for name, read in (("v9", {"OLD": "1"}), ("v10", {"ALPHA": "1", "REGION": None})):
        (tmp_path / name).mkdir()
        variables = {one: Variable.of(one, value) for one, value in read.items()}
        (tmp_path / name / ENVIRONMENT).write_bytes(canonical_json(replace(leg, variables=variables)))
    now = told_apart_by(tmp_path, {"ALPHA": "2"})
    assert now == {"ALPHA": Variable.of("ALPHA", "2").identity, "REGION": "not set"}
    assert told_apart_by(tmp_path, {"ALPHA": "1"}) != now
    (tmp_path / "v11").mkdir()
    (tmp_path / "v11" / ENVIRONMENT).write_bytes(canonical_json(leg))
    assert told_apart_by(tmp_path, {}) == told_apart_by(tmp_path / "none", {}) == {}
