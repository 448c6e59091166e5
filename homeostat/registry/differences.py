"""What changed between the recorded legs of two versions, leg by leg, down to days, keys, packages and lines."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import format_instant
from homeostat.kernel.words import plural
from homeostat.registry.legs import CodeLeg, ConfigLeg, DataLeg, EnvironmentLeg, Legs, Package, RowsDigest, Tree
from homeostat.registry.variables import Variable

MOST_LINES = 400
"""Lines of one file's difference that are told; how many there are is told of all."""
_NAMED = 8
_MOST_PAIRS = 100
Contents = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. ``before`` and ``after`` are JSON values, None where it is absent there.

    ``lines`` are those of a text, as a unified difference.
    """

    what: str
    name: str
    before: Any
    after: Any
    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LegDifference:
    """Whether a leg is the same in both; None where one of them did not record it. ``beside`` only explains."""

    equal: bool | None
    changes: tuple[Change, ...] = ()
    beside: tuple[Change, ...] = ()


def differences(before: Legs, after: Legs, contents: tuple[Contents, Contents] = ({}, {})) -> dict[str, LegDifference]:
    """By leg. ``contents`` are those of the two archives of code, for the lines that changed."""
    return {
        "code": _code(before.code, after.code, *contents),
        "data": _leg(before.data, after.data, _data),
        "config": _leg(before.config, after.config, _config),
        "environment": _leg(before.environment, after.environment, _environment),
    }


def _leg(before: Any, after: Any, told: Callable[[Any, Any], Iterator[Change]]) -> LegDifference:
    if before is None or after is None:
        return LegDifference(None)
    found = tuple(told(before, after))
    return LegDifference(not found, found)


def _code(before: CodeLeg | None, after: CodeLeg | None, then: Contents, now: Contents) -> LegDifference:
    if before is None or after is None:
        return LegDifference(None)
    beside = tuple(_trees(before.tree, after.tree))
    if before.hash == after.hash:
        return LegDifference(True, (), beside)
    old, new = ({one.path: one.sha256 for one in leg.files} for leg in (before, after))
    moved = _moved(old, new, then, now)
    changes = [
        _file(path, old.get(path), new.get(moved.get(path, path)), then, now, moved.get(path))
        for path in _differing(old, new)
        if path not in moved.values()
    ]
    if before.train != after.train:
        names = f"{before.function} became {after.function}" if before.function != after.function else before.function
        changes.append(Change("function", after.function, before.train, after.train, f"training function {names}"))
    return LegDifference(False, tuple(changes), beside)


def _moved(old: Mapping[str, str], new: Mapping[str, str], then: Contents, now: Contents) -> dict[str, str]:
    """Where files went whose old path is gone: to a new path that holds most of the same lines."""
    gone, came = (sorted(one.keys() - other.keys()) for one, other in ((old, new), (new, old)))
    found: dict[str, str] = {}
    if len(gone) * len(came) <= _MOST_PAIRS:
        alike = {(a, b): _alike(_lines(then, old[a]), _lines(now, new[b])) for a in gone for b in came}
        for (path, place), share in sorted(alike.items(), key=lambda one: -one[1]):
            if share > 0.5 and path not in found and place not in found.values():
                found[path] = place
    return found


def _alike(old: list[str] | None, new: list[str] | None) -> float:
    return difflib.SequenceMatcher(None, old, new, autojunk=False).ratio() if old and new else 0.0


def _file(
    path: str, before: str | None, after: str | None, then: Contents, now: Contents, place: str | None = None
) -> Change:
    """One file; ``place`` is where it went, if it did."""
    old, new = _lines(then, before), _lines(now, after)
    told = f"{path} {_how(before, after)}" if place is None else f"{path} became {place}"
    if old is None or new is None:
        return Change("file", path, before, after, told)
    lines = list(difflib.unified_diff(old, new, f"{path} before", f"{place or path} after", lineterm="", n=2))
    added = sum(line.startswith("+") for line in lines[2:])
    removed = sum(line.startswith("-") for line in lines[2:])
    text = f"{told}: {plural(added, 'line')} added, {removed} removed"
    return Change("file", path, before, after, text, tuple(lines[:MOST_LINES]))


def _lines(contents: Contents, name: str | None) -> list[str] | None:
    """The lines of a text; none of a file that is absent, None where its content is not kept or is no text."""
    if name is None:
        return []
    try:
        return contents[name].decode().splitlines()
    except (KeyError, UnicodeDecodeError):
        return None


def _trees(before: Tree | None, after: Tree | None) -> Iterator[Change]:
    old, new = (_tree(one) for one in (before, after))
    if old != new:
        yield Change("commit", "tree", plain(before), plain(after), f"{old} became {new}")


def _tree(tree: Tree | None) -> str:
    if tree is None:
        return "a folder without git"
    return f"{'a dirty tree on ' if tree.dirty else ''}commit {(tree.commit or 'none')[:12]}"


def _data(before: DataLeg, after: DataLeg) -> Iterator[Change]:
    yield from _values("table", before.table_versions, after.table_versions, lambda name: f"table {name}")
    yield from _values("definition", before.definitions, after.definitions, lambda name: f"definition {name}", 12)
    feedback = (before.feedback or {}, after.feedback or {})
    yield from _values("feedback", *feedback, lambda name: f"feedback: {name}")
    yield from _values("label", before.label, after.label, lambda name: f"label: {name}")
    if before.sequence != after.sequence:
        text = f"facts known up to sequence {before.sequence:,} became {after.sequence:,}"
        yield Change("sequence", "sequence", before.sequence, after.sequence, text)
    for name in ("since", "cutoff", "as_of", "held_out_from"):
        old, new = (_instant(getattr(one, name)) for one in (before, after))
        if old != new:
            yield Change("span", name, old, new, f"{name.replace('_', ' ')}: {old} became {new}")
    yield from _rows(before.trained_on, after.trained_on)


def _rows(before: RowsDigest, after: RowsDigest) -> Iterator[Change]:
    """Rows by day: which came, went or changed; with as many rows as before, also in which columns."""
    if before.hash == after.hash and before.rows == after.rows:
        return
    added = removed = 0
    days = _differing(before.days, after.days)
    changed = []
    for day in days:
        old, new = (one.days.get(day, (0, ""))[0] for one in (before, after))
        added, removed = added + max(0, new - old), removed + max(0, old - new)
        changed += [day] if old == new else []
    name = _span(days)
    text = f"rows: {before.rows:,} became {after.rows:,}; {added:,} added, {removed:,} removed, {name}"
    if changed:
        text += f"; {_span(changed)}, as many as before, but not the same"
    yield Change("rows", name, before.rows, after.rows, text)
    if before.rows == after.rows:
        for column in _differing(before.columns, after.columns):
            old_word, new_word = before.columns.get(column), after.columns.get(column)
            yield Change("column", column, old_word, new_word, f"column {column} {_how(old_word, new_word)}")


def _span(days: list[str]) -> str:
    return {0: "on no day", 1: f"on {days[0] if days else ''}"}.get(
        len(days), f"on {plural(len(days), 'day')} from {min(days, default='')} to {max(days, default='')}"
    )


def _config(before: ConfigLeg, after: ConfigLeg) -> Iterator[Change]:
    for part, what in (("parameters", "parameter"), ("seeds", "seed"), ("loop", "declaration")):
        old, new = (dict(_flat(getattr(one, part))) for one in (before, after))
        yield from _values(what, old, new, lambda name, what=what: f"{what} {name}")  # type: ignore[misc]
    old, new = (dict(_flat(one.variant or {})) for one in (before, after))
    yield from _values("variant", old, new, lambda name: f"variant: {name}")


def _environment(before: EnvironmentLeg, after: EnvironmentLeg) -> Iterator[Change]:
    """What older releases did not record is not held against a version."""
    if before.python.split()[-1] != after.python.split()[-1]:
        text = f"Python {before.python} became {after.python}"
        yield Change("python", "python", before.python, after.python, text)
    for part in ("platform", "processor", "threads"):
        old, new = getattr(before, part), getattr(after, part)
        if old and new:
            names = {*old} & {*new} if part == "platform" else {*old, *new}
            was, came = ({name: one.get(name) for name in names} for one in (old, new))
            yield from _values(part, was, came, lambda name, part=part: f"{part}: {name}")  # type: ignore[misc]
    if before.variables is not None and after.variables is not None:
        for name in sorted({*before.variables, *after.variables}):
            yield from _variable(name, before.variables.get(name), after.variables.get(name))
    whole = all(any(one.record for one in leg.packages.values()) for leg in (before, after))
    for name in _differing(before.packages, after.packages):
        old_one, new_one = before.packages.get(name), after.packages.get(name)
        if whole or (old_one is not None and new_one is not None and old_one.version != new_one.version):
            yield Change("package", name, plain(old_one), plain(new_one), f"package {_package(name, old_one, new_one)}")


def _variable(name: str, before: Variable | None, after: Variable | None) -> Iterator[Change]:
    """One that only one of the two read is a difference, too: what was not read cannot have been the same."""
    if before is None or after is None:
        told = "is read now, and was not" if before is None else "was read, and is not now"
    elif before.same(after):
        return
    elif not (before.is_set and after.is_set):
        told = "was set, and is not" if before.is_set else "was not set, and is"
    elif before.value is None or after.value is None:
        told = "has another value"
    else:
        told = _change(_short(before.value, 60), _short(after.value, 60))
    yield Change("variable", name, plain(before), plain(after), f"variable {name} {told}")


def _package(name: str, before: Package | None, after: Package | None) -> str:
    if before is not None and after is not None and before.version == after.version:
        return f"{name} {before.version} has other files"
    return f"{name} {_change(*(None if one is None else one.version for one in (before, after)))}"


def _values(
    what: str, before: Mapping[str, Any], after: Mapping[str, Any], named: Callable[[str], str], most: int = 60
) -> Iterator[Change]:
    for name in _differing(before, after):
        old, new = before.get(name), after.get(name)
        if _names(old) and _names(new):
            yield Change(what, name, plain(old), plain(new), f"{named(name)}: {_members(old, new)}")
            continue
        shown = _change(*(None if one is None else _short(one, most) for one in (old, new)))
        yield Change(what, name, plain(old), plain(new), f"{named(name)} {shown}")


def _names(value: Any) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _members(before: Sequence[str], after: Sequence[str]) -> str:
    """What of a list went and what came: the instruction sets that only one of two processors has, such as."""
    told = [
        f"{_few(names)} {'was' if len(names) == 1 else 'were'} {how}"
        for names, how in (
            ([one for one in before if one not in after], "removed"),
            ([one for one in after if one not in before], "added"),
        )
        if names
    ]
    return "; ".join(told) or "in another order"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested values by path, so that a change is told by its key."""
    if isinstance(value, Mapping) and value:
        for name, one in value.items():
            yield from _flat(one, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value):
        for place, one in enumerate(value):
            yield from _flat(one, f"{path}[{place}]")
    elif path:
        yield path, value


def _how(before: Any, after: Any) -> str:
    if before is None:
        return "was added"
    return "was removed" if after is None else "changed"


def _change(before: str | None, after: str | None) -> str:
    if before is None:
        return f"{after} was added"
    return f"{before} was removed" if after is None else f"{before} became {after}"


def _short(value: Any, most: int) -> str:
    text = value if isinstance(value, str) else str(plain(value))
    return text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def _instant(value: int | None) -> str:
    return "the beginning" if value is None else format_instant(value)
