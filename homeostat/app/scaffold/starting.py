"""Makes the folder of a new loop whole, or not at all: its files, and a home that has taken its history in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from homeostat.adapters.files.tabular import TabularFile
from homeostat.adapters.polars.summaries import read_file
from homeostat.app.loops.loader import load_loop
from homeostat.app.scaffold.generated import TARGETS, generated_rows
from homeostat.app.scaffold.loop_text import loop_file
from homeostat.app.scaffold.outcomes import spread_told
from homeostat.app.scaffold.page_text import example_file, readme_file
from homeostat.app.scaffold.past import Past, past_of
from homeostat.app.scaffold.plan import GENERATED, Asked
from homeostat.app.scaffold.serving import asked_of, serving
from homeostat.app.scaffold.tests_text import tests_file
from homeostat.app.settings import Settings
from homeostat.app.tables.importing import Source, import_history
from homeostat.control.loop_checks import check_name
from homeostat.data.tables import Table
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import Conflict, InvalidInput

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a loop is made: its ``folder``, which must not be there yet, and the ``home`` that takes its history."""

    folder: Path
    home: Path


def start_from_rows(
    asked: Asked, file: Path | None, place: Place, now: Instant, progress: Progress, model: Path | None = None
) -> Json:
    """Write a loop about the rows of a file, or about rows that are made up; give what it is and what was assumed.

    Raises: Conflict where the folder or the home is there already; InvalidInput and NotEnoughData for rows that leave
    something open, or a ``model`` that cannot be asked about them. Nothing is left behind then.
    """
    check_name(asked.name)
    _must_be_new(place)
    progress("reading rows", 0, 3)
    if model is not None:
        asked = asked_of(asked, model)
    rows, asked = _made_up(asked, now) if file is None else (pl.DataFrame(pl.from_arrow(read_file(file))), asked)
    past = past_of(rows, asked, now)
    if model is not None:
        past = serving(past, model)
    try:
        progress("writing the loop", 1, 3)
        _write(past, place.folder, now)
        if model is not None and past.plan.model is not None:
            shutil.copyfile(model, place.folder / past.plan.model.file)
        progress("taking the history in", 2, 3)
        _take_in(past, place, now)
    except BaseException:
        for made in (place.folder, place.home):
            shutil.rmtree(made, ignore_errors=True)
        raise
    progress("done", 3, 3)
    return _told(past, place)


def _made_up(asked: Asked, now: Instant) -> tuple[pl.DataFrame, Asked]:
    given = {"--target": asked.target, "--positive": asked.positive, "--time": asked.time, "--key": asked.key}
    if said := [option for option, value in given.items() if value]:
        raise InvalidInput(
            f"{', '.join(said)} tell of rows, and there are none.", mend="Add --from FILE, or leave them out."
        )
    answers = asked.answers or "binary"
    known = Asked(
        asked.name, GENERATED, TARGETS[answers], "asked_at", ("customer_id",), matures=asked.matures, answers=answers
    )
    return generated_rows(now, answers), known


def _must_be_new(place: Place) -> None:
    for path in (place.folder, place.home):
        if path.exists():
            raise Conflict(
                f"{path} is there already.",
                mend="Choose another name or --folder, or remove it if it is not needed.",
                path=str(path),
            )


def _write(past: Past, folder: Path, now: Instant) -> None:
    plan = past.plan
    (folder / "tests").mkdir(parents=True)
    (folder / "history").mkdir()
    past.questions.write_parquet(folder / "history" / "questions.parquet")
    past.outcomes.write_parquet(folder / "history" / "outcomes.parquet")
    texts = {
        "loop.py": loop_file(plan),
        "README.md": readme_file(plan),
        "example.json": example_file(example_row(past, now)),
        "tests/test_loop.py": tests_file(plan.target.answers),
        ".gitignore": ".homeostat/\n__pycache__/\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def example_row(past: Past, now: Instant) -> Json:
    """A question as it would be sent: the one asked last, asked about anew."""
    (row,) = past.questions.tail(1).to_dicts()
    for name, kind in past.plan.key:
        if kind == "text":
            row[name] = "example-1"
        elif kind == "integer":
            row[name] = int(past.questions[name].max()) + 1  # type: ignore[arg-type]
    row[past.plan.time] = format_instant(now)
    found: Json = json.loads(json.dumps(row, default=lambda moment: moment.isoformat()))
    return found


def _take_in(past: Past, place: Place, now: Instant) -> None:
    loop = load_loop(place.folder / "loop.py", past.plan.loop)
    tables: tuple[tuple[Table, str], ...] = ((loop.question, "questions"), (loop.label.table, "outcomes"))
    sources = []
    for table, name in tables:
        kinds = {column: declared.kind for column, declared in table.contract.items()}
        file = TabularFile(place.folder / "history" / f"{name}.parquet", kinds)
        sources.append(Source(table, file, table.event_time))
    settings = Settings(home=place.home, loop_file=place.folder / "loop.py")
    import_history(settings, list(loop.tables), sources, now)


def _told(past: Past, place: Place) -> Json:
    plan = past.plan
    return {
        "loop": plan.loop,
        "folder": str(place.folder),
        "home": str(place.home),
        "rows": plan.rows,
        "labelled": plan.labelled,
        "answers": plan.target.answers,
        "question": plan.target.question,
        "label": plan.target.condition,
        "outcomes": plain(plan.spread),
        "told": spread_told(plan.spread, plan.target),
        "key": [name for name, _ in plan.key],
        "time": plan.time,
        "features": [one.name for one in plan.features],
        "left_out": plain(plan.left_out),
        "renamed": plain(plan.renamed),
        "assumed": list(plan.assumed),
    }
