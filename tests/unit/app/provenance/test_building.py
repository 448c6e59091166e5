"""A recorded environment is installed again whole, or an error says why not and nothing is left."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from homeostat.app.home import Home
from homeostat.app.provenance import building
from homeostat.app.provenance.building import build
from homeostat.app.provenance.environments import this_environment
from homeostat.kernel.errors import Unavailable
from homeostat.registry.legs import EnvironmentLeg

PYTHON = this_environment().python


def leg(*lock: str, python: str = PYTHON) -> EnvironmentLeg:
    return EnvironmentLeg(python, {"system": "Linux"}, lock=lock)


def test_an_environment_is_made_once_with_homeostat_as_it_is_here(tmp_path: Path) -> None:
    said: list[str] = []
    python = build(Home(tmp_path), leg("# homeostat==0.1.0 was installed from a folder"), said.append)
    script = "import homeostat, importlib.metadata as m; print(m.version('homeostat'), homeostat.__file__)"
    done = subprocess.run([str(python), "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    version, _, file = done.stdout.strip().partition(" ")
    assert version == this_environment().packages["homeostat"].version
    assert file == building.homeostat.__file__
    made = python.stat().st_ctime_ns
    assert build(Home(tmp_path), leg("# another comment"), said.append) == python
    assert (python.stat().st_ctime_ns, len(said)) == (made, 1)


@pytest.mark.parametrize(
    "wrong", [leg("not a requirement ???"), leg(python="CPython 1.5.2")], ids=["no such package", "no such Python"]
)
def test_what_does_not_install_any_more_is_told_and_nothing_is_left(wrong: EnvironmentLeg, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be installed") as told:
        build(Home(tmp_path), wrong, lambda text: None)
    assert "--here" in told.value.mend
    assert list(Home(tmp_path).environments_built.iterdir()) == []
