"""From keys to the rows that they name, as a client would send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homeostat.data.checks import shown
from homeostat.data.contracts import Column, Row, compile_contract
from homeostat.features.kept_rows import KEPT, KeptRows, rows_of
from homeostat.features.online import OnlineReader
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import NotFound
from homeostat.serving.plans import ServingPlan
from homeostat.serving.refusing import check_size, contract_broken

_LISTED = 1_000


class ByKey:
    """Looks up the rows of one loop's question that were sent as events."""

    def __init__(self, plan: ServingPlan, view: KeptRows, online: OnlineReader) -> None:
        self._plan, self._view, self._online = plan, view, online
        question = plan.question
        self._check = compile_contract({name: Column(question.contract[name].kind) for name in question.keys})

    def rows(self, keys: Sequence[object], now: Instant) -> list[object]:
        """The newest row of every key as known now, ready to be asked about.

        A key is an object of its columns, or, where it is one column, its value.
        Raises: NotFound that lists the keys without a row; ContractBroken for what is no key; InvalidInput, TooLarge
        for none or too many; Unavailable while the online store does not keep them.
        """
        check_size(keys)
        names = self._plan.question.keys
        checked = self._check([key if isinstance(key, dict) or len(names) > 1 else {names[0]: key} for key in keys])
        if checked.breaks:
            raise contract_broken(self._plan, checked.breaks)
        entities = [tuple(row[name] for name in names) for row in checked.rows]
        found = rows_of(self._view, entities, now, self._online)
        unknown = [key for key, row in zip(keys, found, strict=True) if row is None]
        if unknown:
            raise self._unknown(unknown)
        return [self._sent(row) for row in found if row is not None]

    def _sent(self, row: Row) -> Mapping[str, object]:
        contract = self._plan.question.contract
        return {
            name: format_instant(value) if contract[name].kind == "instant" and isinstance(value, int) else value
            for name, value in row.items()
        }

    def _unknown(self, keys: Sequence[object]) -> NotFound:
        table = self._plan.question.name
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        return NotFound(
            f"Table {table!r} has no row of key {shown(keys[0])}{more} of the last {KEPT}; nothing was predicted.",
            mend=f"Send it to POST /tables/{table}/events first, or ask with the row itself.",
            table=table,
            keys=list(keys[:_LISTED]),
        )
