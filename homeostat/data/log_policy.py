"""What the prediction log keeps: all predictions or a share, whole questions or less of what is sensitive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Value
from homeostat.data.tables import Table
from homeostat.data.weights import chosen
from homeostat.kernel.errors import InvalidInput

Hide = Callable[[Mapping[str, Value]], dict[str, Value]]
LEAST_KEY = 16
"""Bytes of a key below which hashes could be guessed back."""
_DIGEST = 16
_ROUNDING = 1e-3
"""How far a share may be from one in a whole number and still mean it: 0.333 is a third."""


@dataclass(frozen=True)
class Log:
    """Keeps predictions, and sensitive columns of the question, out of the prediction log.

    ``share``: of ordinary predictions this share is kept, one in a whole number of them; those whose arm failed, with
    a defaulted feature, or with a broken promise that warns are always kept. Counts and figures stay unbiased.
    ``hashed``: text columns of which the log keeps a hash under the installation's own key: equal values stay equal.
    ``left_out``: columns of which it keeps nothing.
    Raises: InvalidInput for such a share that there is not, what is no list of names, and a name in both.
    """

    share: float = 1.0
    hashed: Sequence[str] = ()
    left_out: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or abs(self.one_in * self.share - 1) > _ROUNDING:
            mend = "Give 1 divided by a whole number, such as 1, 0.5, 0.25, 0.1 or 1 / 3."
            raise InvalidInput(f"Log(share={self.share}) is no share of one in a number.", mend=mend, share=self.share)
        for part in ("hashed", "left_out"):
            names = getattr(self, part)
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                mend = f'Give {part}=("column", ...).'
                raise InvalidInput(f"Log({part}={names!r}) is no list of columns.", mend=mend)
            object.__setattr__(self, part, tuple(names))
        both = sorted(set(self.hashed) & set(self.left_out))
        if both:
            mend = "Name it once: hashed it can still be told apart, left out nothing is kept."
            raise InvalidInput(f"The log would hash {both[0]!r} and leave it out.", mend=mend, column=both[0])

    @cached_property
    def one_in(self) -> int:
        """Of how many ordinary predictions one is kept."""
        return round(1 / self.share)

    def weigh(self, prediction_id: str, *, always: bool) -> int:
        """How many predictions one stands for in the log; 0 when it is not kept."""
        if always or self.one_in == 1:
            return 1
        return self.one_in if chosen(prediction_id, self.one_in) else 0

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Columns whose values the log does not have."""
        return frozenset((*self.hashed, *self.left_out))

    def check(self, question: Table, needed: Mapping[str, tuple[str, str]]) -> None:
        """Whether the question can do without them; ``needed`` says of columns why the log must have them, and what
        to do instead. Raises: InvalidInput that names the column."""
        for name in (*self.hashed, *self.left_out):
            if name not in question.contract:
                mend = did_you_mean(name, question.contract)
                raise InvalidInput(
                    f"The log hides {name!r}, which is no column of the question.", mend=mend, column=name
                )
            if name in needed:
                why, mend = needed[name]
                raise InvalidInput(f"The log cannot hide {name!r}: it is {why}.", mend=mend, column=name)
        for name in self.hashed:
            kind = question.contract[name].kind
            if kind != "text":
                mend = "Leave it out, or send it as text."
                raise InvalidInput(f"{name!r} is of kind {kind}: only text is hashed.", mend=mend, column=name)


KEEP_ALL = Log()


def hiding(log: Log, key: bytes) -> Hide | None:
    """A function from a question's row to what of it may be written down; None where that is all of it.

    Raises: InvalidInput for a key of fewer than 16 bytes where something is hashed.

    >>> hide = hiding(Log(hashed=["email"], left_out=["name"]), bytes(16))
    >>> hide({"id": 1, "email": None, "name": "Ada"})
    {'id': 1, 'email': None}
    """
    if not log.hidden:
        return None
    if log.hashed and len(key) < LEAST_KEY:
        mend = f"Give one of at least {LEAST_KEY} random bytes."
        raise InvalidInput(f"A key of {len(key)} bytes hides nothing.", mend=mend)
    left_out, hashed = frozenset(log.left_out), log.hashed

    def hide(row: Mapping[str, Value]) -> dict[str, Value]:
        kept = {name: value for name, value in row.items() if name not in left_out}
        for name in hashed:
            value = kept.get(name)
            if value is not None:
                kept[name] = hashed_text(str(value), key)
        return kept

    return hide


def hashed_text(value: str, key: bytes) -> str:
    """A text's hash under a key, as the log keeps it: 128 bits in hexadecimal, marked as a hash.

    >>> hashed_text("ada@example.org", bytes(16))[:9]
    'hashed:63'
    """
    found = blake2b(value.encode(errors="surrogatepass"), digest_size=_DIGEST, key=key)
    return f"hashed:{found.hexdigest()}"
