"""One key for what back-tests and evaluations make: of all that is installed, and not of who asks."""

from __future__ import annotations

from dataclasses import replace

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
