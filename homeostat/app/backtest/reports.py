"""The files of a back-test: the report as JSON, its weeks as CSV, and the sawtooth as a picture."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from homeostat.app.backtest.chart import sawtooth
from homeostat.app.home import write_whole
from homeostat.kernel.errors import NotFound

Json = dict[str, Any]
REPORT, WEEKS, CHART = "report.json", "weeks.csv", "chart.svg"
_COLUMNS = ("week", "version", "labelled", "skill", "loss", "staleness_cost", "retraining_cost")


def write_report(folder: Path, report: Json) -> Json:
    """Keep a report, and say where its files are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"json": str(folder / REPORT), "csv": str(folder / WEEKS), "svg": str(folder / CHART)}
    report = {**report, "files": files}
    write_whole(folder / CHART, sawtooth(report).encode())
    write_whole(folder / WEEKS, weeks_of(report).encode())
    write_whole(folder / REPORT, json.dumps(report, ensure_ascii=False).encode())
    return report


def read_report(folder: Path, loop: str) -> Json:
    """The last report, with its picture. Raises: NotFound before the first."""
    try:
        report: Json = json.loads((folder / REPORT).read_bytes())
        return {**report, "chart": (folder / CHART).read_text()}
    except (OSError, ValueError) as error:
        raise NotFound(
            f"Loop {loop!r} has not been back-tested yet.",
            mend=f"Run 'homeostat backtest {loop}': it takes some minutes, and shows here then.",
            loop=loop,
        ) from error


def weeks_of(report: Json) -> str:
    """One line per policy and week.

    >>> print(weeks_of({"policies": [], "weeks": []}).split(",")[0])
    policy
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["policy", "first_day", *_COLUMNS, "asked_for"])
    for policy in report["policies"]:
        asked = {one["week"]: one["version"] for one in policy["asked"]}
        for week in policy["weeks"]:
            day = report["weeks"][week["week"]]["first_day"]
            values = ["" if week[name] is None else week[name] for name in _COLUMNS]
            lines.writerow([policy["name"], day, *values, asked.get(week["week"], "")])
    return text.getvalue()
