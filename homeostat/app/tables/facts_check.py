"""Contracts over whole batches: the facts that a model would learn from, and history before it is taken in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import TYPES
from homeostat.adapters.polars.batches import PolarsBatches
from homeostat.app.tables.staging import Staging
from homeostat.data.rules import RowRule, rule_columns
from homeostat.data.tables import SEQUENCE, Table
from homeostat.kernel.clock import to_datetime
from homeostat.kernel.errors import ContractBroken, NotFound, Refused
from homeostat.training.jobs import TrainingJob
from homeostat.training.training_set import Sources


def check_facts(tables: Iterable[Table], job: TrainingJob, sources: Sources, say: Callable[[str], None]) -> None:
    """Refuse to train on facts of which a table promises otherwise; tell what else is odd.

    The batch of a table are its facts as of the job's pin, from ``since`` on. Bounds of a batch, and promises with
    the verdict "reject", refuse; the rest is said in the log: those facts were taken in under another contract.
    Raises: Refused naming the table, the promises and what was found.
    """
    engine = PolarsBatches()
    for table in {table.name: table for table in tables}.values():
        facts = declared_facts(table, sources).drop_columns([SEQUENCE])
        if job.since is not None:
            facts = facts.filter(pc.field(table.event_time) >= pa.scalar(to_datetime(job.since)))
        checked = engine.check(table, facts)
        for line in checked.told:
            say(f"{table.name}: {line}")
        if checked.refusals:
            raise Refused(
                f"The facts of {table.name!r} break its contract: {'; '.join(checked.refusals)}.",
                mend="Find out what sends them; mend the source, or change the rule if this is how it is now.",
                table=table.name,
                broken=checked.refusals,
            )


def check_staged(staging: Staging, tables: Iterable[Table]) -> None:
    """Refuse a history that breaks what its table promises of a batch; its rows were checked one by one before.

    Raises: ContractBroken naming the table, the promises and what was found.
    """
    for table in tables:
        rules = [one for one in table.rules if not isinstance(one, RowRule)]
        if not rules:
            continue
        read = {*table.keys, table.event_time, *(name for one in rules for name in rule_columns(one, table))}
        narrow = replace(table, contract={name: table.contract[name] for name in read}, rules=rules, event_id=None)
        schema = pa.schema({name: TYPES[column.kind] for name, column in narrow.contract.items()})
        parts = [pa.Table.from_pylist(rows, schema=schema) for rows in staging.of(table.name)]
        checked = PolarsBatches().check(narrow, pa.concat_tables([schema.empty_table(), *parts]))
        repeated = [one for one in checked.found if one.count and one.promise.verdict == "quarantine"]
        told = [f"{one.count} of {checked.rows} rows break {one.promise.name!r}" for one in repeated]
        if broken := [*checked.refusals, *told]:
            raise ContractBroken(
                f"The history of {table.name!r} breaks its contract: {'; '.join(broken)}; nothing was taken in.",
                mend="Mend the files; or change the rule, if this is how it was.",
                table=table.name,
                broken=broken,
            )


def declared_facts(table: Table, sources: Sources) -> pa.Table:
    """The declared columns as stored, and their sequence; a column that the contract gained later is left out."""
    names = list(table.contract)
    try:
        return sources.facts(table.name, names)
    except NotFound:
        return sources.facts(table.name, [name for name in names if _is_stored(name, table, sources)])


def _is_stored(name: str, table: Table, sources: Sources) -> bool:
    try:
        sources.facts(table.name, [name])
    except NotFound:
        return False
    return True
