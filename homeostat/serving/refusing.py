"""What a request is refused for, in one error that lists everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from homeostat.data.contracts import Break, Checked, Row
from homeostat.features.ingest import MOST_ROWS
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import ContractBroken, InvalidInput, TooLarge
from homeostat.kernel.words import plural
from homeostat.serving.plans import ServingPlan

_SHOWN_BREAKS = 100
Check = Callable[[Sequence[object]], Checked]


def check_size(rows: Sequence[object]) -> None:
    """Raises: InvalidInput for no rows, TooLarge for too many."""
    if not rows:
        raise InvalidInput("The request holds no rows.", mend='Send {"rows": [...]} with at least one row.')
    if len(rows) > MOST_ROWS:
        raise TooLarge(
            f"The request holds {plural(len(rows), 'row')}.",
            mend=f"Send at most {MOST_ROWS} rows in one request.",
            rows=len(rows),
            limit=MOST_ROWS,
        )


def from_the_future(plan: ServingPlan, rows: Sequence[Row], kept: Sequence[int], now: Instant) -> list[Break]:
    """Rows that ask about a time that has not come; ``kept`` are their places in the request."""
    name, latest = plan.question.event_time, now + plan.question.tolerance
    return [
        Break(
            index,
            name,
            "from_the_future",
            f"Column {name!r} lies more than 5 minutes after the present.",
            "Ask when the time has come, and check the clock and the offset of the sender.",
        )
        for index, row in zip(kept, rows, strict=True)
        if row[name] > latest  # type: ignore[operator]
    ]


def contract_broken(plan: ServingPlan, breaks: Sequence[Break]) -> ContractBroken:
    """The error for these breaks."""
    first = breaks[0]
    return ContractBroken(
        f"Row {first.row}: {first.problem}",
        mend=f"{first.mend} Nothing was predicted: mend all that facts.breaks lists, then send it again.",
        table=plan.question.name,
        count=len(breaks),
        breaks=[
            {"row": b.row, "column": b.column, "reason": b.reason, "problem": b.problem, "mend": b.mend}
            for b in breaks[:_SHOWN_BREAKS]
        ],
    )
