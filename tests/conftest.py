"""What every test may ask for: reproducible property tests, and the parts of the machine it needs."""

from __future__ import annotations

import atexit
import fcntl
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from homeostat.app.processes.threads import ONE_THREAD
from homeostat.app.signing.trust import keyring
from tests.harness.first import RUN

# As in every process of an installation; said before a numeric library is imported.
os.environ.update(ONE_THREAD)

# What a terminal, or who runs the tests, says of widths and colours is nothing to commands that write into a file here.
for _said in ("COLUMNS", "LINES", "TERMINAL_WIDTH", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
    os.environ.pop(_said, None)

# "ci" draws the same examples everywhere; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# What the processes of a test run share lies in one folder, which workers of pytest-xdist and every process that a test
# starts inherit from the first process: keys that sign versions, outside of the user's configuration, and grown homes.
_RUN = Path(tempfile.mkdtemp(prefix="homeostat-tests-")) if RUN not in os.environ else None
if _RUN is not None:
    os.environ[RUN] = str(_RUN)
    os.environ["HOMEOSTAT_KEYS"] = str(_RUN / "keys")
    atexit.register(shutil.rmtree, _RUN, ignore_errors=True)

# The tree of commands is built once: to build it takes twice as long as to run one of them.
typer.testing._get_command = cache(typer.testing._get_command)

RequirePart = Callable[..., str]
SLOWEST = "tests/service/twins/"
SHARING = (SLOWEST, "tests/unit/flights/")


class _OneProcess(LoadFileScheduling):
    """A file's tests run in one process; those of a folder that shares what it made run in one, too."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((folder for folder in SHARING if file.startswith(folder)), file)


def pytest_configure() -> None:
    """The key of tests, made once."""
    if _RUN is not None:
        keyring().make(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOWEST))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """What is loaded stays: looking for garbage in it, again and again, took a quarter of the time of loading it."""
    gc.disable()
    try:
        with _after_the_first(session.config):
            return (yield)
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _after_the_first(config: pytest.Config) -> Iterator[None]:
    """The first process compiles the tests; the others wait, and load what it compiled."""
    if not hasattr(config, "workerinput") or sys.dont_write_bytecode:
        yield
        return
    folder = Path(os.environ[RUN])
    compiled = folder / "compiled"
    with open(folder / "compiling", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not compiled.exists():
            yield
            compiled.touch()
            return
    yield


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _OneProcess:
    """How pytest-xdist deals out the tests."""
    return _OneProcess(config, log)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def require_part() -> RequirePart:
    """Find a program, or say how to get it: ``require_part("chromium", "apt-get install chromium")``.

    Returns its path. Without it the test is skipped by name; with CI=true it fails, so that a green CI
    has run everything. Further positional names are tried in order: ``require_part("a", mend, "b")``.
    """

    def require(name: str, mend: str, *others: str) -> str:
        for program in (name, *others):
            if found := shutil.which(program):
                return found
        message = f"This test needs {name}, which is not on this machine. Run: {mend}"
        if os.environ.get("CI") == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)

    return require


@pytest.fixture(scope="session")
def chromium(require_part: RequirePart) -> str:
    """The path of a Chromium to hand to Playwright as ``executable_path``."""
    return require_part("chromium", "apt-get install chromium", "chromium-browser", "google-chrome")
