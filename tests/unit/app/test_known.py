"""What a home remembers of what it served with, and what it therefore refuses before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.app.home import Home
from homeostat.app.loops.known import known_environment, known_features, remember_environment, remember_features
from homeostat.app.loops.loader import load_loops, load_started
from homeostat.app.settings import Settings
from homeostat.features.definitions import FeatureSet
from homeostat.features.logged import Logged
from homeostat.kernel.errors import Conflict, IntegrityError, InvalidInput
from homeostat.stats.tasks import Multiclass
from tests.harness.world import LOOP, LOOP_FILE, write_loop


def features(folder: Path, old: str = "", new: str = "") -> FeatureSet:
    assert old in LOOP_FILE
    return load_loops(write_loop(folder, text=LOOP_FILE.replace(old, new) if old else LOOP_FILE))[LOOP].feature_set


def test_what_was_served_is_kept_once_and_read_back_whole(tmp_path: Path) -> None:
    home, first = Home(tmp_path), features(tmp_path)
    second = features(tmp_path, '"6h"', '"3h"')
    for one in (first, second, first):
        remember_features(home, {LOOP: one})
    assert known_features(home, LOOP) == {one.hash: Logged.of(one) for one in (first, second)}
    assert list(known_features(home, LOOP)[first.hash].features) == list(first.names)


def test_a_feature_of_the_log_that_would_change_its_kind_is_refused_and_nothing_kept(tmp_path: Path) -> None:
    home, before = Home(tmp_path), features(tmp_path)
    remember_features(home, {LOOP: before})
    with pytest.raises(InvalidInput, match=r"Feature 'x' of .* of kind number and is of kind text") as error:
        remember_features(home, {LOOP: features(tmp_path, '"x": hs.number(-50, 50)', '"x": hs.text()')})
    assert "another name" in error.value.mend
    assert list(known_features(home, LOOP)) == [before.hash]


def test_so_is_a_column_of_the_question_that_no_feature_reads(tmp_path: Path) -> None:
    home, due = Home(tmp_path), '"due": hs.instant()'
    for more in ("", ', "n": hs.text(nullable=True)', ""):
        remember_features(home, {LOOP: features(tmp_path, due, due + more)})
    assert len(known_features(home, LOOP)) == 1
    with pytest.raises(InvalidInput, match=r"the question 'n' of .* of kind text and is of kind integer"):
        remember_features(home, {LOOP: features(tmp_path, due, f'{due}, "n": hs.integer(nullable=True)')})


def test_other_classes_are_refused_and_the_same_in_another_order(tmp_path: Path) -> None:
    home, asked = Home(tmp_path), features(tmp_path)
    remember_features(home, {LOOP: asked}, {LOOP: Multiclass(("bread", "cake", "nothing"))})
    for classes in (("bread", "cake"), ("cake", "bread", "nothing")):
        with pytest.raises(InvalidInput, match="told bread, cake, nothing apart and tells") as error:
            remember_features(home, {LOOP: asked}, {LOOP: Multiclass(classes)})
        assert "another name" in error.value.mend
    remember_features(home, {LOOP: asked}, {LOOP: Multiclass(("bread", "cake", "nothing"))})


def test_a_file_that_was_changed_by_hand_is_no_evidence(tmp_path: Path) -> None:
    home = Home(tmp_path)
    remember_features(home, {LOOP: features(tmp_path)})
    (path,) = (home.definitions / LOOP).iterdir()
    path.write_text("{}")
    with pytest.raises(IntegrityError, match="no feature set"):
        known_features(home, LOOP)


def test_the_libraries_that_compute_features_are_kept_under_their_hash(tmp_path: Path) -> None:
    name = remember_environment(Home(tmp_path))
    assert remember_environment(Home(tmp_path)) == name
    assert {"python", "numpy", "pyarrow"} <= (known_environment(Home(tmp_path), name) or {}).keys()
    assert known_environment(Home(tmp_path), "0" * 64) is None


def test_a_process_of_a_running_installation_refuses_an_edited_loop_file(tmp_path: Path) -> None:
    file = write_loop(tmp_path)
    started = {LOOP: load_loops(file)[LOOP].feature_set.hash}
    settings = Settings(home=tmp_path, loop_file=file, definitions=started)
    assert load_started(settings)[LOOP].feature_set.hash == started[LOOP]
    write_loop(tmp_path, hook="label = label")
    assert LOOP in load_started(settings)
    write_loop(tmp_path, text=LOOP_FILE.replace('"6h"', '"3h"'))
    with pytest.raises(Conflict, match="was edited") as error:
        load_started(settings)
    assert "start it again" in error.value.mend
