"""The command that checks a change before it is merged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, show
from homeostat.cli.progress import progress_bar
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.words import plural

Json = dict[str, Any]
_SHOWN = {
    "pass": "[green]pass[/]",
    "fail": "[bold red]fail[/]",
    "unknown": "[yellow]unknown[/]",
    "not applicable": "n/a",
}


def ci(
    loop: LoopArgument = None,
    loop_file: Annotated[
        Path, typer.Option("--loop-file", metavar="FILE", help="The changed loop file, or its folder.")
    ] = Path("loop.py"),
    home: HomeOption = DEFAULT_HOME,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=100, help="Train on so many of the newest labelled rows.")
    ] = 50_000,
    allow_unknown: Annotated[
        list[str] | None,
        typer.Option("--allow-unknown", metavar="CHECK", help="Let this check be unknown; again for more."),
    ] = None,
    model_mib: Annotated[
        float, typer.Option("--model-mib", metavar="MIB", min=0, help="The most that the model may weigh.")
    ] = 256.0,
    row_ms: Annotated[
        float, typer.Option("--row-ms", metavar="MS", min=0, help="The most milliseconds that a row may take.")
    ] = 25.0,
    worse: Annotated[
        float, typer.Option("--worse", metavar="LOSS", min=0, help="By how much a row's loss may rise.")
    ] = 0.02,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write the report as Markdown, too.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the report as JUnit's XML, too.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a change to a loop before it is merged.

    Looks at contracts, features online and offline, leakage, the same training twice, a training on a sample, its
    quality, that of the champion and of slices on the same rows, skew, signature and size, on what --home holds. Serves
    nothing, and changes nothing there. Exit code 3 when a check fails, or is unknown and not allowed to be.
    """
    with errors_shown(as_json):
        limits, files = (model_mib, row_ms, worse), (markdown, junit)
        told = _checked(loop, loop_file, home, rows, tuple(allow_unknown or ()), limits, files)
        show(told, as_json, _text)
    if not told["passed"]:
        raise typer.Exit(3)


def _checked(
    name: str | None,
    loop_file: Path,
    home: Path,
    rows: int,
    allowed: tuple[str, ...],
    limits: tuple[float, float, float],
    files: tuple[Path | None, Path | None],
) -> Json:
    from tempfile import TemporaryDirectory

    from homeostat.app.ci.material import read_material
    from homeostat.app.ci.running import NAMES, run_checks
    from homeostat.app.loops.loader import load_loop
    from homeostat.cli.run import in_folder
    from homeostat.data.checks import did_you_mean
    from homeostat.governance.ci import CiLimits
    from homeostat.governance.ci_text import junit, markdown

    for one in allowed:
        if one not in NAMES:
            raise InvalidInput(f"There is no check {one!r}.", mend=did_you_mean(one, NAMES), checks=list(NAMES))
    for path in files:
        if path is not None:
            _must_be_writable(path)
    file, home = in_folder(loop_file, home)
    loop = load_loop(file.resolve(), name)
    with TemporaryDirectory(prefix="homeostat-ci-") as work, progress_bar("reading") as progress:
        material = read_material(loop, file.resolve(), settings_of(home.resolve(), file.resolve()), Path(work))
        report = run_checks(material, CiLimits(*limits), rows, allowed, progress)
    for path, written in zip(files, (markdown, junit), strict=True):
        if path is not None:
            path.write_text(written(report), encoding="utf-8")
    return report.to_json()


def _must_be_writable(path: Path) -> None:
    """Told before minutes of checks."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InvalidInput(f"{path} cannot be written: its folder is not there.", mend="Make the folder first.")
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise InvalidInput(f"{path} cannot be written.", mend="Name a file that you may write.")


def settings_of(home: Path, loop_file: Path) -> Any:
    """What the home was told, or the defaults for one that only holds tables."""
    from homeostat.app.settings import Settings

    if (home / "settings.json").exists():
        return Settings.load(home)
    return Settings(home=home, loop_file=loop_file)


def _text(told: Json) -> None:
    verdict = "[green]passed[/]" if told["passed"] else "[bold red]did not pass[/]"
    data.print(f"[bold]{told['loop']}[/]  {told['commit'] or 'no commit'}  {verdict}\n")
    for one in told["checks"]:
        mark = _SHOWN[one["outcome"]] + (" (allowed)" if one["name"] in told["allowed"] else "")
        data.print(f"[bold]{one['name']:<14}[/]{mark}  {one['seconds']:.1f} s")
        for reason in one["reasons"]:
            data.print(f"    {reason}", markup=False)
        for line in one["facts"].get("log", ()):
            data.print(f"      {line}", markup=False, style="dim")
    data.print(f"\n{plural(len(told['checks']), 'check')} in {told['seconds']:.0f} s")
