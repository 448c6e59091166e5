"""The back-test of a home: its grid, its versions, its policies, and the report that comes of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from homeostat.app.backtest.filling import filled
from homeostat.app.backtest.reports import write_report
from homeostat.app.backtest.weeks import grid_of
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.foretold import Foretelling
from homeostat.app.settings import Settings
from homeostat.control.backtest.account import back_test
from homeostat.control.backtest.contenders import Loopwise, check_names, of_file, usual
from homeostat.control.backtest.prices import LOSS, SHARES, Prices, prices_of
from homeostat.control.backtest.release import Rules
from homeostat.control.loop import Loop
from homeostat.control.policies.retrain import Retrain
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.tasks import Regression

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
_SEED = 7
_SAID = {LOSS: "nats of log-loss", SHARES: "shares of what the best constant number costs a row"}


def run_back_test(
    settings: Settings,
    operations: Operations,
    loop: Loop,
    policies: Mapping[str, Retrain] | None,
    progress: Progress,
    *,
    price: float | None = None,
) -> Json:
    """Play ``policies`` (None: the usual ones) through the loop's history, and write the report beside telling it.

    ``price`` is what a training costs in nats of log-loss, and lets money out of it; else the loop's own prices count,
    and without them trainings are free. Raises: NotEnoughData where the history is too short; Unavailable when a
    training process dies; InvalidInput for a name that is taken, a policy that the loop cannot have or a price that is
    none.
    """
    check_names(policies or {})
    _check_fit(loop, policies or {})
    prices, note = _prices(loop, price)
    progress("reading the history", 0, 1)
    grid = grid_of(operations, loop, settings.paths.tables)
    made = filled(settings, loop, grid, progress)
    progress("playing policies", 0, 1)
    foretell = None
    if made.rows is not None and isinstance(loop.task, Regression):
        foretell = Foretelling(loop.name, loop.task, made.rows).of
    loopwise = Loopwise(
        made.matrix, loop.timezone, loop.economics, loop.threshold, settings.replicas, loop.gate, foretell
    )
    contenders = usual(loopwise, loop.retrain) if policies is None else of_file(loopwise, policies, loop.retrain)
    told = back_test(made.matrix, Rules(loop.gate, loop.rollout), contenders, prices, np.random.default_rng(_SEED))
    report = {
        "loop": loop.name,
        "until": format_instant(operations.state(loop.name).decided_until or 0),
        "trained": made.trained,
        "note": note,
        **told,
    }
    return write_report(settings.paths.reports / loop.name / "backtest", report)


def _check_fit(loop: Loop, policies: Mapping[str, Retrain]) -> None:
    """What the loop's file would be refused for, such as drift over days that nobody measures."""
    for name, policy in policies.items():
        try:
            dataclasses.replace(loop, retrain=policy)
        except InvalidInput as error:
            raise InvalidInput(f"Policy {name!r}: {error.problem}", mend=error.mend, policy=name) from error


def _prices(loop: Loop, price: float | None) -> tuple[Prices, str]:
    """The prices, and what is to be said of them."""
    unit = LOSS if loop.task.error is None else SHARES
    if price is not None and not math.isfinite(price):
        raise InvalidInput(
            f"{price} is no price.", mend="Give nats of log-loss from 0 up, such as 50.", price=str(price)
        )
    found = prices_of(loop.economics)
    if price is None and isinstance(found, Prices):
        return found, "Money is that of hs.Economics(...) in the loop file."
    if price is not None:
        return Prices(unit, None, price), f"A training costs {price:g} {_SAID[unit]}, as said; money is left out."
    why = "; ".join(getattr(found, "asks", ()))
    return Prices(unit, None), f"Costs are {_SAID[unit]} and trainings are free: hs.Economics(...) lacks {why}."
