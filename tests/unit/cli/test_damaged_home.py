"""Every file of a home that commands read, damaged in each way that is cheap to make: told in our words, and left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeostat.app.home import Home
from homeostat.app.loops.known import remember_features
from homeostat.cli.main import app
from tests.harness.grown import grown_home
from tests.harness.served import loop_of, record, serve
from tests.harness.world import LOOP

COMMANDS = (
    ("status",),
    ("decisions", "list"),
    ("versions", "list"),
    ("versions", "show", "v2"),
    ("explain",),
    ("explain", "018cc8a0-0000-7000-8000-000000000001"),
    ("tables", "show", "purchases"),
    ("drift",),
    ("ledger", "verify"),
    ("ledger", "head"),
)
FILES = (
    "control.sqlite",
    "settings.json",
    "ledger/heads.jsonl",
    "ledger/key.pem",
    f"definitions/{LOOP}/*.json",
    f"log/{LOOP}/*.parquet",
    f"log/{LOOP}/_delta_log/00000000000000000001.json",
    "tables/purchases/*.parquet",
    "tables/purchases/_delta_log/00000000000000000000.json",
)


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x07" * 4_096)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _missing(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with decisions, versions, facts and served predictions in it."""
    home = grown_home(tmp_path_factory.mktemp("whole"))
    loop = loop_of(home)
    serve(home, record(1, loop), record(2, loop))
    remember_features(home, {LOOP: loop.feature_set})
    return home


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("harm", [_garbage, _empty, _cut, _missing, _folder])
def test_a_damaged_home_is_told_in_our_words_and_left_as_it_is(
    whole: Home, tmp_path: Path, file: str, harm: Callable[[Path], None]
) -> None:
    root = tmp_path / "home"
    shutil.copytree(whole.root, root)
    (path, *_) = sorted(root.glob(file))
    harm(path)
    before = path.read_bytes() if path.is_file() else None
    for words in COMMANDS:
        told = CliRunner().invoke(app, [*words, "--home", str(root)])
        assert told.exit_code in (0, 1, 3), (words, told.output)
        assert isinstance(told.exception, SystemExit | None), (words, told.exception)
        assert "Homeostat failed" not in told.stderr, (words, told.stderr)
        assert told.exit_code != 1 or "mend:" in told.stderr, (words, told.output)
        assert (path.read_bytes() if path.is_file() else None) == before, words
