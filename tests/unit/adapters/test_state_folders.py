"""A folder of state is copied as it was at one moment or not at all, and comes back byte by byte."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.adapters.files import folders
from homeostat.adapters.files.checkpoints import CheckpointStore
from homeostat.adapters.files.folders import Contents, contents_of, copy_folder, differences
from homeostat.control.checkpoints import Checkpoint
from homeostat.kernel.errors import HomeostatError, IntegrityError, NotFound, Refused, Unavailable

NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: not set(name) & {0, 47} and name not in (b".", b".."))
MAGIC = b"SQLite format 3\x00"
CONTENT = st.binary(max_size=200) | st.binary(max_size=20).map(lambda rest: MAGIC + rest)
TREES = st.recursive(
    st.dictionaries(NAMES, CONTENT, max_size=4), lambda below: st.dictionaries(NAMES, below | CONTENT), max_leaves=8
)


def write(folder: Path, tree: dict[bytes, object]) -> Path:
    folder.mkdir()
    for name, told in tree.items():
        place = folder / os.fsdecode(name)
        if isinstance(told, dict):
            write(place, told)
        else:
            assert isinstance(told, bytes)
            place.write_bytes(told)
    return folder


def read(folder: Path) -> dict[str, object]:
    return {one.name: read(one) if one.is_dir() else one.read_bytes() for one in folder.iterdir()}


def store_of(folder: Path, source: Path) -> tuple[CheckpointStore, Checkpoint]:
    store = CheckpointStore(folder / "kept", "late")
    return store, taken(store, source)


def taken(store: CheckpointStore, source: Path, version: str = "v1", because: str = "") -> Checkpoint:
    def fill(target: Path) -> None:
        copy_folder(source, target)

    return store.take(fill, version=version, generation=3, at=5, because=because)


@settings(max_examples=40, deadline=None)
@given(TREES)
def test_any_folder_comes_back_as_it_was(tree: dict[bytes, object]) -> None:
    with tempfile.TemporaryDirectory() as place:
        source = write(Path(place) / "state", tree)
        store, kept = store_of(Path(place), source)
        assert store.problems(kept.id, kept.hash) == []
        store.copy_out(kept.id, kept.hash, Path(place) / "back")
        assert read(Path(place) / "back") == read(source)
        assert differences(contents_of(Path(place) / "back"), contents_of(source)) == []
        assert store.all() == [kept], "what was written is read back"


@pytest.mark.parametrize("kind", ["file", "folder", "dangling", "pipe"])
def test_what_leads_out_of_the_folder_or_is_no_file_is_refused_and_nothing_is_kept(tmp_path: Path, kind: str) -> None:
    source = write(tmp_path / "state", {b"a": {b"b": b"1"}})
    place = source / "a" / "odd"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to({"file": "/etc/passwd", "folder": "/etc", "dangling": "nowhere"}[kind])
    store = CheckpointStore(tmp_path / "kept", "late")
    with pytest.raises(Refused, match="odd is"):
        taken(store, source)
    assert (store.all(), store.newest()) == ([], 0)


def test_a_state_folder_that_is_a_link_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").symlink_to(write(tmp_path / "real", {}))
    with pytest.raises(Refused, match="symbolic link"):
        copy_folder(tmp_path / "state", tmp_path / "copy")


def test_a_database_is_copied_whole_while_its_writer_goes_on(tmp_path: Path) -> None:
    source = write(tmp_path / "state", {})
    with closing(sqlite3.connect(source / "users.db", isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE pairs (a, b)")
    stop, rounds = threading.Event(), threading.Semaphore(0)

    def writer() -> None:
        with closing(sqlite3.connect(source / "users.db", timeout=30)) as connection:
            while not stop.is_set():
                with connection:
                    connection.execute("INSERT INTO pairs VALUES (1, NULL)")
                    connection.execute("UPDATE pairs SET b = 1")
                rounds.release()

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        for number in range(5):
            rounds.acquire()
            copy_folder(source, tmp_path / f"copy{number}")
    finally:
        stop.set()
        thread.join()
    for number in range(5):
        copy = tmp_path / f"copy{number}"
        assert [one.name for one in copy.iterdir()] == ["users.db"], "no half of a database lies beside it"
        with closing(sqlite3.connect(copy / "users.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT count(*) FROM pairs WHERE b IS NULL").fetchone() == (0,), "torn"
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_that_is_held_for_good_is_told_and_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_BUSY_SECONDS", 0.01)
    monkeypatch.setattr(folders, "_BUSY_TRIES", 1)
    source = write(tmp_path / "state", {})
    with closing(sqlite3.connect(source / "users.db", isolation_level=None)) as holder:
        holder.execute("CREATE TABLE pairs (a, b)")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="is locked"):
            copy_folder(source, tmp_path / "copy")


def test_a_file_that_changes_while_it_is_copied_is_copied_again_and_one_that_never_rests_is_refused(
    tmp_path: Path,
) -> None:
    source, calls = write(tmp_path / "state", {b"a": b"0", b"b": b"0"}), []
    original = folders._copy_file

    def copy_then_write(read_from: Path, target: Path, times: int) -> None:
        original(read_from, target)
        calls.append(1)
        if read_from.name == "b" and len(calls) <= times:
            (source / "a").write_bytes(b"x" * len(calls))

    with mock.patch.object(folders, "_copy_file", lambda one, other: copy_then_write(one, other, 2)):
        copy_folder(source, tmp_path / "copy")
    assert read(tmp_path / "copy") == read(source) == {"a": b"xx", "b": b"0"}
    with (
        mock.patch.object(folders, "_copy_file", lambda one, other: copy_then_write(one, other, 10**9)),
        pytest.raises(Unavailable, match="was written to each of 3 times"),
    ):
        copy_folder(source, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_full_disk_is_told_before_anything_is_copied(tmp_path: Path) -> None:
    source = write(tmp_path / "state", {b"a": b"0" * 100})
    with (
        mock.patch.object(shutil, "disk_usage", return_value=mock.Mock(free=99)),
        pytest.raises(Unavailable, match="100 bytes does not fit into the 99"),
    ):
        copy_folder(source, tmp_path / "copy")


DAMAGES = {
    "changed": lambda place: (place / "files" / "a").write_bytes(b"!"),
    "missing": lambda place: (place / "files" / "a").unlink(),
    "too much": lambda place: (place / "files" / "z").write_bytes(b""),
    "mode": lambda place: (place / "files" / "a").chmod(0o777),
    "link": lambda place: (place / "files" / "z").symlink_to("a"),
    "manifest": lambda place: (place / "manifest.json").write_text(
        (place / "manifest.json").read_text().replace('"a"', '"b"')
    ),
    "no manifest": lambda place: (place / "manifest.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_told_and_never_given_out(tmp_path: Path, damage: str) -> None:
    store, kept = store_of(tmp_path, write(tmp_path / "state", {b"a": b"1"}))
    DAMAGES[damage](tmp_path / "kept" / kept.id)
    assert store.problems(kept.id, kept.hash)
    with pytest.raises((IntegrityError, NotFound, Refused)):
        store.copy_out(kept.id, kept.hash, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_manifest_that_was_rewritten_to_fit_does_not_fit_the_ledger(tmp_path: Path) -> None:
    store, kept = store_of(tmp_path, write(tmp_path / "state", {b"a": b"1"}))
    shutil.rmtree(tmp_path / "kept" / kept.id)
    (forged,) = [taken(store, write(tmp_path / "forged", {b"a": b"2"}))]
    assert forged.id == kept.id
    assert store.problems(kept.id, kept.hash) == ["its manifest was changed"]
    with pytest.raises(IntegrityError):
        store.copy_out(kept.id, kept.hash, tmp_path / "back")


def test_one_that_was_cut_off_is_not_there_and_the_next_one_takes_its_place(tmp_path: Path) -> None:
    source = write(tmp_path / "state", {b"a": b"1"})
    store, _ = store_of(tmp_path, source)
    with (
        mock.patch.object(os, "rename", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        taken(store, source)
    assert [one.id for one in store.all()] == ["c1"]
    assert taken(store, source).id == "c2"


def test_a_step_that_is_run_again_finds_the_checkpoint_it_took(tmp_path: Path) -> None:
    source = write(tmp_path / "state", {b"a": b"1"})
    store, _ = store_of(tmp_path, source)
    first = taken(store, source, because="late/retrain/v2")
    (source / "a").write_bytes(b"2")
    assert taken(store, source, because="late/retrain/v2") == first


def test_a_bounded_number_is_kept_and_the_newest_of_each_version_on_the_route(tmp_path: Path) -> None:
    source = write(tmp_path / "state", {b"a": b"1"})
    store = CheckpointStore(tmp_path / "kept", "late")
    for version in ("v1", "v1", "v2", "v3", "v4"):
        taken(store, source, version)
    assert store.prune(2, ["v1"], ["c3"]) == ["c1"]
    assert [one.id for one in store.all()] == ["c2", "c3", "c4", "c5"]
    assert store.prune(2, []) == ["c2", "c3"]
    assert taken(store, source).id == "c6", "a number is never used twice"


@given(TREES)
@settings(max_examples=10, deadline=None)
def test_contents_survive_json_whatever_names_are_made_of(tree: dict[bytes, object]) -> None:
    with tempfile.TemporaryDirectory() as place:
        found = contents_of(write(Path(place) / "state", tree))
    assert Contents.from_json(found.to_json()) == found
    with pytest.raises((KeyError, TypeError, ValueError, HomeostatError)):
        Contents.from_json({"files": {"a": 3}, "folders": {}})
