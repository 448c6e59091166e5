"""The command that shows what serves."""

from __future__ import annotations

from typing import Any

from homeostat.cli.context import on_record
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, headed, show, talk
from homeostat.cli.tabled import print_table

Json = dict[str, Any]


def route(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show which version answers whom, and what each replica serves.

    A replica that cannot load or verify a version keeps the route it had, and says why: the rollout then stops.
    """
    with errors_shown(as_json):
        found, name = on_record(home, loop)
        show(found.route(name), as_json, _route)


def _route(told: Json) -> None:
    data.print(f"[bold]{told['loop']}[/]  generation {told['generation']}{_age(told['age_seconds'])}")
    for name, text in _arms(told):
        headed(f"{name:<14} ", text)
    if not told["replicas"]:
        talk.print("No replica serves this home now.")
        return
    rows = [
        [
            one["id"],
            "-" if one["generation"] is None else str(one["generation"]),
            "ready" if one["ready"] else f"silent for {one['said_seconds_ago']:g} s" if one["generation"] else "waits",
            one["problem"] or "",
        ]
        for one in told["replicas"]
    ]
    print_table(["replica", "generation", "state", "problem"], rows, right=["generation"])


def _arms(told: Json) -> list[tuple[str, str]]:
    found = [("champion", told["champion"] or "none")]
    if told["canary"]:
        found.append(("canary", f"{told['canary']} takes {told['share']:.0%}"))
    for one in told["experiments"]:
        arms = ", ".join(_arm(arm, told["halted"]) for arm in one["arms"])
        found.append(("experiment", f"{one['name']} on {one['share']:.0%}: {arms}"))
    found += [("shadow", f"{one['version']} sees {one['share']:.0%}") for one in told["shadows"]]
    return [*found, ("standby", told["standby"] or "none")]


def _arm(arm: Json, halted: list[str]) -> str:
    text = f"{arm['name']} {arm['version']} {arm['weight']:.0%}"
    return f"{text} (not asked)" if arm["version"] in halted else text


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f", written {seconds / length:.0f} {unit} ago"
    return f", written {seconds:.0f} s ago"
