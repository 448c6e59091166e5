"""Contracts before training: the facts that a model would learn from, checked as one batch per table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.polars.batches import PolarsBatches
from homeostat.data.tables import SEQUENCE, Table
from homeostat.kernel.clock import to_datetime
from homeostat.kernel.errors import NotFound, Refused
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
        facts = _facts(table, sources)
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


def _facts(table: Table, sources: Sources) -> pa.Table:
    """The declared columns as stored; what the contract gained since the first fact is told like anything missing."""
    names = list(table.contract)
    try:
        found = sources.facts(table.name, names)
    except NotFound:
        found = sources.facts(table.name, [name for name in names if _is_stored(name, table, sources)])
    return found.drop_columns([SEQUENCE])


def _is_stored(name: str, table: Table, sources: Sources) -> bool:
    try:
        sources.facts(table.name, [name])
    except NotFound:
        return False
    return True
