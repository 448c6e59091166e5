"""The contracts that a table has had, as a home keeps them, and which features have read which of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from homeostat.data.contract_changes import Contract, Dependant, Judged, judge_contract_change
from homeostat.kernel.clock import Instant


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """A contract that came into force; ``changes`` say what differed from the one before."""

    number: int
    since: Instant
    contract: Contract
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """A feature as it was defined when last seen: by which definition, reading which columns of the table."""

    definition: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContractHistory:
    """Every version of one table's contract, oldest first.

    ``readers`` are by loop and feature; a feature that is no longer defined stays, since a live version may still
    be given it.
    """

    table: str
    versions: tuple[ContractVersion, ...] = ()
    readers: Mapping[str, Mapping[str, Reader]] = field(default_factory=dict)

    @property
    def newest(self) -> ContractVersion | None:
        """The version in force; None before the first."""
        return self.versions[-1] if self.versions else None

    def judge(self, contract: Contract, live: Mapping[str, Iterable[tuple[str, Iterable[str]]]]) -> Judged:
        """What it would mean to put ``contract`` in force while ``live`` versions, by loop with their inputs, serve."""
        if self.newest is None:
            return Judged(())
        return judge_contract_change(self.newest.contract, contract, self.dependants(live))

    def dependants(self, live: Mapping[str, Iterable[tuple[str, Iterable[str]]]]) -> list[Dependant]:
        """What live versions are given out of the table, one for each definition."""
        found = []
        for loop, versions in live.items():
            readers = self.readers.get(loop, {})
            for version, inputs in versions:
                columns: dict[str, set[str]] = {}
                for one in (readers[name] for name in inputs if name in readers):
                    columns.setdefault(one.definition, set()).update(one.columns)
                found += [Dependant(f"{version}: {text}", frozenset(read)) for text, read in columns.items()]
        return found

    def accept(self, contract: Contract, judged: Judged, now: Instant) -> ContractHistory:
        """The history with ``contract`` in force; unchanged when it is already."""
        newest = self.newest
        if newest is not None and newest.contract.hash == contract.hash:
            return self
        number = 1 if newest is None else newest.number + 1
        version = ContractVersion(number, now, contract, tuple(change.text for change in judged.changes))
        return replace(self, versions=(*self.versions, version))

    def read_by(self, loop: str, readers: Mapping[str, Reader]) -> ContractHistory:
        """The history with a loop's features as they are defined now."""
        return replace(self, readers={**self.readers, loop: {**self.readers.get(loop, {}), **readers}})

    def to_json(self) -> dict[str, Any]:
        """JSON values; ``from_json`` reads them back."""
        return {
            "table": self.table,
            "versions": [
                {
                    "version": one.number,
                    "since": one.since,
                    "hash": one.contract.hash,
                    "contract": one.contract.to_json(),
                    "changes": list(one.changes),
                }
                for one in self.versions
            ],
            "readers": {
                loop: {name: {"definition": r.definition, "columns": list(r.columns)} for name, r in readers.items()}
                for loop, readers in self.readers.items()
            },
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ContractHistory:
        """Read what ``to_json`` gave; raises KeyError or TypeError where a part is missing."""
        versions = tuple(
            ContractVersion(one["version"], one["since"], Contract.from_json(one["contract"]), tuple(one["changes"]))
            for one in values["versions"]
        )
        readers = {
            loop: {name: Reader(r["definition"], tuple(r["columns"])) for name, r in readers.items()}
            for loop, readers in values["readers"].items()
        }
        return cls(values["table"], versions, readers)
