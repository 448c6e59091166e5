"""Whether anything runs on a home, and what of it does not answer: what one asks first when woken at night."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from homeostat.app.alerting.beat import read_beat
from homeostat.app.gateway.fleet import Fleet
from homeostat.kernel.clock import LATEST, Instant, duration
from homeostat.kernel.errors import HomeostatError, NotFound
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeostat.app.home import Home

Json = dict[str, Any]
_SECOND, _LATE = duration("1s"), duration("60s")
"""Control looks every few seconds; a look at a day that has ended takes some more."""
_PATIENCE = 5.0
"""Seconds to wait for the recorder, which answers within milliseconds."""


def recorder_troubles(socket: str) -> Sequence[str]:
    """What the recorder at a socket says does not go on, or that it says nothing."""
    from homeostat.app.recorder.blocking import BlockingRecorderClient

    client = BlockingRecorderClient(socket, timeout=_PATIENCE)
    try:
        return [str(one) for one in client.status().get("troubles", ())]
    except HomeostatError as error:
        return [f"no events are taken in, and predictions wait to be stored: {error.problem} process-logs/ says why"]
    finally:
        client.close()


def vitals(home: Home, now: Instant, recorder: Callable[[str], Sequence[str]] = recorder_troubles) -> Json:
    """Addresses, replicas and problems of what runs; ``now`` is the machine's clock.

    ``problems`` are sentences: replicas that say nothing, a control that looks no more, what the ``recorder`` at its
    socket says does not go on, messages of alerts that do not go out, a disk that is nearly full.
    """
    told = home.told()
    try:
        runs = home.running()
    except NotFound:
        runs = None
    replicas = Fleet(home).replicas()
    silent = [one for one in replicas if one.silent(now)]
    problems = [
        f"replica {one.id} (process {one.pid}) has said nothing for {_told(abs(now - one.at))}: it may answer nobody;"
        " once ended, it is started again"
        for one in silent
    ]
    if not replicas:
        problems.append("no gateway is up: nobody is answered")
    if not home.replayed():  # a replay is looked at when its day ends, not by the machine's clock
        problems += _control(read_beat(home.beat), now)
    if runs is not None:
        problems += [*recorder(runs.recorder_socket), *_messages(home, now)]
    return {
        "running": runs is not None,
        "doors": runs.doors if runs else None,
        "dashboard": runs.control if runs else None,
        "start": _start(home),
        "replicas": len(replicas),
        "ready": len(replicas) - len(silent),
        "problems": [*(problems if runs else []), *_disk(home, int(told.get("disk_reserve_bytes", 0)))],
    }


def _start(home: Home) -> str:
    if home.driver_cursor.exists():
        return f"homeostat demo --home {home.root}"
    replay = " --replay" if home.replayed() else ""
    return f"homeostat up {home.loop_file()} --home {home.root}{replay}"


def _control(last: Instant | None, now: Instant) -> list[str]:
    if last is not None and abs(now - last) <= _LATE:
        return []
    if last is None:
        since = "has not looked at its loops yet"
    elif last > now:
        since = "has not looked at its loops since the machine's clock was set back"
    else:
        since = f"last looked at its loops {_told(now - last)} ago"
    return [f"control {since}: predictions go on, decisions wait; process-logs/ says why"]


def _messages(home: Home, now: Instant) -> list[str]:
    """Addresses that take nothing, and messages that nobody tries to send."""
    from homeostat.adapters.sql.alert_store import SqlAlertStore
    from homeostat.adapters.sql.database import Database
    from homeostat.monitoring.alerts.deliveries import failing

    waiting = SqlAlertStore(Database(home.control_db)).deliveries(due=LATEST)
    told = [f"messages of alerts do not reach {name!r}: {one.problem}" for name, one in failing(waiting).items()]
    if late := [one for one in waiting if now - one.next_at > _LATE]:
        since = _told(now - min(one.next_at for one in late))
        told.append(f"{plural(len(late), 'message')} of alerts should have gone out {since} ago: nobody sends them")
    return told


def _disk(home: Home, reserve: int) -> list[str]:
    free = shutil.disk_usage(home.root).free
    if free > 2 * reserve:
        return []
    left = f"the disk of the home has {free >> 20:,} MiB left"
    if free > reserve:
        return [f"{left}: at {reserve >> 20:,} MiB predictions are refused"]
    return [f"{left}, of which {reserve >> 20:,} MiB are kept: predictions are refused until there is room"]


def _told(span: int) -> str:
    seconds = span / _SECOND
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
