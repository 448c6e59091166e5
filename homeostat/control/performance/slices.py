"""A loop's figures by slice as they are told and alerted on: the trailing days beside those before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homeostat.control.days import Day
from homeostat.kernel.clock import Instant, format_instant
from homeostat.monitoring.kept_slices import KeptSlice, Slice
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.slice_figures import (
    FALSE_SHARE,
    Cells,
    Search,
    Worse,
    cells_of,
    figure,
    figures_in,
    grown_worse,
    loss_of,
    named,
    own_figure,
    own_in,
)
from homeostat.stats.intervals import Interval

Json = dict[str, Any]
PAST_DAYS = 42
"""Days before the trail with which it is compared: six weeks, so that each weekday is there six times."""


def sides_of(days: Sequence[Day], trail: int) -> tuple[list[Day], list[Day]]:
    """The last ``trail`` days that keep slices, and up to 42 such days before them; oldest first."""
    kept = [day for day in days if day.outcomes is not None and day.outcomes.slices]
    return kept[: max(0, len(kept) - trail)][-PAST_DAYS:], kept[-trail:]


def judged(days: Sequence[Day], slices: Sequence[Slice], trail: int) -> Search | Unknown:
    """Which slices grew worse over the trail than they were in the six weeks before it."""
    before, after = sides_of(days, trail)
    return grown_worse(_kept(before), _kept(after), slices)


def slices_of(loop: str, days: Sequence[Day], slices: Sequence[Slice], trail: int, now: Instant | None) -> Json:
    """Every figure by slice over the trail, worst first, beside that of all rows; unknown figures say why."""
    before, after = sides_of(days, trail)
    search = grown_worse(_kept(before), _kept(after), slices)
    found = () if isinstance(search, Unknown) else search.found
    kept = _kept(after)
    whole = cells_of(kept, ())
    rows = whole[0].rows if whole else 0
    each = [_cell(cells, rows, found) for of in slices for cells in cells_of(kept, of)]
    return {
        "loop": loop,
        "as_of": None if now is None else format_instant(now),
        "declared": [list(of) for of in slices],
        "not_measured": [list(of) for of in slices if kept and not any(one.of == of for day in kept for one in day)],
        "trail": {"days": trail, **_span(after)},
        "past": {"days": PAST_DAYS, **_span(before)},
        "whole": _cell(whole[0], rows, ()) if whole else None,
        "compared": {
            "looked_at": 0 if isinstance(search, Unknown) else search.looked_at,
            "false_share": FALSE_SHARE,
            "unknown": search.reason if isinstance(search, Unknown) else None,
        },
        "slices": sorted(each, key=_order),
    }


def _kept(days: Sequence[Day]) -> list[tuple[KeptSlice, ...]]:
    return [day.outcomes.slices for day in days if day.outcomes is not None]


def _span(days: Sequence[Day]) -> Json:
    return {
        "found": len(days),
        "from": days[0].day if days else None,
        "until": days[-1].day if days else None,
    }


def _cell(cells: Cells, rows: int, found: Sequence[Worse]) -> Json:
    mine = next((one for one in found if (one.of, one.value) == (cells.of, cells.value)), None)
    return {
        "slice": list(cells.of),
        "value": cells.value,
        "name": named(cells.of, cells.value),
        "rows": cells.rows,
        "days": cells.days,
        "share": cells.rows / rows if rows else None,
        "figures": {name: shown(figure(cells, name)) for name in figures_in(cells)},
        "own": {name: shown(own_figure(cells, name)) for name in own_in(cells)},
        "loss": loss_of(cells.sums),
        "worse": None if mine is None else worse_shown(mine),
    }


def worse_shown(one: Worse) -> Json:
    """By how much a slice grew worse than the rest, with bounds."""
    return {
        "excess": one.excess.effect,
        "p_value": one.excess.p_value,
        "before": shown(one.before),
        "after": shown(one.after),
        "rise": shown(one.rise),
        "rest": shown(one.rest),
        "rest_rise": shown(one.rest_rise),
    }


def shown(one: Interval | Unknown) -> Json:
    """A figure as JSON: null and the reason where it is unknown, no bounds where days do not differ."""
    if isinstance(one, Unknown):
        return {"value": None, "low": None, "high": None, "unknown": one.reason}
    bounds = (None, None) if one.low == one.high else (one.low, one.high)
    return {"value": one.value, "low": bounds[0], "high": bounds[1], "unknown": None}


def _order(cell: Json) -> tuple[bool, float, bool, float]:
    """What grew worse first, by what it cost; then by log-loss; unknown last."""
    worse, loss = cell["worse"], cell["figures"][cell["loss"]]["value"]
    cost = worse["excess"] * cell["rows"] if worse else 0.0
    return worse is None, -cost, loss is None, -(loss or 0.0)
