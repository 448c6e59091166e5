"""The command that starts a loop of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from homeostat.cli.options import JsonOption
from homeostat.cli.output import data, errors_shown, headed, show, talk
from homeostat.cli.progress import progress_bar
from homeostat.kernel.words import plural

Json = dict[str, Any]
_NAMED = 30
"""Features that are told by name."""


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the loop, and of the folder that is made.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="SOURCE", help="Past rows, or a model: a file, or mlflow:ADDRESS."),
    ] = None,
    rows: Annotated[
        Path | None, typer.Option("--rows", metavar="FILE", help="Past rows to judge the model of --from on.")
    ] = None,
    tracking_uri: Annotated[
        str | None, typer.Option("--tracking-uri", metavar="URI", help="Where MLflow keeps the model.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMN", help="The column that says what came true.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option("--positive", metavar="VALUE", help="The value of the target to be predicted.")
    ] = None,
    kind: Annotated[
        Literal["binary", "regression", "multiclass"] | None,
        typer.Option("--kind", help="What is predicted: a yes or no, a number, or one of several classes."),
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="COLUMN", help="The column that says when a row was asked about.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="COLUMN", help="The column that identifies a row; again for more of them."),
    ] = None,
    matures: Annotated[
        str, typer.Option("--matures", metavar="SPAN", help="How long after its time a row's outcome is known.")
    ] = "1d",
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Where it is made; NAME by default.")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Folder that holds all state; .homeostat in the loop's by default."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start a loop from past rows with a target, or made-up ones.

    Makes a folder with the loop file, its tests, a page to read, and a home that has taken the rows in as history.
    'homeostat up NAME' then runs it: a first version is trained, judged on the newest rows, and serves. What the
    rows do not tell is asked for, or assumed and said.

    What is predicted follows from the target: a yes or no of two values, a number of numbers, one of several classes of
    few texts or whole numbers. --kind says otherwise, and which made-up rows there shall be.

    Rows are CSV, Parquet or JSON lines; without --from they are made up. A model is a file of scikit-learn (.skops),
    LightGBM (.txt), XGBoost (.json, .ubj) or ONNX, or one of these in MLflow (mlflow:models:/NAME/1 or
    mlflow:runs:/ID/model). It serves as it is, once the newest of --rows show that it knows something.
    """
    with errors_shown(as_json):
        from tempfile import TemporaryDirectory

        from homeostat.app.clocks import SystemClock
        from homeostat.app.scaffold.plan import Asked
        from homeostat.app.scaffold.serving import sources_of
        from homeostat.app.scaffold.starting import Place, start_from_rows

        at = (folder or Path(name)).resolve()
        place = Place(at, (home or at / ".homeostat").resolve())
        with TemporaryDirectory(prefix="homeostat-init-") as scratch, progress_bar("reading") as progress:
            file, model = sources_of(source, rows, tracking_uri, Path(scratch))
            asked = Asked(
                name, "" if file is None else file.name, target, time, tuple(key or ()), positive, matures, kind
            )
            told = start_from_rows(asked, file, place, SystemClock().now(), progress, model)
        show(told, as_json, _told)


def _told(told: Json) -> None:
    outcomes = f"{plural(told['labelled'], 'row')} with an outcome: {told['told']}"
    headed(f"{told['loop']}  ", f"{told['question']}  {outcomes}")
    features = told["features"]
    more = f" and {len(features) - _NAMED} more (--json names all)" if len(features) > _NAMED else ""
    data.print(f"features  {', '.join(features[:_NAMED])}{more}", markup=False)
    for name, why in told["left_out"].items():
        data.print(f"left out  {name} {why}", markup=False)
    for old, new in told["renamed"].items():
        data.print(f"renamed   {old} to {new}", markup=False)
    for text in told["assumed"]:
        data.print(f"assumed   {text}", markup=False)
    talk.print(f"\nRun it:  homeostat up {_short(told['folder'])}", markup=False, soft_wrap=True)


def _short(folder: str) -> str:
    path = Path(folder)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else folder
