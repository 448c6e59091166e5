"""The lineage of one version as a graph, from the tables that it was trained on to who reads its predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homeostat.app.lineage.decisions import GATE, MADE, shown
from homeostat.app.lineage.versions import pin_of
from homeostat.features.defined import QUESTION, Definition
from homeostat.governance.audit import Entry
from homeostat.governance.consumers import Consumer
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import format_instant
from homeostat.kernel.words import plural
from homeostat.registry.lineage import Edge, Graph, Node
from homeostat.registry.models import Version

Json = dict[str, Any]
VERSION, TRAINING_SET = "version", "training_set"
_LEGS = ("code", "config", "environment")
_OPENS = {"champion": ("promote",), "canary": ("canary",)}
_MOST_DECISIONS = 12


def graph_of(
    version: Version, *, label: str | None, entries: Sequence[Entry], usage: Sequence[Json], readers: Sequence[Consumer]
) -> Graph:
    """From the tables that it was trained on to those who read what it answered.

    ``label`` is the table of the loop's label, ``usage`` what was answered, by version and arm, ``readers`` the loop's
    registered consumers. Of many decisions about it the last are drawn.
    """
    decisions = [one for one in entries if one.draft.version == version.version and one.draft.kind not in MADE]
    decisions = decisions[-_MOST_DECISIONS:]
    answered = [one for one in usage if one["version"] == version.version]
    nodes = [
        *_tables(version),
        *_definitions(version),
        *_made_of(version),
        *(Node(_decision(one), "decision", one.draft.title, {"decision": shown(one)}) for one in decisions),
        *(_predictions(one) for one in answered),
        *(Node(f"consumer:{one.name}", "consumer", one.name, _reader(one)) for one in readers),
    ]
    edges = [
        *_read(version, label),
        *_decided(decisions),
        *_answered(answered, decisions),
        *_readers(readers, answered),
    ]
    return Graph(tuple(nodes), tuple(edges))


def tables_read(version: Version) -> dict[str, list[str]]:
    """By definition, the tables that it reads; a transform reads none."""
    return {name: [] if one.kind == "transform" else [_table_of(one)] for name, one in version.definitions.items()}


def _table_of(one: Definition) -> str:
    return str(one.meaning["name"] if one.kind == "question" else one.meaning["table"]["name"])


def _tables(version: Version) -> Iterator[Node]:
    for table, number in version.pin.table_versions.items():
        yield Node(_table(version, table), "table", f"{table}@{number}", {"table": table, "version": number})


def _table(version: Version, table: str) -> str:
    return f"table:{table}@{version.pin.table_versions[table]}"


def _definitions(version: Version) -> Iterator[Node]:
    for name, one in version.definitions.items():
        facts = {"kind": one.kind, "hash": one.hash, "meaning": plain(one.meaning)}
        yield Node(f"definition:{name}", "definition", name, facts)


def _made_of(version: Version) -> Iterator[Node]:
    pin = pin_of(version.pin)
    yield Node(TRAINING_SET, "training_set", plural(version.pin.rows, "row"), {**pin, "hash": version.fingerprint.data})
    for leg in _LEGS:
        value = getattr(version.fingerprint, leg)
        yield Node(f"leg:{leg}", "leg", f"{leg} {value[:8]}", {"leg": leg, "hash": value})
    if version.variant is not None:
        yield Node(f"version:{version.variant.of}", "version", version.variant.of, {"version": version.variant.of})
    made = {"created_at": format_instant(version.created_at), "runtime": version.runtime}
    facts = {"version": version.version, **made, "fingerprint": plain(version.fingerprint)}
    yield Node(VERSION, "version", version.version, {**facts, "promise": dict(version.promise)})


def _predictions(one: Json) -> Node:
    return Node(f"predictions:{one['arm']}", "predictions", f"{one['predictions']:,} as {one['arm']}", one)


def _reader(one: Consumer) -> Json:
    return {"contact": one.contact, "needs": list(one.needs), "since": format_instant(one.since)}


def _decision(entry: Entry) -> str:
    return f"decision:{entry.seq}"


def _read(version: Version, label: str | None) -> Iterator[Edge]:
    givers = _givers(version.definitions)
    pinned = version.pin.table_versions
    for name, tables in tables_read(version).items():
        yield from (Edge(_table(version, one), f"definition:{name}", "reads") for one in tables if one in pinned)
        takes = version.definitions[name].meaning.get("takes", ())
        sources = dict.fromkeys(givers.get(one, QUESTION) for one in takes)
        yield from (Edge(f"definition:{one}", f"definition:{name}", "takes") for one in sources if one != name)
        yield Edge(f"definition:{name}", TRAINING_SET, "has features of")
    read = {one for tables in tables_read(version).values() for one in tables}
    for table in pinned:
        if table == label or table not in read:
            yield Edge(_table(version, table), TRAINING_SET, "has labels of" if table == label else "is pinned to")
    yield Edge(TRAINING_SET, VERSION, "was trained on")
    yield from (Edge(f"leg:{leg}", VERSION, "was made with") for leg in _LEGS)
    if version.variant is not None:
        yield Edge(f"version:{version.variant.of}", VERSION, "was quantised from")


def _givers(definitions: Mapping[str, Definition]) -> dict[str, str]:
    """Which view or transform gives a feature; what none gives is the question's own column."""
    found = {name: name for name, one in definitions.items() if one.kind == "transform"}
    for name, one in definitions.items():
        found |= dict.fromkeys(one.meaning.get("features", ()), name)
    return found


def _decided(decisions: Sequence[Entry]) -> Iterator[Edge]:
    """One after the other, as they were taken."""
    before = VERSION
    for one in decisions:
        yield Edge(before, _decision(one), "judges" if one.draft.kind in GATE else "follows")
        before = _decision(one)


def _answered(usage: Sequence[Json], decisions: Sequence[Entry]) -> Iterator[Edge]:
    for one in usage:
        kinds = _OPENS.get(one["arm"], ())
        opened = next((_decision(each) for each in decisions if each.draft.kind in kinds), VERSION)
        yield Edge(opened, f"predictions:{one['arm']}", "were answered under")


def _readers(readers: Sequence[Consumer], usage: Sequence[Json]) -> Iterator[Edge]:
    given = [f"predictions:{one['arm']}" for one in usage if one["arm"] not in ("shadow", "pinned")] or [VERSION]
    for reader in readers:
        yield from (Edge(one, f"consumer:{reader.name}", "reads") for one in given)
