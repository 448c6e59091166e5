"""Two installations that the tests of this folder share, since they take minutes to grow."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from tests.harness.twins import Twin, twins

collect_ignore = [] if os.environ.get("HOMEOSTAT_SOAK") else ["test_soak.py"]


_GROWN = ExitStack()


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Twin, Twin]:
    """One installation that was left in peace and one whose control was killed in every phase of a retraining."""
    return _GROWN.enter_context(twins(tmp_path_factory.mktemp("twins"), seed=7))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Both end with the last test that shares them: eight processes that idle would slow all others down."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        _GROWN.close()


@pytest.fixture(scope="session")
def calm(both: tuple[Twin, Twin]) -> Twin:
    """The one left in peace: its second version was promoted at the start of day 21."""
    return both[0]


@pytest.fixture(scope="session")
def shaken(both: tuple[Twin, Twin]) -> Twin:
    """The one whose control was killed, at the same point."""
    return both[1]
