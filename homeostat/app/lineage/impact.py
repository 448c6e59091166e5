"""What a table, a definition or a version has gone into: versions, what they answered, and who reads that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc

from homeostat.app.lineage.depends import Lineage
from homeostat.app.lineage.graph import tables_read
from homeostat.app.lineage.targets import Target, TargetKind, target_of
from homeostat.data.tables import SEQUENCE
from homeostat.features.defined import QUESTION, Definition
from homeostat.registry.models import Version

Json = dict[str, Any]


@dataclass(slots=True)
class Affected:
    """A version that depends on something, why it does, and the predictions concerned, by arm."""

    loop: str
    version: str
    state: str | None
    because: list[str]
    predictions: list[Json] = field(default_factory=list)


def impact(lineage: Lineage, text: str, loop: str | None = None) -> Json:
    """What depends on what ``text`` names, within one loop or all. Raises: NotFound, InvalidInput."""
    loops = list(lineage.loops) if loop is None else [lineage.loop(loop).name]
    target = target_of(text, *_names(lineage, loops), *_parts(lineage, loops))
    of = _OF[target.kind]
    affected = [one for each in loops for one in of(lineage, each, target)]
    named = target.name if target.version is None else f"{target.name}@{target.version}"
    return {"of": {"kind": target.kind, "name": named}, **summed(lineage, affected)}


def summed(lineage: Lineage, affected: Sequence[Affected]) -> Json:
    """Versions with their predictions, all predictions together, and who reads them."""
    answered = [one for each in affected for one in each.predictions]
    touched = {one.loop for one in affected if one.predictions}
    return {
        "versions": [
            {"loop": one.loop, "version": one.version, "state": one.state, "because": one.because}
            | {"predictions": one.predictions}
            for one in affected
        ],
        "predictions": {
            "count": sum(one["predictions"] for one in answered),
            "first": min((one["first"] for one in answered), default=None),
            "last": max((one["last"] for one in answered), default=None),
        },
        "consumers": [
            {"loop": one.loop, "consumer": one.name, "contact": one.contact, "needs": list(one.needs)}
            for name in sorted(touched)
            for one in lineage.readers(name)
        ],
    }


def _names(lineage: Lineage, loops: Sequence[str]) -> tuple[set[str], set[str], dict[str, list[str]]]:
    """Tables, definitions and versions, of now and of every version that is here."""
    tables = {table.name for name in loops for table in lineage.loops[name].tables}
    views = {one for name in loops for one in lineage.loops[name].feature_set.definitions}
    versions = {name: list({*lineage.versions(name), *lineage.store.state(name).versions}) for name in loops}
    for name in loops:
        for found in lineage.versions(name).values():
            tables |= set(found.pin.table_versions)
            views |= set(found.definitions)
    return tables, views - {QUESTION}, versions


def _parts(lineage: Lineage, loops: Sequence[str]) -> tuple[set[str], set[str]]:
    """Features and columns that some version reads, or that the loop files read now."""
    features, columns = set[str](), set[str]()
    for name in loops:
        loop = lineage.loops[name]
        features |= set(loop.feature_set.names)
        columns |= {f"{loop.label.table.name}.{one}" for one in loop.label.columns}
        versions = list(lineage.versions(name).values())
        for definitions in (loop.feature_set.definitions, *(one.definitions for one in versions)):
            columns |= {f"{table}.{one}" for each in definitions.values() for table, one in columns_read(each)}
        features |= {feature for one in versions for feature, _ in one.inputs}
    return features, columns


def columns_read(one: Definition) -> Iterator[tuple[str, str]]:
    """The columns that a definition reads, each with its table; a transform reads features."""
    table = one.meaning if one.kind == "question" else one.meaning.get("table")
    if table is not None and one.kind != "transform":
        yield from ((str(table["name"]), str(column)) for column in table["contract"])


def roles(lineage: Lineage, loop: str, version: Version, table: str) -> list[str]:
    """What a version read of a table when it was trained, in words; its label's table as the loop file has it now."""
    reading = [name for name, tables in tables_read(version).items() if table in tables]
    found = ["questions" if name == QUESTION else f"view {name}" for name in reading]
    if lineage.loops[loop].label.table.name == table:
        found.append("labels")
    return found or ["its definitions were not kept"] * (not version.definitions)


