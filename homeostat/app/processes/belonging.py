"""Whether the decisions of a home are those that were signed: looked at before anything of it is started."""

from __future__ import annotations

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.home import Home
from homeostat.app.processes.supervisor import Notice
from homeostat.kernel.errors import IntegrityError


def refuse_other_decisions(home: Home, notice: Notice) -> None:
    """Say where decisions are there that nobody signed.

    Raises: IntegrityError where the newest decision that was signed is not in the store, as after an older copy of it
    was put back alone: loops would go on from a state in which what serves was never decided.
    """
    home.refuse_lost_decisions()
    if not home.control_db.exists():
        return
    database, heads = Database(home.control_db), HeadsFile(home.ledger)
    try:
        signed = heads.newest_sealed()
        entries = SqlControlStore(database, heads).entries(after=signed.seq - 1 if signed else 0)
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
