"""Commands about versions: the list, what one was made of, and what changed between two."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import on_record
from homeostat.cli.listing import ListByDefault
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, figure, headed, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

Json = dict[str, Any]
LoopOption = Annotated[
    str | None, typer.Option("--loop", metavar="LOOP", help="Needed only if several loops have versions.")
]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="A registered version, such as v3.")]
LinesOption = Annotated[int, typer.Option("--lines", metavar="N", min=0, help="Lines of code shown of each file.")]
_NOT_RECORDED = "not recorded by the release that made it"
_ON = {True: "the same", False: "changed"}
_NAMED = 12

app = typer.Typer(
    cls=ListByDefault,
    help="List versions, what made one, its steps, what changed. 'homeostat versions [LOOP]' lists.",
    rich_markup_mode=None,
)


@app.command("list")
def listed(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List every version with its standing, newest first.

    Figures are those of its held-out days, measured before it served anyone. --json adds the fingerprint.
    """
    with errors_shown(as_json):
        found, name = on_record(home, loop)
        show(found.versions(name), as_json, _listing)


@app.command("show")
def shown(
    version: VersionArgument, loop: LoopOption = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """Show what a version was made of: code, data, config and environment.

    Reads the version's folder, and tells whether its signature holds now; works whether or not Homeostat runs, and
    without the loop file. --json has every file, table, parameter and package.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.provenance.versions import loop_named, origin
        from homeostat.app.provenance.versions import shown as told

        existing = Home(home).existing()
        show(told(origin(existing, loop_named(existing, loop), version)), as_json, _shown)


@app.command("diff")
def diff(
    version: VersionArgument,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The version to compare it with.")],
    loop: LoopOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lines: LinesOption = 40,
) -> None:
    """Tell what changed from one version to another, leg by leg.

    Code by its lines, data by tables, definitions, rows and days, config by its keys, the environment by packages.
    A leg that an older release did not record is said to be unknown.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.provenance.versions import compared, loop_named, origin

        existing = Home(home).existing()
        name = loop_named(existing, loop)
        found = compared(origin(existing, name, version), origin(existing, name, other))
        for name, proof in found["signatures"].items():
            if not proof["proven"]:
                talk.print(f"{name} is {_proof(proof)}", markup=False)
        show(found, as_json, lambda told: print_legs(told["legs"], lines))


@app.command("steps")
def steps(
    version: VersionArgument, loop: LoopOption = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """Show the steps by which a version was made: time, memory, rows, and what was odd.

    Steps that were "kept" were taken from an earlier training; their time is that of the one that did them. --json adds
    what each took and gave, by hash. Works whether or not Homeostat runs, and without the loop file.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.provenance.versions import loop_named
        from homeostat.app.shown.on_record import OnRecord

        existing = Home(home).existing()
        found = OnRecord.open(existing).steps(loop_named(existing, loop), version)
        show(found, as_json, lambda told: _steps(told["steps"]))


def _steps(found: list[Json]) -> None:
    rows = [
        [
            one["name"],
            one["state"] or "-",
            "-" if one["seconds"] is None else f"{one['seconds']:.2f} s",
            "-" if not one["memory"] else f"{one['memory'] / (1 << 20):,.0f} MiB",
            ", ".join(f"{name} {count:,}" for name, count in sorted(one["rows"].items())) or "-",
        ]
        for one in found
    ]
    print_table(["step", "state", "time", "memory", "rows"], rows, right=["time", "memory"])
    for one in found:
        for warning in one["warnings"]:
            data.print(f"{one['name']}: {warning}", markup=False)


def print_legs(legs: Json, lines: int, unknown: str = _NOT_RECORDED) -> None:
    """Print what differs of each leg, with so many lines of each text; ``unknown`` says why one is not compared."""
    for name, leg in legs.items():
        data.print(f"[bold]{name:<12}[/] {unknown if leg['equal'] is None else _ON[leg['equal']]}")
        for change in (*leg["changes"], *leg["beside"]):
            data.print(f"    {change['text']}", markup=False)
            for line in change["lines"][:lines]:
                data.print(f"        {line}", markup=False)
            if len(change["lines"]) > lines:
                data.print(f"        ... {plural(len(change['lines']) - lines, 'more line')}; see --lines")


def _shown(told: Json) -> None:
    legs = told["legs"]
    _line(told["version"], f"of {told['loop']}, as of {when(told['created_at'])} UTC, served by {told['runtime']}")
    _line("signature", _proof(told["signature"]))
    for name, leg in legs.items():
        _line(name, told["fingerprint"][name][:16] if leg else _NOT_RECORDED)
        for text in _TELLERS[name](leg) if leg else ():
            data.print(f"    {text}", markup=False)


def _proof(found: Json) -> str:
    if found["proven"]:
        return f"proven now: key {found['key'][:16]}" if found["key"] else "nobody's"
    return f"not proven: {found['problem']} {found['mend']}"


def _code(leg: Json) -> list[str]:
    tree = leg["tree"]
    state = "" if tree is None else (", changed since" if tree["dirty"] else ", as committed")
    where = "not under git" if tree is None else f"commit {(tree['commit'] or 'none yet')[:12]}{state}"
    files = [
        f"{one['path']}  {one['sha256'][:12]}{'' if one['kept'] else '  too large to keep'}" for one in leg["files"]
    ]
    return [where, f"training function {leg['function']}", *_few(files)]


def _data(leg: Json) -> list[str]:
    rows, tables = leg["trained_on"], leg["table_versions"]
    days = sorted(rows["days"])
    span = f" of {plural(len(days), 'day')}, {days[0]} to {days[-1]}" if days else ""
    return [
        f"{plural(rows['rows'], 'row')}{span}, hash {rows['hash'][:12]}",
        f"tables {', '.join(f'{name} at version {at}' for name, at in sorted(tables.items()))}",
        f"facts known up to sequence {leg['sequence']:,}; {plural(len(leg['definitions']), 'definition')}",
        f"labels: {leg['label']['condition']} in {leg['label']['table']}, {leg['label']['matures']}",
    ]


def _config(leg: Json) -> list[str]:
    told = [f"{name} = {value}" for name, value in leg["parameters"].items()]
    told += [f"seed {name} = {value}" for name, value in leg["seeds"].items()]
    made = leg["variant"]
    return [*([] if made is None else [f"{made['precision']} of {made['of']}"]), *_few(told)]


def _environment(leg: Json) -> list[str]:
    platform, packages = leg["platform"], leg["packages"]
    threads = [f"{name}={value}" for name, value in leg["threads"].items()]
    where = " ".join(str(platform[name]) for name in ("system", "machine", "libc", "timezone") if name in platform)
    read = [f"variable {name} {_variable(one)}" for name, one in (leg["variables"] or {}).items()]
    told = [f"{leg['python']} on {where}", plural(len(packages), "package"), *([", ".join(threads)] if threads else [])]
    return [*told, *_few(read)]


def _variable(told: Json) -> str:
    if told["value"] is not None:
        return f"= {told['value']}"
    if not told["is_set"]:
        return "is not set"
    return f"is set, its value known by {told['digest'][:12]}" if told["digest"] else "is set, its value not recorded"


_TELLERS = {"code": _code, "data": _data, "config": _config, "environment": _environment}


def _few(texts: list[str]) -> list[str]:
    return texts if len(texts) <= _NAMED else [*texts[:_NAMED], f"and {len(texts) - _NAMED} more; see --json"]


def _line(name: str, text: str) -> None:
    headed(f"{name:<14} ", text)


FIGURES = (
    ("log_loss", "log-loss"),
    ("auc", "AUC"),
    ("brier", "Brier"),
    ("accuracy", "accuracy"),
    ("f1", "F1"),
    ("rmse", "RMSE"),
    ("mae", "MAE"),
    ("quantile_loss", "quantile loss"),
    ("bias", "bias"),
)
"""What is told of a version, of those figures that its task has."""


def _listing(found: list[Json]) -> None:
    if not found:
        talk.print("No version yet.")
        return
    rows = []
    named: Json = next((one["metrics"] for one in found if one["metrics"]), {})
    names = [(name, said) for name, said in FIGURES if name in named] or list(FIGURES[:3])
    for one in found:
        metrics = one["metrics"] or {}
        rows.append(
            [
                one["version"],
                one["state"].replace("_", " ") + _variant(one["variant"]),
                when(one["created_at"]),
                "-" if one["rows"] is None else f"{one['rows']:,}",
                *(figure(metrics.get(name)) for name, _ in names),
            ]
        )
    told = [said for _, said in names]
    print_table(["version", "standing", "as of (UTC)", "rows", *told], rows, right=["rows", *told])


def _variant(told: Json | None) -> str:
    return "" if told is None else f", {told['precision']} of {told['of']}"
