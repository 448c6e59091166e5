"""Commands on alerts: see them, say that somebody has, end them, silence them, try whether they arrive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import alive, person, standing
from homeostat.cli.listing import ListByDefault
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, show, talk, when
from homeostat.cli.tabled import print_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeostat.app.alerting.desk import Desk
    from homeostat.control.loop import Loop
    from homeostat.kernel.clock import Instant

Json = dict[str, Any]
ALL = "all"


app = typer.Typer(
    cls=ListByDefault,
    help="See alerts, answer them, silence them. 'homeostat alerts LOOP' lists.",
    rich_markup_mode=None,
)
WhichLoop = Annotated[str, typer.Argument(metavar="LOOP", help="Name of the loop, or 'all'.")]
AlertId = Annotated[str, typer.Argument(metavar="ID", help="Id of the alert, as the list shows it.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who you are; by default as git knows you.")]
ActedOn = Annotated[
    bool, typer.Option("--acted-on/--not-acted-on", help="Whether anybody did something because of it.")
]


@app.command("list")
def listed(
    loop: WhichLoop = ALL,
    whole: Annotated[bool, typer.Option("--all/--open", help="Those that are over, too.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List open alerts, the most urgent first.

    With the most likely cause, since when, how often, and by when somebody must have seen them. Works whether or not
    Homeostat runs.
    """
    with errors_shown(as_json):
        lives = alive(home)
        show({**_told(home, loop, whole=whole), "alive": lives}, as_json, lambda told: _listing(told, whole))


