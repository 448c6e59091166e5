"""Commands that read a loop or take a version back."""

from __future__ import annotations

import textwrap
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from homeostat.app.versions.registering import registry_of
from homeostat.cli.checkpoints import moved, wait_for_state
from homeostat.cli.context import alive, on_record, opened, person, serving, standing
from homeostat.cli.decisions import print_decisions
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument, ReasonOption
from homeostat.cli.output import counted, data, errors_shown, figure, headed, show, talk, when
from homeostat.kernel.errors import HomeostatError
from homeostat.kernel.verdicts import ACCEPT
from homeostat.kernel.words import plural

Json = dict[str, Any]


def status(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show what serves, what is under way, what was decided last.

    Whether anything runs, and what of it does not answer, comes first, and is told also where the loop file is broken.
    """
    with errors_shown(as_json):
        lives = alive(home)
        if not as_json:
            _alive(lives)
        try:
            standings, found = standing(home, loop)
        except HomeostatError:
            if not as_json:
                _route(home, loop)
            raise
        shown = {**standings.overview(found, None), "activity": standings.activity(found.name), "alive": lives}
        show(shown, as_json, _status)


def _route(home: Path, loop: str | None) -> None:
    """What serves, where the loop file cannot be read: the file is not asked for it."""
    with suppress(HomeostatError):
        found, name = on_record(home, loop)
        route = found.route(name)
        _line(name, f"generation {route['generation']}")
        for arm in ("champion", "canary", "standby"):
            _line(arm, route[arm] or "none")


def _alive(told: Json) -> None:
    if told["running"]:
        replicas = f"replicas {told['ready']} of {told['replicas']}"
        _wrapped("running", f"doors {told['doors']}   dashboard {told['dashboard']}   {replicas}")
    else:
        _line("running", "no")
        talk.print(f"Start it:  {told['start']}", markup=False, soft_wrap=True)
    for problem in told["problems"]:
        _wrapped("problem", problem)


def rollback(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    reason: ReasonOption = "no reason given",
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="Serve this registered version instead.")
    ] = None,
    override: Annotated[
        bool, typer.Option("--override", help="With --to: also a version that was taken back or turned away.")
    ] = False,
    state: Annotated[
        Literal["restore", "replay", "leave"] | None,
        typer.Option("--state", help="What becomes of state that depends on the version; the loop's way by default."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Take a version back: the candidate, else the champion.

    While a rollout is open, the candidate leaves and the champion serves everything. Otherwise the standby takes
    over from the champion; with --to any registered version does, its files fetched again from the registry.
    Serving follows at once, whether or not control runs; the command ends when every replica has. Without --to it
    reads the loop file only of a loop with state: one that was broken since the start does not keep a version from
    being taken back. What changed since the command looked is not taken back. Where the loop declares state, control
    then puts back the checkpoint of the version that returns, or before serving follows where the loop says
    first="state"; interrupting the command does not stop that.
    """
    with errors_shown(as_json):
        from homeostat.app.by_hand.going_back import roll_back

        if to is not None:
            operations, found = opened(home, loop)
            name = found.name
            _confirm_unless(yes, name, operations.state(name).route.champion, to)
            registry = registry_of(operations.home)
            done = operations.redeploy(found, to, reason, registry, actor=person(), override=override, way=state)
        else:
            existing, route = serving(home, loop)
            leaving, staying = (route.canary, route.champion) if route.canary else (route.champion, route.standby)
            _confirm_unless(yes, route.loop, leaving, staying)
            name = route.loop
            done = roll_back(existing, route, reason, person(), state)
        show(_with_state(done, home, name), as_json, changed)


def _with_state(done: Json, home: Path, loop: str) -> Json:
    """Wait for state on its way. What was done is told also where the loop file cannot be read for it."""
    if "restoring" not in done:
        return done
    try:
        return wait_for_state(*opened(home, loop), done)
    except HomeostatError as error:
        talk.print(f"The state is on its way, and 'homeostat status' tells how far: {error.problem}", markup=False)
        return {**done, "state": {"decision": None}}


def _confirm_unless(yes: bool, loop: str, leaving: str | None, staying: str | None) -> None:
    if staying is not None and not yes:
        typer.confirm(f"Take {leaving} back? Then {staying} serves all of {loop}.", abort=True, err=True)


def _status(shown: Json) -> None:
    route, champion, rollout = shown["route"], shown["champion"], shown["rollout"]
    decided, activity = shown["decided_until"], shown["activity"]
    _line(shown["loop"], f"decided until {when(decided)} UTC" if decided else "nothing decided yet")
    if route["champion"] is None:
        _line("champion", "none")
        _wrapped("waiting", waiting(shown["waiting"]))
    elif champion is None:
        _line("champion", f"{route['champion']}, whose folder is missing")
    else:
        _line("champion", f"{champion['version']}, trained on {plural(champion['rows'], 'row')}")
        promise, names = champion["promise"], _figures_of(shown["task"])
        _line("promised", "   ".join(f"{said} {figure(promise.get(name))}" for name, said in names[:3]))
    for problem in (*shown["lagging"], *shown["problems"]):
        _wrapped("problem", problem)
    _line("standby", route["standby"] or "none")
    _drills(shown["drills"])
    if rollout:
        share = f"{rollout['candidate']} at {rollout['steps'][rollout['step']]:.0%}"
        looks = f"look {rollout['looks'] + 1} of at most {rollout['max_looks']} on {when(rollout['hold_until'])} UTC"
        _line("rollout", f"{share}, {rollout['state'] if rollout['asked'] else looks}")
        _asked(rollout["asked"])
    _proposed(shown["proposal"])
    _proposed(shown["release"])
    if shown["state"]:
        _state_lines(shown["state"])
    if activity and activity["kind"] == "training":
        _line("training", f"{activity['version']}: {activity['step']}")
    if shown["freshness_of_day"]:
        _wrapped("freshness", _freshness(shown["freshness_of_day"]))
    _line("skew", _skew(shown["skew"]))
    _wrapped("drift", _drift(shown["drift"]))
    totals = dict(shown["totals"])
    rows = {name: totals.pop(name) for name in ("served", "labelled", "failed_requests")}
    _line("rows", counted(rows))
    _line("decisions", counted(totals))
    if shown["last_decision"]:
        data.print("\nlast decision")
        print_decisions([shown["last_decision"]])


def _drills(told: Json) -> None:
    """Only what somebody should know: a drill that did not pass, or is overdue."""
    last = told["last"]
    if last and last["verdict"] != ACCEPT:
        _wrapped("drill", f"{last['title']}, {when(last['at'])} UTC: {'; '.join(last['reasons'])}")
    if told["overdue_days"] is None:
        return
    how = "'homeostat drill rollback' rehearses a rollback"
    if told["by_itself"]:
        how = f"rehearsed at {told['by_itself']} UTC, in quiet and under traffic"
    _wrapped("drill", f"overdue by {told['overdue_days']:g} days: {how}")


def _how_to_answer(asked: Json) -> None:
    _line("", f"'homeostat approve' or 'reject' {asked['question']}")
    _line("", f"until {when(asked['until'])} UTC")


def _asked(asked: Json | None) -> None:
    if asked is None:
        return
    if asked["answer"] is not None:
        answer = asked["answer"]
        _wrapped("approved", f"{asked['may']}, at the next look; by {answer['actor']}: {answer['reason']}")
        return
    _wrapped("asks", f"may {asked['may']}? {'; '.join(asked['reasons'])}")
    _how_to_answer(asked)


def _proposed(asked: Json | None) -> None:
    """What is asked about retraining or by a gate, or was answered lately and not yet acted on."""
    if asked is None:
        return
    if asked["answer"] is not None:
        said = "approved" if asked["answer"]["approved"] else "refused"
        _wrapped(said, f"{asked['may']}; by {asked['answer']['actor']}: {asked['answer']['reason']}")
        return
    _wrapped("asks", f"may {asked['may']}? {'; '.join(asked['reasons'])}")
    _how_to_answer(asked)


def _state_lines(told: Json) -> None:
    if told["restoring"]:
        moving = told["restoring"]
        waits = f"; {moving['leaving']} answers until then" if moving["waits"] else ""
        _wrapped(
            "state", f"that of {moving['version']} is put back from {moving['checkpoint']}: {moving['told']}{waits}"
        )
    if told["held"]:
        _wrapped("held", f"{told['held']['version']} waits for a checkpoint: {told['held']['problem']}")


def waiting(told: Json | None) -> str:
    """Why nothing serves, and when it is tried again."""
    if told is None:
        return "the first version is trained once enough labels are mature"
    if not told["next_try"]:
        return str(told["text"])
    again = f"tried again from {when(told['next_try'])} UTC on; changed code at once, when Homeostat is started again"
    return f"{told['text']}; {again}"


def _freshness(told: Json) -> str:
    parts = [f"{what}: {', '.join(told[what])}" for what in ("missed", "unknown") if told[what]]
    all_met = f"all {told['objectives']} objectives met"
    return f"{'   '.join(parts) or all_met} (end of {told['day']})"


def _wrapped(name: str, text: str) -> None:
    first, *rest = textwrap.wrap(text, min(75, max(40, data.width - 15)) if data.is_terminal else 75)
    _line(name, first)
    for line in rest:
        _line("", line)


def _drift(shown: Json) -> str:
    """One line: the signals above their limits, and what kind of limits these are."""
    if shown["day"] is None:
        return "unknown: no day was compared with a version's training yet"
    limits = f"limits ({', '.join(f'{many} {kind}' for kind, many in shown['limits'].items() if many)})"
    if not shown["above"]:
        return f"no signal above its limit on {shown['day']}: {limits}"
    furthest = [_furthest(one) for one in shown["furthest"]]
    more = [] if shown["above"] <= len(furthest) else [f"{shown['above'] - len(furthest)} more"]
    above = plural(shown["above"], "signal above its", "signals above their")
    return f"{above} {limits} on {shown['day']}: {', '.join([*furthest, *more])}"


def _furthest(one: Json) -> str:
    over = "" if one["span"] == 1 else f" over {plural(one['span'], 'day')}"
    return f"{one['measure'].replace('_', ' ')} of {one['subject']} {one['value']:.2f} > {one['limit']:.2f}{over}"


def _skew(shown: Json) -> str:
    """One line: what the last days' recomputed rows showed; unknown is said, not left out."""
    if not shown["rows"]:
        return "unknown: no served row was recomputed yet"
    stands_on = f"{plural(shown['rows'], 'recomputed row')} of {plural(shown['days'], 'day')}"
    wrong = sorted((one for one in shown["features"] if one["differing"]), key=lambda one: -one["rate"])
    if not wrong:
        return f"none in {stands_on}"
    named = [f"{one['feature']} {one['rate']:.0%} ({one['cause'].replace('_', ' ')})" for one in wrong[:3]]
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"{', '.join(named)}{more}, in {stands_on}; see 'homeostat skew'"


def _figures_of(task: Json) -> list[tuple[str, str]]:
    """The figures of a version that a loop's task has, and what they are called, the primary loss first."""
    if task["error"] is not None:
        error = task["error"]
        return [(error, error.replace("_", " ")), ("skill", "skill"), ("bias", "bias")]
    if task["name"] == "multiclass":
        return [("log_loss", "log-loss"), ("accuracy", "accuracy"), ("skill", "skill")]
    return [("log_loss", "log-loss"), ("auc", "AUC"), ("skill", "skill")]


def _line(name: str, text: str) -> None:
    headed(f"{name:<14} ", text)


def changed(done: Json) -> None:
    """Say what was decided, and whether every replica follows."""
    data.print(f"{done['decision']['title']} (generation {done['route']['generation']}).")
    followed = done["followed"]
    replicas = plural(followed["replicas"], "replica")
    if followed["lagging"]:
        talk.print(f"After {followed['seconds']:.1f} s not every one of {replicas} follows:")
        for text in followed["lagging"]:
            talk.print(f"  {text}", markup=False)
    elif followed["replicas"]:
        talk.print(f"{replicas} followed within {followed['seconds'] * 1e3:.0f} ms.")
    moved(done)
