"""What took part in a training is kept whole, and put back elsewhere as it was."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.loops.loader import load_loop
from homeostat.app.provenance import gathering
from homeostat.app.provenance.gathering import Gathering, code_hash, project_of
from homeostat.kernel.errors import HomeostatError, IntegrityError, InvalidInput, Refused
from homeostat.registry.archive import archived, check_out, contents_of
from homeostat.registry.legs import CodeLeg

LOOP = """
import helper_of_gathering
import outside_of_gathering
from package_of_gathering.part import LIMIT
from tests.unit.training.toy import make_loop

def train(rows, config):
    return config["x"]

loop = make_loop(train)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's project: a loop file, a module beside it, a package under src, and a module from elsewhere."""
    monkeypatch.setattr(gathering._RUN, "files", None)  # another test may have trained in this very process
    before, folder = set(sys.modules), tmp_path / "project"
    package = folder / "src" / "package_of_gathering"
    package.mkdir(parents=True)
    for name in ("__init__", "part"):
        (package / f"{name}.py").write_text("LIMIT = 1\n")
    (folder / ".git").mkdir()
    (folder / "loops" / "data").mkdir(parents=True)
    for name in ("helper_of_gathering", "unused"):
        (folder / "loops" / f"{name}.py").write_text("VALUE = 1\n")
    (folder / "loops" / "loop.py").write_text(LOOP)
    (folder / "loops" / "data" / "words.txt").write_text("some\n")
    (tmp_path / "outside_of_gathering.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder / "src"), str(tmp_path)])
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def gathered(project: Path, *declared: str) -> tuple[CodeLeg, dict[str, bytes]]:
    """Of the project and what it imported; pytest's own tests are loaded too, and left out here."""
    loop = load_loop(project / "loops" / "loop.py")
    sources = Gathering(project / "loops" / "loop.py", project_of(project / "loops" / "loop.py"), declared)
    sources.read()
    for name in [name for name in sources._found if name.startswith("elsewhere/") and "_of_gathering" not in name]:
        del sources._found[name]
    leg = sources.leg(loop.train, None)
    return leg, contents_of(sources.archive(leg))


def test_the_loops_file_what_it_imported_and_what_it_declares_took_part(project: Path) -> None:
    leg, contents = gathered(project, "data/*.txt")
    assert {one.path: one.why for one in leg.files} == {
        "elsewhere/outside_of_gathering.py": "module",
        "project/loops/data/words.txt": "declared",
        "project/loops/helper_of_gathering.py": "module",
        "project/loops/loop.py": "loop",
        "project/src/package_of_gathering/__init__.py": "module",
        "project/src/package_of_gathering/part.py": "module",
    }
    assert {"elsewhere", "project/src", "project/loops"} <= set(leg.roots)
    assert len(contents) == 4, "what is equal is kept once"
    assert all(one.kept and one.sha256 in contents for one in leg.files)


def test_a_checkout_makes_the_same_code_again(project: Path, tmp_path: Path) -> None:
    leg, contents = gathered(project)
    check_out(leg, contents, tmp_path / "out")
    assert (tmp_path / "out" / leg.loop_file).read_text() == LOOP
    for name in ("helper_of_gathering", "outside_of_gathering", "package_of_gathering.part", "package_of_gathering"):
        del sys.modules[name]
    sys.path[:0] = [str(tmp_path / "out" / root) for root in leg.roots]
    importlib.invalidate_caches()
    loop = load_loop(tmp_path / "out" / leg.loop_file)
    again = Gathering(tmp_path / "out" / leg.loop_file, tmp_path / "out" / "project")
    again.read()
    for name in [name for name in again._found if name.startswith("elsewhere/") and "_of_gathering" not in name]:
        del again._found[name]
    found = again.leg(loop.train, None)
    assert (found.hash, found.files) == (leg.hash, leg.files)


RUN_BY_PATH = """
import importlib.util, runpy
from pathlib import Path
from homeostat.app.provenance.gathering import watch_code
from tests.unit.training.toy import make_loop
watch_code()
HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("plugin", HERE / "plugins" / "one.py")
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
other = runpy.run_path(str(HERE / "plugins" / "other.py"))
loop = make_loop(lambda rows, config: plugin.VALUE)
"""


def test_code_that_is_run_by_its_path_took_part(project: Path) -> None:
    (project / "loops" / "plugins").mkdir()
    for name in ("one", "other", "unused"):
        (project / "loops" / "plugins" / f"{name}.py").write_text("VALUE = 1\n")
    (project / "loops" / "loop.py").write_text(RUN_BY_PATH)
    paths = {one.path for one in gathered(project)[0].files}
    assert {path for path in paths if "plugins" in path} == {
        "project/loops/plugins/one.py",
        "project/loops/plugins/other.py",
    }


def test_a_link_is_put_back_under_its_own_name(project: Path, tmp_path: Path) -> None:
    (project / "loops" / "real_of_gathering.py").write_text("VALUE = 2\n")
    (project / "loops" / "helper_of_gathering.py").unlink()
    (project / "loops" / "helper_of_gathering.py").symlink_to("real_of_gathering.py")
    (project / "loops" / "list.txt").symlink_to("data/words.txt")
    leg, contents = gathered(project, "list.txt")
    check_out(leg, contents, tmp_path / "out")
    assert (tmp_path / "out/project/loops/helper_of_gathering.py").read_text() == "VALUE = 2\n"
    assert (tmp_path / "out/project/loops/list.txt").read_text() == "some\n"


def test_a_name_that_is_no_text_is_refused(project: Path) -> None:
    try:
        (project / "loops" / "data" / "n\udce9.txt").write_text("")
    except OSError:
        pytest.skip("this file system has names of text only")
    with pytest.raises(InvalidInput, match="its name cannot be kept"):
        gathered(project, "data/*.txt")


def test_what_ran_is_kept_not_what_the_file_became(project: Path) -> None:
    loop = load_loop(project / "loops" / "loop.py")
    sources = Gathering(project / "loops" / "loop.py", project)
    sources.read()
    (project / "loops" / "loop.py").write_text("edited while it trained")
    sources.read()
    leg = sources.leg(loop.train, None)
    kept = {one.path: one.sha256 for one in leg.files}
    assert contents_of(sources.archive(leg))[kept["project/loops/loop.py"]].decode() == LOOP


def test_the_same_files_always_give_the_same_bytes(project: Path) -> None:
    one, other = (Gathering(project / "loops" / "loop.py", project, ["data/*"]) for _ in range(2))
    for sources in (one, other):
        sources.read()
    assert one.archive(one.leg(len, None)) == other.archive(other.leg(len, None))
    assert one.leg(len, None) == other.leg(len, None)
    assert len(code_hash(project / "loops" / "loop.py", len)) == 64


def test_a_file_too_large_to_keep_is_known_by_its_hash_and_taken_from_where_it_lay(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_OF_FILE", 1_000)
    large = project / "loops" / "data" / "words.txt"
    large.write_text("many words " * 1_000)
    leg, contents = gathered(project, "data/*.txt")
    assert [one.path for one in leg.files if not one.kept] == ["project/loops/data/words.txt"]
    check_out(leg, contents, tmp_path / "out", project)
    assert (tmp_path / "out" / "project/loops/data/words.txt").read_text() == large.read_text()
    large.write_text("others")
    with pytest.raises(Refused, match=r"words\.txt was too large to keep"):
        check_out(leg, contents, tmp_path / "again", project)


@pytest.mark.parametrize(("pattern", "said"), [("no/*.sql", "names no file"), ("../../*.py", "leads out of")])
def test_a_declared_file_that_is_not_there_is_named(project: Path, pattern: str, said: str) -> None:
    sources = Gathering(project / "loops" / "loop.py", project, [pattern])
    with pytest.raises(InvalidInput, match=said):
        sources.read()


def damaged(change: Any) -> bytes:
    return bytes(change(archived({"a" * 64: b"content"})))


@pytest.mark.parametrize("change", [lambda tar: tar, lambda tar: tar[:600], lambda tar: b"no archive at all"])
def test_an_archive_that_was_changed_is_told(change: Any) -> None:
    with pytest.raises(IntegrityError, match="kept code of the version is damaged"):
        contents_of(damaged(change))


def test_a_path_that_leads_out_of_the_checkout_is_refused(project: Path, tmp_path: Path) -> None:
    leg, contents = gathered(project)
    moved = CodeLeg.from_json(
        {**_plain(leg), "files": [{**_plain(leg)["files"][0], "path": "project/../../../somewhere.py"}]}
    )
    with pytest.raises(HomeostatError, match="leads out of it"):
        check_out(moved, contents, tmp_path / "out")
    assert not (tmp_path / "somewhere.py").exists()


def _plain(leg: CodeLeg) -> dict[str, Any]:
    from homeostat.kernel.canonical import plain

    return dict(plain(leg))