@app.command("ack")
def ack(
    alert: AlertId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What you mean to do, if anything.")] = "",
    by: ByOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Say that you have seen an alert.

    Its clock stops, and it is not sent again unless it gets worse.
    """
    with errors_shown(as_json):
        desk, now = _desk(home)
        done = desk.acknowledge(alert, by or person(), reason, now)
        show(done, as_json, lambda one: data.print(f"{one['id']} is acknowledged: {one['says']}", markup=False))


@app.command("resolve")
def resolve(
    alert: AlertId,
    acted_on: ActedOn,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What it was, and what was done.")],
    by: ByOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """End an alert and say whether it was worth acting on.

    The share acted on is shown for each rule. One that ended by itself can be marked afterwards.
    """
    with errors_shown(as_json):
        desk, now = _desk(home)
        done = desk.resolve(alert, by or person(), reason, now, acted_on=acted_on)
        mark = "acted on" if acted_on else "not acted on"
        show(done, as_json, lambda one: data.print(f"{one['id']} is over, {mark}.", markup=False))


@app.command("silence")
def silence(
    loop: Annotated[str, typer.Argument(metavar="LOOP", help="Name of the loop.")],
    until: Annotated[
        str, typer.Option("--until", metavar="WHEN", help="A time such as 2026-01-31T08:00:00Z, or a span such as 8h.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever looks for the alert.")],
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="Only this rule.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="NAME", help="Only this feature, table or version.")
    ] = None,
    by: ByOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Send nothing of a loop, rule or subject for a while.

    Alerts are still listed, and sent if they last when the silence ends. At most 90 days.
    """
    with errors_shown(as_json):
        from homeostat.kernel.clock import parse_instant

        _, found = standing(home, loop)
        desk, now = _desk(home)
        at = now(found.name)
        end = parse_instant(until) if "T" in until else at + _span(until)
        _say_unknown(found, subject, desk.told(found.name, now, found.alerts, whole=True)["alerts"])
        done = desk.silence(found.name, rule, subject, end, by or person(), reason, at)
        show(done, as_json, lambda one: data.print(f"{one['id']}: {_silenced(one)}", markup=False))


@app.command("silences")
def silences(
    loop: WhichLoop = ALL,
    end: Annotated[str | None, typer.Option("--end", metavar="ID", help="End this one before its time.")] = None,
    by: ByOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List silences that hold, or end one."""
    with errors_shown(as_json):
        if end is not None:
            desk, now = _desk(home)
            show(
                desk.end_silence(end, by or person(), now),
                as_json,
                lambda one: data.print(f"{one['id']} is ended.", markup=False),
            )
            return
        show(_told(home, loop, whole=False)["silences"], as_json, _silences)


@app.command("rules")
def rules(loop: WhichLoop = ALL, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the rules, how urgent each is, and the share acted on."""
    with errors_shown(as_json):
        show(_told(home, loop, whole=True)["rules"], as_json, _rules)


@app.command("test")
def try_addresses(
    to: Annotated[str | None, typer.Option("--to", metavar="NAME", help="Only this address; each by default.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Send a test message and say what came of it.

    Exit code 3 when one did not arrive.
    """
    with errors_shown(as_json):
        desk, _ = _desk(home)
        done = desk.test(to)
        show(done, as_json, _tested)
    if any(one["status"] != "sent" for one in done):
        raise typer.Exit(3)


def _span(text: str) -> int:
    from homeostat.kernel.clock import duration
    from homeostat.kernel.errors import InvalidInput

    try:
        return duration(text)
    except InvalidInput as error:
        mend = "Write a time such as 2026-01-31T08:00:00Z, or how long from now, such as 8h or 3d."
        raise InvalidInput(f"{text!r} says no end.", mend=mend, until=text) from error


def _say_unknown(loop: Loop, subject: str | None, alerts: list[Json]) -> None:
    """A name that nothing has yet may be right for what is to come, and is more often mistyped."""
    names = {*loop.feature_set.names, *(table.name for table in loop.tables), *(one["subject"] for one in alerts)}
    if subject is not None and subject not in names:
        talk.print(f"No feature, table or alert of {loop.name} has the name {subject!r} so far.", markup=False)


def _desk(home: Path) -> tuple[Desk, Callable[[str], Instant]]:
    """The use cases of an existing home, and the present of each loop's alerts."""
    from homeostat.app.alerting.desk import Desk
    from homeostat.app.clocks import SystemClock
    from homeostat.app.home import Home
    from homeostat.app.shown.on_record import OnRecord
    from homeostat.monitoring.alerts.alerts import INSTALLATION

    existing = Home(home.resolve()).existing()
    found, replayed = OnRecord.open(existing), existing.replayed()

    def now(loop: str) -> Instant:
        if not replayed or loop == INSTALLATION:
            return SystemClock().now()
        return found.state(loop).decided_until or 0

    return Desk.open(found), now


def _told(home: Path, loop: str, *, whole: bool) -> Json:
    from homeostat.monitoring.alerts.declared import Alerts

    desk, now = _desk(home)
    if loop == ALL:
        return desk.told(None, now, Alerts(), whole=whole)
    _, found = standing(home, loop)
    return desk.told(found.name, now, found.alerts, whole=whole)


def _listing(told: Json, whole: bool) -> None:
    if not told["alive"]["running"]:
        talk.print("Nothing runs: nothing is looked at. Start it:")
        talk.print(f"  {told['alive']['start']}", markup=False, soft_wrap=True)
    for problem in told["alive"]["problems"]:
        talk.print(f"problem: {problem}", markup=False)
    if not told["open"]:
        talk.print("No alert is open.")
    for one in told["alerts"]:
        _print(one)
    for one in told["silences"]:
        talk.print(f"silence {one['id']}: {_silenced(one)}", markup=False)
    for one in told["addresses"]:
        if one["failing"]:
            talk.print(f"messages do not reach {one['name']}: {one['problem']}", markup=False)
    if not told["addresses"]:
        talk.print("No address is configured: alerts are shown here and on the dashboard, and sent to nobody.")


def _print(one: Json) -> None:
    style = {"P0": "bold red", "P1": "bold red", "P2": "bold yellow", "P3": "bold"}[one["severity"]]
    of = "installation" if one["loop"] == "*" else one["loop"]
    data.print(f"[{style}]{one['severity']}[/] {one['id']}  {of}: {one['says']}")
    data.print(f"    {one['text'] or one['subject']}", markup=False)
    if one["cause"] and one["cause"] != one["text"] and one["status"] == "open":
        data.print(f"    most likely cause: {one['cause']}", markup=False)
    data.print(f"    since {when(one['opened_at'])}, {_times(one)}; {_clock(one)}", markup=False)
    if one["status"] == "open":
        data.print(f"    {one['do']}", markup=False, style="dim")


def _times(one: Json) -> str:
    return f"{one['count']} times, last {one['last_window']}" if one["count"] > 1 else f"of {one['window']}"


def _clock(one: Json) -> str:
    """What is still to be done about it.

    >>> _clock({"resolved": None, "acknowledged": None, "silenced": False, "due": None})
    'open'
    """
    if one["resolved"]:
        marked = {True: "acted on", False: "not acted on", None: "not marked"}[one["acted_on"]]
        return f"over since {when(one['resolved']['at'])}: {one['resolved']['reason']}; {marked}"
    if one["acknowledged"]:
        return f"acknowledged by {one['acknowledged']['actor']}"
    if one["silenced"]:
        return "silenced"
    if one["due"] is None:
        return "open"
    late = "OVERDUE, " if one["overdue"] else ""
    return f"{late}to be acknowledged by {when(one['due'])}"


def _silenced(one: Json) -> str:
    of = ", ".join(part for part in (one["rule"], one["subject"]) if part) or "everything"
    return f"{of} of {one['loop']} until {when(one['until'])} ({one['actor']}: {one['reason']})"


def _silences(found: list[Json]) -> None:
    if not found:
        talk.print("Nothing is silenced.")
    for one in found:
        data.print(f"{one['id']}  {_silenced(one)}", markup=False)


def _rules(found: list[Json]) -> None:
    rows = [
        [
            one["rule"],
            one["severity"] or "off",
            one["family"],
            str(one["raised"]),
            str(one["open"]),
            "-" if one["share_acted_on"] is None else f"{one['share_acted_on']:.0%}",
            "hardly ever acted on: raise its limit, or turn it off" if one["noise"] else "",
        ]
        for one in found
    ]
    print_table(["rule", "severity", "kind", "raised", "open", "acted on", ""], rows, right=["raised", "open"])


def _tested(done: list[Json]) -> None:
    for one in done:
        came = "arrived" if one["status"] == "sent" else f"did not arrive: {one['problem']}"
        data.print(f"{one['to']}: {came}", markup=False)
