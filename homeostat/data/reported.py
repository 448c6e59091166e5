"""A prediction log with what callers have reported in the place of draws: everything that reads draws reads these."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.data.feedback import ACTS, EXPLORED, PROPENSITY
from homeostat.data.matching import key_codes, last_fact
from homeostat.data.reports import ALL_THE_SAME, NO_CHANCE, REPORT, TOLD, UNREPORTED, WITHOUT_A_CHANCE, Reports
from homeostat.data.shaped import to_be_reported
from homeostat.data.tables import SEQUENCE
from homeostat.stats.arrays import Booleans, Floats, Integers


def with_reports(log: pa.Table, reports: Reports, facts: pa.Table) -> pa.Table:
    """The log with acts, draws and chances as reported, and what is wrong with each report.

    ``facts`` are those of the table of reports; of several about one prediction the one accepted last counts. Rows that
    were not served to be reported keep what the log says of them while nobody reports them.
    """
    asked, told = key_codes(log, reports.of_log, facts, reports.keys)
    fact = last_fact(told, facts[SEQUENCE].to_numpy(), asked)
    acted, chance = _read(facts, reports)
    acted, chance = _of_rows(acted, fact), _of_rows(chance, fact)
    wrong = _wrong(acted, chance)
    kept = (wrong == UNREPORTED) & ~to_be_reported(log)
    left = (wrong == TOLD) & (acted == 0.0)
    columns = {
        ACTS: pa.array(np.where(wrong == TOLD, acted == 1.0, False)),
        EXPLORED: pa.array(left & (chance < 1.0)),
        PROPENSITY: pa.array(np.where(wrong == TOLD, chance, 1.0)),
        REPORT: pa.array(np.where(kept, TOLD, wrong).astype(np.int8)),
    }
    return _replaced(log, columns, kept)


def _read(facts: pa.Table, reports: Reports) -> tuple[Floats, Floats]:
    """Of each report whether it says acted (1, 0 or NaN), and the chance to be left alone."""

    def columns(names: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
        return {name: facts[name].to_numpy() for name in names}

    if not facts.num_rows:
        return np.zeros(0), np.zeros(0)
    acted = reports.acts.evaluate(columns(reports.acts.columns))
    if reports.chance is None:
        return acted, 1.0 - acted
    return acted, reports.chance.evaluate(columns(reports.chance.columns))


def _of_rows(values: Floats, fact: Integers) -> Floats:
    found = np.full(fact.size, np.nan)
    found[fact >= 0] = values[fact[fact >= 0]]
    return found


def _wrong(acted: Floats, chance: Floats) -> NDArray[np.int64]:
    """What is wrong with the report of each row, the gravest first."""
    stands = (chance >= 0.0) & (chance <= 1.0)
    found = np.full(acted.size, TOLD)
    found[(acted == 0.0) & (chance == 0.0)] = WITHOUT_A_CHANCE
    found[(acted == 1.0) & (chance == 1.0)] = ALL_THE_SAME
    found[~stands] = NO_CHANCE
    found[np.isnan(acted)] = UNREPORTED
    return found


def _replaced(log: pa.Table, columns: Mapping[str, pa.Array], kept: Booleans) -> pa.Table:
    """The log with these columns; where ``kept`` with its own values."""
    for name, values in columns.items():
        at = log.schema.get_field_index(name)
        if at < 0:
            log = log.append_column(name, values)
        else:
            log = log.set_column(at, name, pc.if_else(pa.array(kept), log[name], values))
    return log
