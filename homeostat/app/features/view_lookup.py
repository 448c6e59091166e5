"""What feature views say of an entity, online and offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loop
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column, Value
from homeostat.data.tables import KNOWN_AT, Table
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.offline import ASKED_AT, InMemoryEngine, columns_read
from homeostat.features.online import lookup
from homeostat.features.parity import compare
from homeostat.features.views import View
from homeostat.kernel.clock import Instant, format_instant, parse_instant
from homeostat.kernel.errors import InvalidInput, NotEnoughData, NotFound

Json = dict[str, Any]
_ARROW = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}


def looked_up(home: Home, loop: str | None, view: str, entity: Sequence[str], at: str | None) -> Json:
    """One entity's features, online and offline, at one time and of the same facts.

    Raises: NotFound for no such view; InvalidInput for keys or a time that cannot be read; Unavailable when the
    online store is not there.
    """
    found = load_loop(home.loop_file(), loop)
    chosen = _view(found, view)
    keys = _keys(chosen, entity)
    _flush(home)
    tables = {chosen.table.name: _facts(home, found, chosen)}
    asked_at = parse_instant(at) if at is not None else _present(home, tables[chosen.table.name])
    features = feature_set(found.question, [chosen])
    row: dict[str, Value] = {**dict.fromkeys(found.question.contract), **keys}
    online, sequence, past = _online(home, features, row, asked_at)
    answers = InMemoryEngine().answer(features, _question(found.question, row, asked_at, sequence), tables)
    offline = answers.columns
    differing = {one.feature for one in compare(features, online, offline)} if online else set()
    return {
        "view": chosen.name,
        "hash": chosen.hash,
        "entity": {name: keys[name] for name in chosen.entity},
        "at": format_instant(asked_at),
        "sequence": sequence,
        "past": past,
        "heard_of": _heard_of(tables[chosen.table.name], chosen, keys),
        "features": [
            {
                "feature": name,
                "online": online[0][place] if online else None,
                "offline": _plain(offline[name][0]),
                "same": name not in differing if online else None,
                "defaulted": bool(answers.defaulted[name][0]) if name in answers.defaulted else False,
            }
            for place, name in enumerate(features.names)
        ],
    }


def _online(
    home: Home, features: FeatureSet, row: Mapping[str, Value], at: Instant
) -> tuple[Sequence[Sequence[Value]], int, str | None]:
    """What is served as of a time, and the sequence read at; nothing, and why, where it is kept no longer."""
    reader = SqliteOnlineReader(home.root / "online.sqlite")
    try:
        with reader.snapshot() as snapshot:
            try:
                return lookup(features, [row], [at], snapshot).values, snapshot.sequence, None
            except NotEnoughData as error:
                return [], snapshot.sequence, error.problem
    finally:
        reader.close()


def _heard_of(facts: pa.Table, view: View, keys: Mapping[str, Value]) -> bool:
    """Whether any fact is of the entity."""
    for name in view.entity:
        kind = _ARROW[view.table.contract[name].kind]
        facts = facts.filter(pc.equal(facts[name], pa.scalar(keys[name], kind)))
    return bool(facts.num_rows)


def _view(loop: Loop, name: str) -> View:
    views = {view.name: view for view in loop.feature_set.views}
    if name not in views:
        raise NotFound(f"Loop {loop.name!r} has no view {name!r}.", mend=did_you_mean(name, views), view=name)
    return views[name]


def _keys(view: View, given: Sequence[str]) -> dict[str, Value]:
    """The entity's keys as values. Raises: InvalidInput naming the key that is missing, strange or unreadable."""
    texts: dict[str, str] = {}
    wanted = " ".join(f"--entity {name}=..." for name in view.entity)
    for name, equals, text in (one.partition("=") for one in given):
        if not equals or name in texts:
            problem = f"{name!r} is given twice." if equals else f"{name!r} gives no value."
            raise InvalidInput(problem, mend=f"Give {wanted}.", key=name)
        texts[name] = text
    for name in texts:
        if name not in view.entity:
            raise InvalidInput(f"{name!r} is no key of view {view.name!r}.", mend=f"Give {wanted}.", key=name)
    for name in view.entity:
        if name not in texts:
            raise InvalidInput(f"Key {name!r} of view {view.name!r} is missing.", mend=f"Give {wanted}.", key=name)
    return {name: _value(name, text, view.table.contract[name]) for name, text in texts.items()}


def _value(name: str, text: str, column: Column) -> Value:
    if column.kind == "instant":
        return parse_instant(text)
    if column.kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if column.kind == "integer" and text.removeprefix("-").isdecimal():
        return int(text)
    if column.kind == "text":
        return text
    mend = "Write true or false." if column.kind == "boolean" else "Write a whole number."
    raise InvalidInput(f"{text!r} is no {column.kind}, which key {name!r} is.", mend=mend, key=name)


def _flush(home: Home) -> None:
    """Have everything acknowledged stored, so that offline knows what online knows."""
    try:
        running = home.running()
    except NotFound:
        return  # a recorder that stopped has stored everything
    client = BlockingRecorderClient(running.recorder_socket)
    try:
        client.flush()
    finally:
        client.close()


def _facts(home: Home, loop: Loop, view: View) -> pa.Table:
    store = DeltaTables(home.tables)
    features = feature_set(loop.question, [view])
    if store.version(view.table.name) >= 0:
        return store.read(view.table.name, columns=[*columns_read(features, view.table), KNOWN_AT])
    empty = {name: pa.array([], _ARROW[column.kind]) for name, column in view.table.contract.items()}
    return pa.table({**empty, "_sequence": pa.array([], pa.int64()), KNOWN_AT: pa.array([], _ARROW["instant"])})


def _present(home: Home, facts: pa.Table) -> Instant:
    """Now; in a replay, when the newest fact of the table was known."""
    if not home.replayed():
        return SystemClock().now()
    newest = pc.max(facts[KNOWN_AT].cast(pa.int64())).as_py()
    if newest is None:
        raise InvalidInput("The replay has told no time yet.", mend="Say as of when with --at.")
    return int(newest)


def _question(question: Table, row: Mapping[str, Value], at: Instant, sequence: int) -> pa.Table:
    columns = {name: pa.array([row[name]], _ARROW[column.kind]) for name, column in question.contract.items()}
    return pa.table({**columns, ASKED_AT: pa.array([at], pa.int64()), "_sequence": pa.array([sequence], pa.int64())})


def _plain(value: Any) -> Value:
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else float(value)
