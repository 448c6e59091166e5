"""From a home folder to the loop and the use cases a command needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeostat.app.by_hand.operations import Operations
    from homeostat.app.home import Home
    from homeostat.app.lineage.why import Why
    from homeostat.app.shown.on_record import OnRecord
    from homeostat.app.shown.showing import Showing
    from homeostat.app.shown.standings import Standings
    from homeostat.control.loop import Loop
    from homeostat.kernel.clock import Instant
    from homeostat.serving.routing import Route


def on_record(home: Path, loop: str | None) -> tuple[OnRecord, str]:
    """What the stores of an existing home say by themselves, and the name of the loop that is meant."""
    from homeostat.app.home import Home
    from homeostat.app.shown.on_record import OnRecord

    found = OnRecord.open(Home(home).existing())
    return found, found.loop_named(loop)


def standing(home: Path, loop: str | None) -> tuple[Standings, Loop]:
    """Where the loop that is meant stands, and what its file declares: enough to look at it, not to change it."""
    from homeostat.app.home import Home
    from homeostat.app.loops.loader import load_loop
    from homeostat.app.shown.standings import Standings

    existing = Home(home).existing()
    return Standings.open(existing), load_loop(existing.loop_file(), loop)


def alive(home: Path) -> dict[str, Any]:
    """Whether anything runs on an existing home, and what of it does not answer."""
    from homeostat.app.clocks import SystemClock
    from homeostat.app.home import Home
    from homeostat.app.shown.vitals import vitals

    return vitals(Home(home).existing(), SystemClock().now())


def opened(home: Path, loop: str | None) -> tuple[Operations, Loop]:
    """The use cases of an existing home and the loop that is meant."""
    from homeostat.app.by_hand.operations import Operations
    from homeostat.app.home import Home
    from homeostat.app.loops.loader import load_loop

    existing = Home(home).existing()
    return Operations.open(existing), load_loop(existing.loop_file(), loop)


def serving(home: Path, loop: str | None) -> tuple[Home, Route]:
    """An existing home and the route that its replicas follow of the loop that is meant.

    Its loop file is read only where there is no such route, for what is quick must not stop at a broken one.
    """
    from homeostat.app.by_hand.going_back import served_route
    from homeostat.app.home import Home

    existing = Home(home).existing()
    route = served_route(existing, loop)
    if route is None:
        operations, found = opened(home, loop)
        route = operations.state(found.name).route
    return existing, route


def shown(home: Path, loop: str | None) -> tuple[Showing, Loop]:
    """What can be shown of an existing home, running or not, and the loop that is meant."""
    from homeostat.app.shown.showing import Showing

    operations, found = opened(home, loop)
    return Showing(operations, {found.name: found}, flush_of(operations.home)), found


def traced(home: Path, loop: str | None) -> tuple[Why, Instant | None]:
    """What traces predictions of an existing home, of one loop or of all, and the present of its clock.

    None is the present of a replay: how far it was decided. It takes no more imports than it must: people wait for it.
    """
    from homeostat.adapters.signing.heads import HeadsFile
    from homeostat.adapters.sql.control_store import SqlControlStore
    from homeostat.adapters.sql.database import Database
    from homeostat.app.home import Home
    from homeostat.app.lineage.why import Why
    from homeostat.app.loops.loader import load_loop, load_loops

    existing = Home(home).existing()
    loops = load_loops(existing.loop_file()) if loop is None else {loop: load_loop(existing.loop_file(), loop)}
    store = SqlControlStore(Database(existing.control_db), HeadsFile(existing.ledger))
    return Why(existing, loops, store, flush_of(existing)), present_of(existing)


def present_of(home: Home) -> Instant | None:
    """The present of a home's clock; None in a replay, whose present is how far it was decided."""
    from homeostat.app.clocks import SystemClock

    return None if home.replayed() else SystemClock().now()


def flush_of(home: Home) -> Callable[[], object]:
    """Stores what a running recorder has acknowledged; nothing while none runs."""
    from homeostat.kernel.errors import NotFound

    try:
        recorder = home.running().recorder_socket
    except NotFound:
        return lambda: None
    from homeostat.app.recorder.blocking import BlockingRecorderClient

    return BlockingRecorderClient(recorder).flush


def person() -> str:
    """Whoever gives the command, as the ledger shall name them."""
    from homeostat.app.loops.authors import person_here

    return person_here(Path.cwd())
