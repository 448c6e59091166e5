"""Tables: append-only records of events, and the port behind which they are stored."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column, Value
from homeostat.data.rules import Rule, check_rules
from homeostat.kernel.clock import Duration, Instant, duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.places import at_place, place_of_caller

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

SEQUENCE = "_sequence"
"""Stored column: the global order in which facts were accepted."""
KNOWN_AT = "_known_at"
"""Stored column: the present when the fact was accepted."""
IMPORTED = "_imported"
"""Stored column: true where the known time was declared by an import of history, else null."""
POSITION = "_position"
"""Stored column of a prediction log: the order in which predictions were recorded."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Names of tables and columns: safe as a folder, a column and an identifier."""


@dataclass(frozen=True)
class Table:
    """Names a stream of events and what each of them promises.

    ``key`` identifies a fact: a later fact with the same key supersedes the earlier one. ``event_time`` is
    the instant column that says when it happened. ``freshness`` is the longest silence that is still normal.
    ``event_id`` is a column in which the producer numbers its events: one id counts once, whatever comes with
    it. Without, a row is known by its content, and what a key said before is news again once ``retries`` have
    passed since it was said. ``ahead`` is how far a producer's clock may run ahead of ours. ``now_by_default`` takes
    an event time that is left out for the present; it then does not tell a row from its retry.
    ``rules`` are promises across columns and of whole batches: ``rule``, ``unique``, ``batch_mean`` and their like.
    Raises: InvalidInput when a part does not fit the contract.

    >>> from homeostat.data.contracts import instant, text
    >>> table = Table("seen", key="id", event_time="at", contract={"id": text(), "at": instant()})
    >>> table.key_of({"id": "a", "at": 0})
    '["a"]'
    """

    name: str
    key: str | tuple[str, ...]
    event_time: str
    contract: Mapping[str, Column]
    freshness: str | None = None
    event_id: str | None = None
    retries: str = "1h"
    ahead: str = "5m"
    rules: Sequence[Rule] = ()
    now_by_default: bool = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidInput(
                f"{self.name!r} cannot name a table.",
                mend="Use small letters, digits and '_', beginning with a letter, at most 63.",
            )
        self._check_contract()
        self._check_key()
        event_time = self._column(self.event_time, "event_time")
        if event_time.kind != "instant" or event_time.nullable:
            mend = f"Declare {self.event_time!r} as instant(), not nullable."
            raise InvalidInput(f"Event time {self.event_time!r} of {self.name!r} is no instant.", mend=mend)
        for part in ("freshness", "retries", "ahead"):
            self._check_duration(part)
        if self.event_id is not None:
            self._check_event_id(self.event_id)
        object.__setattr__(self, "rules", tuple(self.rules))
        check_rules(self, self.rules)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key's columns, in order."""
        return (self.key,) if isinstance(self.key, str) else tuple(self.key)

    @cached_property
    def tolerance(self) -> Duration:
        """Microseconds by which a producer's clock may run ahead of ours."""
        return duration(self.ahead)

    def key_of(self, row: Mapping[str, Value]) -> str:
        """The key of a parsed row as JSON text: equal texts mean the same fact."""
        return msgspec.json.encode([row[name] for name in self.keys]).decode()

    def __getitem__(self, names: str | tuple[str, ...]) -> Selection:
        """Take columns of the asking row itself as features: ``departures["carrier", "dest"]``."""
        chosen = (names,) if isinstance(names, str) else tuple(names)
        for name in chosen:
            self._column(name, "selection")
        return Selection(self, chosen)

    def _check_contract(self) -> None:
        for name, column in cast("Mapping[str, object]", self.contract).items():
            if not NAME.fullmatch(name):
                mend = "Use small letters, digits and '_', beginning with a letter, at most 63."
                raise InvalidInput(f"{name!r} cannot name a column of table {self.name!r}.", mend=mend)
            if not isinstance(column, Column):
                mend = "Write text(), number(), integer(), boolean() or instant()."
                raise InvalidInput(f"Column {name!r} of table {self.name!r} promises nothing.", mend=mend)

    def _check_key(self) -> None:
        if not self.keys:
            raise InvalidInput(f"Table {self.name!r} has no key.", mend="Name at least one key column.")
        for name in self.keys:
            if self._column(name, "key").nullable:
                mend = f"Declare {name!r} without nullable=True."
                raise InvalidInput(f"Key column {name!r} of table {self.name!r} may be null.", mend=mend)

    def _check_duration(self, part: str) -> None:
        try:
            _ = getattr(self, part) is None or duration(getattr(self, part))
        except InvalidInput as error:
            where = f"{part} of table {self.name!r}{at_place(place_of_caller())}"
            raise InvalidInput(f"In {where}: {error.problem}", mend=error.mend, table=self.name) from error

    def _check_event_id(self, name: str) -> None:
        column = self._column(name, "event id")
        if column.nullable or column.kind not in ("text", "integer"):
            mend = f"Declare {name!r} as text() or integer(), not nullable."
            raise InvalidInput(f"Event id {name!r} of table {self.name!r} identifies nothing.", mend=mend)

    def _column(self, name: str, part: str) -> Column:
        if name not in self.contract:
            raise InvalidInput(
                f"The {part} of table {self.name!r}{at_place(place_of_caller())} names {name!r},"
                " which its contract lacks.",
                mend=did_you_mean(name, self.contract),
                table=self.name,
            )
        return self.contract[name]


@dataclass(frozen=True)
class Selection:
    """Columns of the question's own row, used as features under their own names."""

    table: Table
    names: tuple[str, ...]
    place: str = field(default_factory=place_of_caller, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a table takes on disk: rows and files of its newest version, and the bytes of all its versions.

    ``compacted_at`` and ``vacuumed_at`` are processing times; None when it never happened, as far back as the
    last few hundred versions tell.
    """

    version: int
    rows: int
    files: int
    bytes: int
    compacted_at: Instant | None = None
    vacuumed_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """Files that were removed, or would be, and what they took."""

    files: int
    bytes: int


class TableStore(Protocol):
    """Keeps facts for ever, in versions: whatever was read once can be read again."""

    def append(self, table: str, rows: pa.Table, *, writer: str, upto: int) -> int:
        """Add rows in one commit; skipped when ``writer`` has committed ``upto`` before.

        Returns: the version that holds them. Raises: Conflict when a stored column has another kind.
        """
        ...

    def committed(self, table: str, writer: str) -> int:
        """The greatest ``upto`` of this writer; -1 when there is none."""
        ...

    def version(self, table: str) -> int:
        """The newest version; -1 when the table does not exist."""
        ...

    def read(
        self,
        table: str,
        *,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: pc.Expression | Mapping[str, Value] | None = None,
    ) -> pa.Table:
        """Rows of a version, in the order of acceptance. Raises: NotFound for no such table, version or column.

        ``where`` is a condition; or the values that columns have in few rows, which are found in a long table too.
        """
        ...

    def compact(self, table: str) -> None:
        """Merge small files; what is read stays the same."""
        ...

    def vacuum(self, table: str, keep: Collection[int], *, hours: int, dry_run: bool) -> Vacuumed:
        """Remove files that neither the newest version nor one to ``keep`` needs, let go ``hours`` ago or earlier.

        Other versions cannot be read afterwards; with ``dry_run`` nothing is removed.
        """
        ...

    def describe(self, table: str) -> Stored:
        """What a table takes on disk. Raises: NotFound when nothing is stored for it."""
        ...
