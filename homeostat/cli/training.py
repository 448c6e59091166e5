"""Commands that watch a training step by step, and that ask for one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.context import on_record, opened, person, present_of
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument, ReasonOption
from homeostat.cli.output import data, errors_shown, show, talk
from homeostat.cli.progress import progress_bar

Json = dict[str, Any]
_SECONDS = 0.3
_OVER = ("done", "kept", "failed")


def watch(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Follow the training that is under way until it has ended: a bar of its steps, and what it says.

    Shows the decision that came of it. Interrupting this command does not stop the training; it ends at once where none
    is under way.
    """
    with errors_shown(as_json):
        found, name = on_record(home, loop)
        activity = found.activity(name)
        if activity is None or activity["kind"] != "training":
            show({"version": None, "decision": None}, as_json, _ended)
            return
        version = activity["version"]
        log = _Tail(found.home.jobs / name / version / "train.log")
        with progress_bar(f"{version}: starting") as progress:
            while activity is not None and activity.get("version") == version:
                progress(*_place(version, activity["steps"]))
                log.tell()
                time.sleep(_SECONDS)
                activity = found.activity(name)
        log.tell()
        decided = [one for one in found.decisions(name) if one["version"] == version]
        show({"version": version, "decision": decided[-1] if decided else None}, as_json, _ended)


def now(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    reason: ReasonOption = "no reason given",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Train the next version now, whatever the policy says.

    It is a person's decision in the ledger, and passes cool-down, quiet hours and budget, in which it counts. Its
    version passes the gate and comes in step by step as any other; while another one is under way, it is refused.
    Control begins at its next look, or when it runs again: 'homeostat retrain watch' follows it.
    """
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        state = operations.state(found.name)
        if not yes:
            follows = f" to follow {state.route.champion}" if state.route.champion else ""
            typer.confirm(f"Train v{state.next_version} of {found.name} now{follows}?", abort=True, err=True)
        done = operations.retrain(found, reason, actor=person(), now=present_of(operations.home))
        show(done, as_json, _asked)


def _asked(done: Json) -> None:
    data.print(f"{done['version']} is asked for.")
    data.print("Control trains and judges it while it runs: see 'homeostat retrain watch' and 'homeostat decisions'.")


class _Tail:
    """What is added to a log, from now on or from its beginning, on stderr."""

    def __init__(self, file: Path) -> None:
        self._file, self._told = file, 0

    def tell(self) -> None:
        """Print the whole lines that came since."""
        try:
            with self._file.open("rb") as log:
                log.seek(self._told)
                found = log.read()
        except OSError:
            return
        lines = found[: found.rfind(b"\n") + 1]
        self._told += len(lines)
        for line in lines.decode(errors="replace").splitlines():
            talk.print(line, markup=False, highlight=False)


def _place(version: str, steps: list[Json]) -> tuple[str, int, int]:
    """What is done now, how many steps are, and of how many."""
    over = sum(one["state"] in _OVER for one in steps)
    now = next((one for one in steps if one["state"] == "running"), None)
    far = f" {now['done']} of {now['of']}" if now and now["of"] else ""
    return f"{version}: {now['name'] if now else 'starting'}{far}", over, len(steps) or 1


def _ended(told: Json) -> None:
    if told["version"] is None:
        talk.print("No training is under way.")
    elif told["decision"] is None:
        data.print(f"{told['version']} has ended.")
    else:
        data.print(told["decision"]["title"], markup=False)
        for reason in told["decision"]["reasons"]:
            data.print(f"  {reason}", markup=False)
