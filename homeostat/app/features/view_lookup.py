"""What people ask of feature views: which there are, who uses them, and what they say of an entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.clocks import SystemClock
from homeostat.app.loops.loader import load_loop, load_loops
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.versions.manifests import Manifests
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column, Value
from homeostat.data.tables import KNOWN_AT, Table
from homeostat.data.weights import ONE_IN, WEIGHT, evened
from homeostat.features.definitions import FeatureSet, feature_set
from homeostat.features.offline import ASKED_AT, InMemoryEngine, columns_read
from homeostat.features.online import lookup
from homeostat.features.parity import compare
from homeostat.features.views import View
from homeostat.kernel.clock import Instant, duration, format_instant, parse_instant
from homeostat.kernel.errors import InvalidInput, NotEnoughData, NotFound
from homeostat.registry.models import Version

Json = dict[str, Any]
RECENT = duration("7d")
"""How far back the share of missing values is counted."""
_ARROW = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}


def listed_views(settings: Settings, loop: str | None) -> list[Json]:
    """Every view of every loop, or of one, in the order declared."""
    loops = load_loops(settings.loop_file).values() if loop is None else [load_loop(settings.loop_file, loop)]
    return [view for one in loops for view in _views(settings, one)]


def _views(settings: Settings, loop: Loop) -> Iterator[Json]:
    missing = _missing(settings, loop)
    versions = list(Manifests(settings.paths.versions).all(loop.name).values())
    for view in loop.feature_set.views:
        shares = {feature.name: missing.get(feature.name) for feature in view.features}
        known = [share for share in shares.values() if share is not None]
        yield {
            "loop": loop.name,
            "view": view.name,
            "kind": type(view).__name__.lower(),
            "table": view.table.name,
            "entity": list(view.entity),
            "hash": view.hash,
            "freshness": view.freshness or view.table.freshness,
            "versions": sorted(using(versions, view), key=lambda name: (len(name), name)),
            "missing": sum(known) / len(known) if known else None,
            "features": [{"feature": name, "missing": share} for name, share in shares.items()],
        }


def using(versions: Iterable[Version], view: View) -> list[str]:
    """Versions that were trained with exactly this definition."""
    return [
        one.version for one in versions if view.name in one.definitions and one.definitions[view.name].hash == view.hash
    ]


def _missing(settings: Settings, loop: Loop) -> dict[str, float]:
    """Per feature the share of the last seven days' predictions that were served without it."""
    log = DeltaTables(settings.paths.log)
    if log.version(loop.name) < 0:
        return {}
    served = log.read(loop.name, columns=["served_at"])["served_at"]
    if not len(served):
        return {}
    begins = pa.scalar(pc.max(served).cast(pa.int64()).as_py() - RECENT, pa.timestamp("us", tz="UTC"))
    names = {f"x_{name}": name for name in loop.feature_set.names}
    weighing = [name for name in ("prediction_id", WEIGHT, ONE_IN) if name in log.columns(loop.name)]
    rows, _ = evened(
        log.read(loop.name, columns=[*names, *weighing], where=(pc.field("served_at") > begins) & ANSWERED)
    )
    if not rows.num_rows:
        return {}
    return {name: rows[stored].null_count / rows.num_rows for stored, name in names.items()}


def looked_up(settings: Settings, loop: str | None, view: str, entity: Sequence[str], at: str | None) -> Json:
    """One entity's features, online and offline, at one time and of the same facts.

    Raises: NotFound for no such view; InvalidInput for keys or a time that cannot be read; Unavailable when the
    online store is not there.
    """
    found = load_loop(settings.loop_file, loop)
    chosen = _view(found, view)
    keys = _keys(chosen, entity)
    _flush(settings)
    tables = {chosen.table.name: _facts(settings, found, chosen)}
    asked_at = parse_instant(at) if at is not None else _present(settings, tables[chosen.table.name])
    features = feature_set(found.question, [chosen])
    row: dict[str, Value] = {**dict.fromkeys(found.question.contract), **keys}
    online, sequence, past = _online(settings, features, row, asked_at)
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
    settings: Settings, features: FeatureSet, row: Mapping[str, Value], at: Instant
) -> tuple[Sequence[Sequence[Value]], int, str | None]:
    """What is served as of a time, and the sequence read at; nothing, and why, where it is kept no longer."""
    reader = SqliteOnlineReader(settings.home / "online.sqlite")
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


def _flush(settings: Settings) -> None:
    """Have everything acknowledged stored, so that offline knows what online knows."""
    try:
        running = settings.paths.running()
    except NotFound:
        return  # a recorder that stopped has stored everything
    client = BlockingRecorderClient(running.recorder_socket)
    try:
        client.flush()
    finally:
        client.close()


def _facts(settings: Settings, loop: Loop, view: View) -> pa.Table:
    store = DeltaTables(settings.paths.tables)
    features = feature_set(loop.question, [view])
    if store.version(view.table.name) >= 0:
        return store.read(view.table.name, columns=[*columns_read(features, view.table), KNOWN_AT])
    empty = {name: pa.array([], _ARROW[column.kind]) for name, column in view.table.contract.items()}
    return pa.table({**empty, "_sequence": pa.array([], pa.int64()), KNOWN_AT: pa.array([], _ARROW["instant"])})


def _present(settings: Settings, facts: pa.Table) -> Instant:
    """Now; in a replay, when the newest fact of the table was known."""
    if settings.clock == "system":
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