def _of_table(lineage: Lineage, loop: str, target: Target) -> Iterator[Affected]:
    first = None if target.version is None else _first_sequence(lineage, target.name, target.version)
    for name, found in lineage.versions(loop).items():
        pinned = found.pin.table_versions.get(target.name)
        read = roles(lineage, loop, found, target.name)
        if pinned is None or not read:
            continue
        made = Affected(loop, name, lineage.standing(loop, name), [])
        if first is None or (target.version is not None and pinned >= target.version):
            made.because.append(f"trained on {target.name}@{pinned}: {', '.join(read)}")
            made.predictions = _by(lineage.usage.of(loop), name)
        elif any(one.startswith("view") for one in read):
            made.because.append(f"answered from features made of what came with {target.name}@{target.version}")
            where = (pc.field("version") == name) & (pc.field("read_sequence") >= first)
            made.predictions = lineage.usage.of(loop, where)
        if made.because and (made.predictions or made.because[0].startswith("trained")):
            yield made


def _first_sequence(lineage: Lineage, table: str, version: int) -> int:
    """The sequence of the first fact that came with a version of a table. Raises: NotFound without such a version."""
    lineage.tables.scan(table, version)
    if version == 0:
        return 0
    before = lineage.tables.read(table, version=version - 1, columns=[SEQUENCE])
    newest: int | None = pc.max(before[SEQUENCE]).as_py()
    return 0 if newest is None else newest + 1


def _of_view(lineage: Lineage, loop: str, target: Target) -> Iterator[Affected]:
    present = lineage.loops[loop].feature_set.definitions.get(target.name)
    for name, found in lineage.versions(loop).items():
        one = found.definitions.get(target.name)
        if one is None:
            continue
        same = present is not None and present.hash == one.hash
        told = f"trained with {target.name} {one.hash[:8]}, {'as it is now' if same else 'not as it is now'}"
        used = _by(lineage.usage.of(loop), name)
        yield Affected(loop, name, lineage.standing(loop, name), [told], used)


def _of_feature(lineage: Lineage, loop: str, target: Target) -> Iterator[Affected]:
    for name, found in lineage.versions(loop).items():
        if target.name not in dict(found.inputs):
            continue
        made = (view for view, one in found.definitions.items() if target.name in one.meaning.get("features", ()))
        computed = target.name in found.definitions
        question = found.definitions[QUESTION].meaning["name"] if QUESTION in found.definitions else "the question"
        of = next((f"view {view}" for view in made), "a transform" if computed else f"a column of {question}")
        used = _by(lineage.usage.of(loop), name)
        yield Affected(loop, name, lineage.standing(loop, name), [f"trained with {target.name}: {of}"], used)


def _of_column(lineage: Lineage, loop: str, target: Target) -> Iterator[Affected]:
    table, _, column = target.name.partition(".")
    label = lineage.loops[loop].label
    for name, found in lineage.versions(loop).items():
        reading = [view for view, one in found.definitions.items() if (table, column) in columns_read(one)]
        read = ["questions" if one == QUESTION else f"view {one}" for one in reading]
        read += ["labels"] * (label.table.name == table and column in label.columns)
        if read and table in found.pin.table_versions:
            told = f"trained on {column} of {table}@{found.pin.table_versions[table]}: {', '.join(read)}"
            used = _by(lineage.usage.of(loop), name)
            yield Affected(loop, name, lineage.standing(loop, name), [told], used)


def _of_version(lineage: Lineage, loop: str, target: Target) -> Iterator[Affected]:
    if target.loop != loop:
        return
    used, here = lineage.usage.of(loop), lineage.versions(loop)
    if target.name not in here:
        told = "itself; its folder is not here"
        yield Affected(loop, target.name, lineage.standing(loop, target.name), [told], _by(used, target.name))
    for name, found in here.items():
        of = found.variant.of if found.variant else None
        why = "itself" if name == target.name else f"made of {of}" if of == target.name else None
        if why is not None:
            yield Affected(loop, name, lineage.standing(loop, name), [why], _by(used, name))


def _by(usage: Sequence[Json], version: str) -> list[Json]:
    return [one for one in usage if one["version"] == version]


_OF: Mapping[TargetKind, Callable[[Lineage, str, Target], Iterator[Affected]]] = {
    "table": _of_table,
    "column": _of_column,
    "view": _of_view,
    "feature": _of_feature,
    "version": _of_version,
}
