"""How a fact is known again: by its producer's event id, or by its key and content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from operator import itemgetter

import msgspec

from homeostat.data.contracts import Row
from homeostat.data.tables import Table

Identity = tuple[bytes, bytes]
"""What a row is about, 16 bytes, and what it says, 8 bytes."""
_encode = msgspec.msgpack.Encoder().encode


def compile_identity(table: Table) -> Callable[[Sequence[Row]], list[Identity]]:
    """Tell facts of a table apart in microseconds each.

    A row is about its event id where the table declares one, else about its key. What it says is equal however
    it was written: columns in another order, nulls spelt out or left away, and columns that the contract gained
    later with null in them change nothing.

    >>> from homeostat.data.contracts import instant, number, text
    >>> contract = {"id": text(), "at": instant(), "x": number(nullable=True)}
    >>> identify = compile_identity(Table("seen", key="id", event_time="at", contract=contract))
    >>> one, other = identify([{"id": "a", "at": 1, "x": None}, {"x": None, "at": 1, "id": "a"}])
    >>> one == other
    True
    """
    names = sorted(table.contract)
    values = itemgetter(*names)
    subject = itemgetter(*((table.event_id,) if table.event_id else table.keys))
    blake, encode, about = hashlib.blake2b, _encode, ("id" if table.event_id else "key", table.name)

    def identify(rows: Sequence[Row]) -> list[Identity]:
        return [
            (
                blake(encode((about, subject(row))), digest_size=16).digest(),
                blake(
                    encode([said for said in zip(names, values(row), strict=True) if said[1] is not None]),
                    digest_size=8,
                ).digest(),
            )
            for row in rows
        ]

    return identify


def refused_digest(table: str, content: str) -> bytes:
    """16 bytes that tell a refused row which is sent again."""
    return hashlib.blake2b(_encode((table, content)), digest_size=16).digest()
