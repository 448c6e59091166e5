"""Whether the decisions of a home are those that were signed: looked at before anything of it is started."""

from __future__ import annotations

from collections.abc import Iterable

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.home import Home
from homeostat.app.processes.supervisor import Notice
from homeostat.kernel.errors import IntegrityError


def refuse_other_evidence(home: Home, loops: Iterable[str], notice: Notice) -> None:
    """Say where decisions are there that nobody signed.

    Raises: IntegrityError where the newest decision that was signed is not in the store, as after an older copy of it
    was put back alone: loops would go on from a state in which what serves was never decided; or a loop that served
    has no log.
    """
    home.refuse_lost_decisions()
    if not home.control_db.exists():
        return
    database, heads = Database(home.control_db), HeadsFile(home.ledger)
    try:
        store, signed = SqlControlStore(database, heads), heads.newest_sealed()
        entries = store.entries(after=signed.seq - 1 if signed else 0)
        served = {loop: store.counted(loop).served for loop in loops if not (home.log / loop).exists()}
    finally:
        database.close()
    if signed is None and entries:
        notice("ledger/heads.jsonl is gone or empty: that decisions of before were not changed cannot be proven")
    if signed is not None and (not entries or entries[0].hash != signed.hash):
        raise IntegrityError(
            f"{home.control_db} does not hold decision {signed.seq}, which is signed in {home.ledger / 'heads.jsonl'}.",
            mend="Nothing was changed. Put back the control.sqlite that belongs to this folder, or a copy of all of it;"
            " 'homeostat ledger verify' tells what is missing.",
            path=str(home.control_db),
            decision=signed.seq,
        )
    for loop in (loop for loop, rows in served.items() if rows):
        raise IntegrityError(
            f"The log of {loop!r} is gone from {home.log}: {served[loop]:,} predictions were served.",
            mend="Nothing was changed. Put it back from a copy of the whole folder. If there is none, and it may begin"
            f" anew, make an empty folder {loop} there.",
            loop=loop,
        )
