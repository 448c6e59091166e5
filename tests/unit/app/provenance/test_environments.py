"""One key for what back-tests and evaluations make: of all that is installed, and not of who asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.app.provenance import environments
from homeostat.app.provenance.environments import environment_of_children, this_environment
from homeostat.registry.legs import Package


def test_the_threads_of_the_process_that_asks_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = environment_of_children()
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment_of_children() == one
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    assert environment_of_children() != one


def test_any_package_that_is_installed_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before, here = environment_of_children(), this_environment()
    more = replace(here, packages={**here.packages, "a-users-own-library": Package("2.0")})
    monkeypatch.setattr(environments, "this_environment", lambda: more)
    assert environment_of_children() != before


def test_what_installers_left_behind_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "nameless": b"",
        "latin": b"Name: latin\nVersion: 1.0\nAuthor: caf\xe9\n",
        "odd": b"Name: odd\nVersion: 2\n",
    }
    for name, content in told.items():
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
        (tmp_path / f"{name}-1.0.dist-info" / "METADATA").write_bytes(content)
    (tmp_path / "odd-1.0.dist-info" / "direct_url.json").write_text("{")
    monkeypatch.syspath_prepend(str(tmp_path))
    packages, lock = environments._installed.__wrapped__()
    assert packages["latin"] == Package("1.0")
    assert "nameless" not in packages
    assert "" not in packages
    assert {"latin==1.0", "odd==2"} <= set(lock)
