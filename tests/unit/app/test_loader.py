"""What a person is told whose loop file does not make a loop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from homeostat.app.loops.loader import load_loop, load_loops
from homeostat.kernel.errors import InvalidInput, NotFound
from tests.harness.world import LOOP, LOOP_FILE, write_loop

SECOND = "\nfrom dataclasses import replace\nother = replace(loop, name={name!r})\n"


def written(folder: Path, text: str) -> Path:
    """A loop file of any text."""
    path = folder / "loop.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("import no_such_package\n", 1, "ModuleNotFoundError: No module named 'no_such_package'"),
        ("x = 1\nloop = (\n", 2, "SyntaxError"),
        ("\n\nraise SystemExit(3)\n", 3, "SystemExit: 3"),
        ("import homeostat as hs\nloop = hs.Loop(name='a')\n", 2, "missing 4 required"),
        (
            LOOP_FILE.replace('"visits",\n    key', '"Visits!",\n    key').replace("TRAIN_HOOK", "pass"),
            None,
            "name a table",
        ),
        (LOOP_FILE.replace('"spent > 10"', '"spend > 10"').replace("TRAIN_HOOK", "pass"), None, "spend"),
    ],
    ids=["absent import", "syntax", "exit", "missing parts", "odd name", "unknown column"],
)
def test_a_file_that_does_not_make_a_loop_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_loops(written(tmp_path, text))
    assert said in str(refused.value)
    assert refused.value.facts["line"] == line or line is None
    assert isinstance(refused.value.facts["line"], int)
    assert str(tmp_path / "loop.py") in refused.value.problem


def test_a_file_without_a_loop_and_a_file_that_is_not_there_differ(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="makes no loop"):
        load_loops(written(tmp_path, "x = 1\n"))
    with pytest.raises(NotFound, match="There is no loop file"):
        load_loops(tmp_path / "none.py")
    with pytest.raises(InvalidInput, match=r"ends in \.py"):
        load_loops(written(tmp_path, "").rename(tmp_path / "loop.txt"))


def test_one_of_several_loops_must_be_named(tmp_path: Path) -> None:
    text = LOOP_FILE.replace("TRAIN_HOOK", "pass")
    path = written(tmp_path, text + SECOND.format(name="others"))
    assert set(load_loops(path)) == {LOOP, "others"}
    assert load_loop(path, "others").name == "others"
    with pytest.raises(InvalidInput, match=r"makes 2 loops, and none was named\. Name one of others, visits\."):
        load_loop(path)
    with pytest.raises(NotFound, match="Known: others, visits"):
        load_loop(path, "nobody")
    with pytest.raises(InvalidInput, match="two loops named 'visits'"):
        load_loops(written(tmp_path, text + SECOND.format(name=LOOP)))


def test_the_only_loop_needs_no_name_and_may_import_from_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "beside_the_loop.py").write_text("TREES = 7\n")
    path = write_loop(tmp_path)
    path.write_text(path.read_text().replace('config={"c": 1.0}', 'config={"c": TREES}'))
    path.write_text(
        path.read_text().replace("import homeostat as hs", "import homeostat as hs\nfrom beside_the_loop import TREES")
    )
    assert load_loop(path).config == {"c": 7}


def test_an_edit_counts_though_it_changes_neither_the_size_nor_the_time_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = write_loop(tmp_path)
    before = path.stat().st_mtime_ns
    assert load_loop(path).config == {"c": 1.0}
    path.write_text(path.read_text().replace('config={"c": 1.0}', 'config={"c": 2.0}'))
    os.utime(path, ns=(before, before))
    assert load_loop(path).config == {"c": 2.0}


def test_what_a_file_prints_is_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = LOOP_FILE.replace("TRAIN_HOOK", "pass")
    load_loop(written(tmp_path, text + '\nprint("made")\n'))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "made\n")


def test_two_different_tables_of_one_name_are_refused(tmp_path: Path) -> None:
    text = LOOP_FILE.replace("TRAIN_HOOK", "pass")
    told = "\nfrom dataclasses import replace\ntable = replace(loop.label.table, ahead={ahead!r})\n"
    one = told + "loop = replace(loop, label=replace(loop.label, table=table))\n"
    another = (
        told + "other = replace(loop, name='other', label=replace(loop.label, table=table), features=[visits['x']])\n"
    )
    load_loop(written(tmp_path, text + one.format(ahead="5m")))
    with pytest.raises(InvalidInput, match=r"two different tables are named 'purchases': that of the label, .* Window"):
        load_loop(written(tmp_path, text + one.format(ahead="1m")))
    with pytest.raises(InvalidInput, match="loops 'visits' and 'other' read two different tables named 'purchases'"):
        load_loops(written(tmp_path, text + another.format(ahead="1m")))
