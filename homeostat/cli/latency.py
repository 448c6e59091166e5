"""The command that says where a request's time goes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import on_record
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, show, talk
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

Json = dict[str, Any]


def latency(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    price: Annotated[
        float | None,
        typer.Option("--price", metavar="AMOUNT", min=0, help="What one replica costs an hour; adds a cost."),
    ] = None,
) -> None:
    """Show where a predict request's time goes, stage by stage.

    And which stage to attack. Counted since the replicas started, all of them together; they must be running.
    Without --price, the one of 'homeostat up --hourly-price'.
    """
    with errors_shown(as_json):
        from homeostat.app.gateway.latency import budget
        from homeostat.app.processes.loopback import get

        found, name = on_record(home, loop)
        known = found.home.told().get("hourly_price") if price is None else price
        text = get(f"{found.home.running().doors}/metrics").decode()
        show(budget(text, name, known), as_json, _latency)


def _latency(told: Json) -> None:
    if not told["requests"]:
        talk.print(f"Nobody has asked {told['loop']} for a prediction since its replicas started.")
        return
    rows = [[one["stage"], *_times(one), f"{one['share'] or 0:.0%}"] for one in told["stages"]]
    rest = told["other_ms"] / told["request"]["mean_ms"]
    rows.append(["other", f"{told['other_ms']:.3f}", "", "", f"{rest:.0%}"])
    rows.append(["whole request", *_times(told["request"]), "100%"])
    print_table(["stage", "mean ms", "p50 ms", "p99 ms", "share"], rows, right=["mean ms", "p50 ms", "p99 ms", "share"])
    data.print(f"\n{plural(told['requests'], 'request')}. Most time goes into {told['attack']['stage']}.")
    data.print(told["attack"]["mend"], markup=False)
    if told["attack"]["times_as_fast"] is not None:
        after, times = told["attack"]["if_twice_as_fast_ms"], told["attack"]["times_as_fast"]
        data.print(f"Were it twice as fast, a request would take {after:.3f} ms: {times:.2f} times as fast.")
    if len(told["arms"]) > 1:
        arms = [[one["version"], one["arm"], *_times(one)] for one in told["arms"]]
        print_table(["version", "arm", "mean ms", "p50 ms", "p99 ms"], arms, right=["mean ms", "p50 ms", "p99 ms"])
    for one in told["batching"]:
        per_call = (
            "" if one["requests_per_call"] is None else f"; {one['requests_per_call']:.1f} requests a call so far"
        )
        data.print(f"{one['version']} on {one['replica']}: {one['text']}{per_call}.", markup=False)
    if told["cost"]:
        cost = told["cost"]
        data.print(
            f"1,000 predictions cost {cost['per_thousand_as_deployed']:.6f} as deployed,"
            f" {cost['per_thousand_by_processor']:.6f} by processor time."
        )


def _times(one: Json) -> list[str]:
    return ["-" if one[name] is None else f"{one[name]:.3f}" for name in ("mean_ms", "p50_ms", "p99_ms")]
