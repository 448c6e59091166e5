"""Contracts of a home: recorded when they come into force, refused where something live depends on what they break."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.home import Home, write_whole
from homeostat.app.versions.manifests import Manifests
from homeostat.control.loop import Loop
from homeostat.data.contract_changes import Change, Contract, Judged
from homeostat.data.contract_history import ContractHistory, Reader
from homeostat.data.tables import Table
from homeostat.features.views import describe
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import IntegrityError, InvalidInput, Refused

Live = Mapping[str, list[tuple[str, tuple[str, ...]]]]


@dataclass(frozen=True, slots=True)
class JudgedContracts:
    """Contracts that may come into force, and what each of them changes; nothing is recorded yet."""

    home: Home
    loops: Mapping[str, Loop]
    found: Sequence[tuple[ContractHistory, Contract, Judged]]

    def record(self, now: Instant) -> list[str]:
        """Put them in force; sentences about what changed. A record that is cut short is taken up at the next start."""
        told = []
        for history, contract, judged in self.found:
            after = history.accept(contract, judged, now)
            for loop in self.loops.values():
                after = after.read_by(loop.name, _readers(loop, contract.table))
            if after != history:
                write_history(self.home, after)
            if history.newest is not None and after.newest is not None and after.newest.number > history.newest.number:
                changes = "; ".join(change.text for change in judged.changes) or "written another way"
                told.append(f"Contract {after.newest.number} of {contract.table!r} is in force: {changes}.")
        return told


def judge_contracts(home: Home, loops: Mapping[str, Loop]) -> JudgedContracts:
    """Compare what is declared with what is in force.

    Raises: Refused naming the dependants when a change breaks what a live version's features read; IntegrityError
    when a recorded contract cannot be read; InvalidInput when two loops promise differently of one table.
    """
    declared = _declared(loops.values())
    live = live_inputs(home, loops)
    found: list[tuple[ContractHistory, Contract, Judged]] = []
    for name, table in declared.items():
        history, contract = read_history(home, name), Contract.of(table)
        found.append((history, contract, history.judge(contract, live)))
    _refuse_dropped_tables(home, declared, live)
    _refuse([(contract.table, change) for _, contract, judged in found for change in judged.refused])
    return JudgedContracts(home, loops, found)


def read_history(home: Home, table: str) -> ContractHistory:
    """What is recorded of a table's contract; empty before its first start."""
    path = _path(home, table)
    try:
        return ContractHistory.from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return ContractHistory(table)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"{path} does not say which contracts {table!r} has had.",
            mend="Restore it from a backup. If there is none, remove it: today's contract then counts as the first.",
            file=str(path),
        ) from error


def write_history(home: Home, history: ContractHistory) -> None:
    """Replace a table's record as a whole."""
    home.contracts.mkdir(exist_ok=True)
    write_whole(_path(home, history.table), canonical_json(history.to_json()))


def live_inputs(home: Home, loops: Iterable[str]) -> Live:
    """Per loop its champion, candidate and standby, each with the features that it is given."""
    if not home.control_db.exists():
        return {}
    database, manifests = Database(home.control_db), Manifests(home.versions)
    store = SqlControlStore(database, HeadsFile(home.ledger))
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for loop in loops:
        route = store.state(loop).route
        for name, role in ((route.champion, "champion"), (route.canary, "candidate"), (route.standby, "standby")):
            version = manifests.find(loop, name)
            if version is not None:
                inputs = tuple(feature for feature, _ in version.inputs)
                found.setdefault(loop, []).append((f"{version.id} ({role})", inputs))
    database.close()
    return found


def _declared(loops: Iterable[Loop]) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for table in (table for loop in loops for table in loop.tables):
        known = found.setdefault(table.name, table)
        if Contract.of(known).hash != Contract.of(table).hash:
            mend = "Define the table once, and use that object in every loop."
            raise InvalidInput(f"Two loops promise differently of table {table.name!r}.", mend=mend, table=table.name)
    return found


def _readers(loop: Loop, table: str) -> dict[str, Reader]:
    """The features that a loop computes from a table, each with the columns that decide it."""
    found: dict[str, Reader] = {}
    question = loop.question
    if question.name == table:
        base = (*question.keys, question.event_time)
        for feature in loop.feature_set.selected:
            found[feature.name] = Reader(f"{question.name}[{feature.name!r}]", (*base, feature.name))
    for view in loop.feature_set.views:
        if view.table.name == table:
            columns = (*view.table.keys, view.table.event_time, *view.entity, *view.columns)
            reader = Reader(describe(view), tuple(dict.fromkeys(columns)))
            found.update(dict.fromkeys((feature.name for feature in view.features), reader))
    return found


def _refuse_dropped_tables(home: Home, declared: Mapping[str, Table], live: Live) -> None:
    for path in sorted(home.contracts.glob("*.json")):
        if path.stem in declared:
            continue
        names = tuple(one.name for one in read_history(home, path.stem).dependants(live))
        _refuse([(path.stem, Change((), True, "the table is dropped", names))] if names else [])


def _refuse(found: list[tuple[str, Change]]) -> None:
    if not found:
        return
    texts = [f"{table}: {change.text}, but {_listed(change.dependants)}" for table, change in found]
    raise Refused(
        f"A contract changes in a way that breaks what is live. {' '.join(f'{text}.' for text in texts)}",
        mend="Keep the old promise until no live version is given these features: drop them first and let a version"
        " without them be promoted, or give the changed column a new name.",
        changes=[
            {"table": table, "columns": list(change.columns), "change": change.text, "dependants": change.dependants}
            for table, change in found
        ],
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} {'depends' if len(names) == 1 else 'depend'} on it"


def _path(home: Home, table: str) -> Path:
    return home.contracts / f"{table}.json"
