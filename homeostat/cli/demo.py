"""The demonstration: a year of real flights through a real loop."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, DEFAULT_PORT, HomeOption, JsonOption, PortOption
from homeostat.cli.output import errors_shown, show, talk
from homeostat.cli.report import report_text, reported
from homeostat.cli.run import notice, say_addresses, settings_of
from homeostat.kernel.clock import Instant, format_instant, from_datetime
from homeostat.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from homeostat.app.processes.installation import Installation
    from homeostat.app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LOOP = "late-arrival"
LOOP_FILE = ROOT / "examples" / "flights" / "loop.py"
FIRST_DAY, LAST_DAY = date(2013, 1, 1), date(2013, 12, 31)
SERVED_FROM = date(2013, 2, 1)


def demo(
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Last day to replay, in 2013.")] = "2013-12-31",
    exit_after: Annotated[bool, typer.Option("--exit", help="Stop after the report.")] = False,
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = DEFAULT_PORT,
    as_json: JsonOption = False,
) -> None:
    """Run the loop on a year of real flights, dashboard on.

    January 2013 is history; then the loop serves, watches and retrains by itself, to the last day. Prints a
    report and leaves the dashboard on. Stopped and run again, it resumes.
    """
    with errors_shown(as_json):
        last = _last_day(until)
        if not LOOP_FILE.exists():
            raise NotFound(
                "The flights example is not part of an installed package.", mend="Run 'make demo' in a clone."
            )
        say_addresses(port)
        from homeostat.app.processes.installation import Installation
        from homeostat.cli.demo_watch import Watch, finished

        settings = settings_of(LOOP_FILE, home, port, replay=True)
        if _said_done(settings, last) and exit_after and _decided(settings, last):
            _report(settings, last, as_json)
            return
        with Installation(settings, notice, {"driver": _driver(settings, last)}) as running:
            watch = Watch(settings, last)
            running.watch(lambda: finished(watch, running), every=1.0)
            watch.close()
            if not running.stopping:
                _report(settings, last, as_json)
                _linger(running, settings, exit_after)


def _last_day(until: str) -> date:
    try:
        day = date.fromisoformat(until)
    except ValueError:
        day = date.min
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidInput(f"--until {until} is no day of 2013.", mend="Write such as --until 2013-03-31.", until=until)
    return day


def _driver(settings: Settings, last: date) -> list[str]:
    from homeostat.app.processes.supervisor import module_command

    options = ["--doors", settings.doors_url, "--control", settings.control_url]
    return module_command(
        "examples.flights.driver",
        *options,
        "--cursor",
        str(settings.paths.driver_cursor),
        "--until",
        last.isoformat(),
    )


def _end(last: date) -> Instant:
    """When a last day has ended where the flights are."""
    return from_datetime(datetime.combine(last + timedelta(days=1), time(), ZoneInfo("America/New_York")))


def _decided(settings: Settings, last: date) -> bool:
    """Whether nothing was left to decide when it stopped: then only a dashboard has to be run."""
    operations, loop = opened(settings.home, None)
    decided = operations.state(loop.name).decided_until
    return decided is not None and decided >= _end(last)


def _said_done(settings: Settings, last: date) -> bool:
    """A second run goes on where the first one stopped, or says that there is nothing left to replay."""
    cursor = settings.paths.driver_cursor
    if not cursor.exists():
        return False
    at = int(json.loads(cursor.read_bytes())["at"])
    if done := at >= _end(last):
        talk.print(f"The replay until {last} is done already: here are its report and dashboard.")
        talk.print(f"To start afresh, remove {settings.home} or name another folder with --home.")
    else:
        talk.print(f"Resuming at {format_instant(at)}.")
    return done


def _report(settings: Settings, last: date, as_json: bool) -> None:
    if last >= SERVED_FROM:
        operations, loop = opened(settings.home, None)
        show(reported(settings, operations, loop), as_json, report_text)
        return
    talk.print(f"Nothing was served: January is history, and the loop serves from {SERVED_FROM} on.")
    talk.print("To go on from here, run it again with a later --until, or without.")
    show({"loop": LOOP, "months": []}, as_json, lambda _: None)


def _linger(running: Installation, settings: Settings, exit_after: bool) -> None:
    if exit_after:
        return
    talk.print(f"dashboard  [bold]{settings.control_url}[/]  stays on; stop with Ctrl-C")
    running.watch()
