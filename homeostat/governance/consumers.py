"""Who reads a loop's predictions: registered by name and contact, so that nothing they need changes under them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from homeostat.data.checks import did_you_mean
from homeostat.governance.audit import Draft
from homeostat.governance.outputs import OutputContract, breaking_changes
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import InvalidInput, Refused
from homeostat.kernel.verdicts import ACCEPT

UNREGISTERED = "unregistered"
"""What requests without a registered name are counted under."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_CONTACT = 200


@dataclass(frozen=True, slots=True)
class Consumer:
    """Somebody who reads the columns ``needs`` of a loop's predictions, and relies on the contract of that day.

    ``contact`` says whom to ask, as a person would write it. ``revision`` counts the registrations of the name.
    Raises: InvalidInput for a name or contact that cannot be used, or a column that the contract lacks.
    """

    loop: str
    name: str
    contact: str
    needs: tuple[str, ...]
    relies_on: OutputContract
    since: Instant
    revision: int = 1

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name == UNREGISTERED:
            raise InvalidInput(
                f"{self.name!r} cannot be a consumer's name.",
                mend="Use small letters, digits and hyphens, beginning with a letter, at most 63.",
            )
        if not self.contact.strip() or len(self.contact) > _CONTACT or not self.contact.isprintable():
            raise InvalidInput(
                f"Consumer {self.name!r} has no contact that can be shown.",
                mend=f"Say whom to ask, in one line of at most {_CONTACT} characters: an address, a team, a channel.",
            )
        for column in self.needs or ("",):
            if column not in self.relies_on.columns:
                raise InvalidInput(
                    f"Loop {self.loop!r} does not promise a column {column!r}.",
                    mend=did_you_mean(column, self.relies_on.columns),
                )


class ConsumerStore(Protocol):
    """Keeps consumers; every change is in the ledger, in the same transaction."""

    def list(self) -> list[Consumer]:
        """Everyone who is registered now, in order of loop and name."""
        ...

    def add(self, consumer: Consumer) -> Consumer:
        """Register; gives it with its revision. Raises: Conflict when the name is taken."""
        ...

    def remove(self, loop: str, name: str, at: Instant) -> Consumer:
        """End a registration. Raises: NotFound without it."""
        ...


def registered(consumer: Consumer) -> Draft:
    """What the ledger says of a registration."""
    needs = ", ".join(consumer.needs)
    return _draft(consumer, consumer.since, f"{consumer.name} reads the predictions", f"needs {needs}")


def removed(consumer: Consumer, at: Instant) -> Draft:
    """What the ledger says when a registration ends."""
    return _draft(consumer, at, f"{consumer.name} no longer reads the predictions", "removed", suffix="/removed")


def refuse_breaking(consumers: Sequence[Consumer], outputs: Mapping[str, OutputContract]) -> None:
    """Let no contract come into force that breaks somebody. ``outputs`` holds every loop's contract.

    Raises: Refused that names each consumer, whom to ask, and every reason.
    """
    judged = [(one, breaking_changes(one.relies_on, outputs.get(one.loop), one.needs)) for one in consumers]
    broken = [(one, [reason.text for reason in reasons]) for one, reasons in judged if reasons]
    if not broken:
        return
    said = [f"{one.name} of {one.loop} ({one.contact}): {'; '.join(reasons)}" for one, reasons in broken]
    noun = "consumer depends" if len(said) == 1 else "consumers depend"
    first = broken[0][0]
    raise Refused(
        f"{len(said)} {noun} on outputs that would change. {'. '.join(said)}.",
        mend="Give the loop file its old outputs back; or agree with them, then remove and add them again: "
        f"homeostat consumers remove {first.loop} {first.name}.",
        consumers=[
            {"loop": one.loop, "consumer": one.name, "contact": one.contact, "reasons": reasons}
            for one, reasons in broken
        ],
    )


def _draft(consumer: Consumer, at: Instant, title: str, reason: str, suffix: str = "") -> Draft:
    return Draft(
        id=f"{consumer.loop}/consumer/{consumer.name}/{consumer.revision}{suffix}",
        loop=consumer.loop,
        at=at,
        kind="consumer",
        verdict=ACCEPT,
        title=title,
        reasons=(reason,),
        actor="command line",
        evidence={"consumer": consumer.name, "contact": consumer.contact, "needs": list(consumer.needs)},
    )
