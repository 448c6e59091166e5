"""The checks of a change on a home that was made from rows: nothing is served, and nothing of it changes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.ci import material as materials
from homeostat.app.ci import model_checks
from homeostat.app.ci.material import Material, read_material
from homeostat.app.ci.running import NAMES, ended_in, run_checks
from homeostat.app.loops.loader import load_loop
from homeostat.app.scaffold.plan import Asked
from homeostat.app.scaffold.starting import Place, start_from_rows
from homeostat.app.settings import Settings
from homeostat.app.training.candidate import make_candidate
from homeostat.cli.main import app
from homeostat.control import transitions
from homeostat.governance.ci import CiLimits, CiReport
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.verdicts import ACCEPT, Reason, Verdict
from homeostat.registry.manifest import read_manifest, write_manifest
from homeostat.training.jobs import JobFolder, TrainingFailed, TrainingJob, TrainingResult
from tests.harness.signed import sign

NOW = parse_instant("2026-03-01T00:00:00Z")
ROWS = 600


@dataclass(frozen=True, slots=True)
class Here:
    """Does in this process what a training child does, without the seconds that one takes to start."""

    def run(self, job: TrainingJob, folder: Path) -> TrainingResult:
        tables = DeltaTables(Path(job.tables))
        folder.mkdir(parents=True)
        loop = load_loop(Path(job.loop_file), job.loop)
        return make_candidate(
            job,
            loop,
            JobFolder(folder),
            read=lambda table, version, columns: tables.read(table, version=version, columns=columns),
            say=lambda text: None,
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A loop about rows of sixty days."""
    drawn = np.random.default_rng(5)
    x = drawn.normal(size=ROWS)
    folder = tmp_path_factory.mktemp("made")
    day = [np.datetime64("2025-12-20") + place * 60 // ROWS for place in range(ROWS)]
    rows = {"x": x, "shop": drawn.choice(["north", "south"], ROWS), "day": [f"{one}" for one in day]}
    left = drawn.random(ROWS) < 1 / (1 + np.exp(-1.5 * x))
    pl.DataFrame({**rows, "left": left}).write_csv(folder / "rows.csv")
    place = Place(folder / "churn", folder / "churn" / ".homeostat")
    asked = Asked("churn", "rows.csv", "left", time="day")
    start_from_rows(asked, folder / "rows.csv", place, NOW, lambda what, done, of: None)
    file = place.folder / "loop.py"
    file.write_text(file.read_text().replace('"trees": 60', '"trees": 10'))
    return place


def changed(made: Place, folder: Path, *edits: tuple[str, str]) -> Path:
    """The loop file with some texts replaced."""
    text = (made.folder / "loop.py").read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (folder / "loop.py").write_text(text)
    return folder / "loop.py"


@pytest.fixture(autouse=True)
def replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the day after the last outcome."""
    monkeypatch.setattr(materials.SystemClock, "now", lambda _: NOW)


def material(made: Place, file: Path, work: Path, home: Path | None = None) -> Material:
    work.mkdir(exist_ok=True)
    found = read_material(load_loop(file, "churn"), file, Settings(home=home or made.home, loop_file=file), work)
    return Material(**{**{name: getattr(found, name) for name in found.__slots__}, "runner": Here()})  # type: ignore[arg-type]


def report(found: Material) -> CiReport:
    return run_checks(found, CiLimits(), 400, (), lambda what, done, of: None)


def outcomes(found: CiReport) -> dict[str, str]:
    return {one.name: one.outcome for one in found.checks}


def test_a_new_loop_passes_and_what_nobody_serves_yet_does_not_apply(made: Place, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.home.rglob("*")}
    found = report(material(made, made.folder / "loop.py", tmp_path))
    absent = ("champion", "slices", "skew")
    expected = {name: "not applicable" if name in absent else "pass" for name in NAMES}
    assert outcomes(found) == expected, [one.reasons for one in found.checks]
    assert found.passed
    assert {path: path.stat().st_mtime_ns for path in made.home.rglob("*")} == before


def test_what_a_change_breaks_is_found_by_the_check_that_looks_for_it(made: Place, tmp_path: Path) -> None:
    file = changed(
        made,
        tmp_path,
        ('categories=["north", "south"], open=True', 'categories=["north"]'),
        ('random_state=config["seed"],', 'max_features=0.5, random_state=__import__("time").time_ns() % 1_000_000,'),
    )
    found = outcomes(report(material(made, file, tmp_path)))
    assert (found["contracts"], found["reproducible"]) == ("fail", "fail")


def test_a_training_that_fails_says_so_and_what_needs_it_is_unknown(made: Place, tmp_path: Path) -> None:
    file = changed(made, tmp_path, ("    codes = Ord", '    raise ValueError("no")\n    codes = Ord'))
    found = report(material(made, file, tmp_path))
    told = outcomes(found)
    assert (told["training"], told["quality"], told["size"]) == ("fail", "unknown", "unknown")
    assert (told["contracts"], told["parity"]) == ("pass", "pass")
    assert not found.passed
    assert any("ValueError" in reason for one in found.checks if one.name == "training" for reason in one.reasons)


def test_a_check_that_ends_in_a_fault_is_unknown_and_the_others_are_told(
    made: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("months")

    monkeypatch.setattr(model_checks, "size", broken)
    monkeypatch.setenv("PATH", str(tmp_path))  # no git, either
    found = report(material(made, made.folder / "loop.py", tmp_path / "work"))
    assert (outcomes(found)["size"], outcomes(found)["training"], found.commit) == ("unknown", "pass", None)
    assert any("KeyError: 'months'" in reason for one in found.checks for reason in one.reasons)


def test_a_report_that_cannot_be_written_is_told_before_anything_is_checked(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["ci", "--junit", str(tmp_path)])
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr


def test_of_a_training_that_failed_the_end_of_its_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("\n".join(["much before", *map(str, range(40)), "ValueError: no"]))
    found = ended_in("training", TrainingFailed("It raised.", mend=f"Read {log}.", log=str(log)))
    assert (found.outcome, found.reasons) == ("fail", ("It raised. Read the log below.",))
    assert found.log[-1] == "ValueError: no"
    assert "much before" not in found.log


def test_a_change_is_held_against_the_champion_on_the_same_rows(made: Place, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "versions"
    shutil.copytree(made.home, home)
    first = material(made, made.folder / "loop.py", tmp_path / "first", home)
    first.train("v1", 400, judged=True)
    (home / "versions" / "churn").mkdir(parents=True)
    _as_version(first.staged("v1"), home / "versions" / "churn" / "v1")
    store = Operations.open(Settings(home=home, loop_file=made.folder / "loop.py").paths).store
    state, accept = store.state("churn"), Verdict(ACCEPT, (Reason("better", None, None, "better"),))
    for step in (transitions.ask_retraining, transitions.first_champion):
        after, drafts = step(state, accept, NOW, {})
        state = store.commit(state, after, drafts, ())
    folder.mkdir()
    sliced = changed(made, folder, ('owner="",', 'owner="", slices=["shop"],'))
    same = report(material(made, sliced, tmp_path / "same", home))
    assert (outcomes(same)["champion"], outcomes(same)["slices"], outcomes(same)["skew"]) == ("pass", "pass", "unknown")
    worse = changed(made, folder, ("rows.features, rows.label)", "rows.features, rows.label[::-1])"))
    told = outcomes(report(material(made, worse, tmp_path / "worse", home)))
    assert (told["champion"], told["quality"]) == ("fail", "fail")
    without = report(material(made, changed(made, folder, ('["x", "shop"]', '["shop"]')), tmp_path / "gone", home))
    assert (outcomes(without)["training"], outcomes(without)["champion"]) == ("pass", "unknown")
    assert any(
        "v1 cannot be asked" in reason and "it needs x" in reason for one in without.checks for reason in one.reasons
    )


def test_few_rows_that_a_retraining_would_hold_out_are_not_enough_to_judge_by(made: Place, tmp_path: Path) -> None:
    file = changed(made, tmp_path, ('first_holdout="', 'first_holdout="18d", holdout="'))
    found = material(made, file, tmp_path / "work")
    times = materials.mature_times(found.loop, found.sources)
    assert times.size < 2_000
    assert (times >= found.cutoff).mean() == pytest.approx(0.2, abs=0.05)


def _as_version(staged: Path, place: Path) -> None:
    """What the registry would keep of it: under its own name."""
    shutil.copytree(staged, place)
    write_manifest(replace(read_manifest(staged), version="v1"), place)
    sign(place)
