"""One family of errors: what is wrong, what to do, and the facts."""

from __future__ import annotations


class HomeostatError(Exception):
    """Tells a person what is wrong, what to do about it, and on which facts.

    ``code`` is stable and safe to program against; ``problem`` and ``mend`` are sentences for people;
    ``facts`` are JSON values. The family knows neither HTTP nor a command line: the doors translate it.

    >>> error = NotFound("No loop 'flights'.", mend="Loops here: late-arrival.", loop="flights")
    >>> error.to_dict()["code"]
    'not_found'
    """

    code = "homeostat_error"

    def __init__(self, problem: str, *, mend: str, **facts: object) -> None:
        super().__init__(f"{problem} {mend}")
        self.problem = problem
        self.mend = mend
        self.facts = facts

    def to_dict(self) -> dict[str, object]:
        """The one shape in which every door shows an error."""
        return {"code": self.code, "problem": self.problem, "mend": self.mend, "facts": self.facts}


class InvalidInput(HomeostatError):
    """What was sent cannot be understood or breaks a promise; sending it again will not help."""

    code = "invalid_input"


class TooLarge(InvalidInput):
    """The input is over a stated limit; send it in parts."""

    code = "too_large"


class ContractBroken(InvalidInput):
    """Rows break a contract; ``facts['breaks']`` lists them."""

    code = "contract_broken"


class NotFound(HomeostatError):
    """A named thing does not exist here."""

    code = "not_found"


class Conflict(HomeostatError):
    """Someone else changed it first, or it already exists with another content."""

    code = "conflict"


class Unavailable(HomeostatError):
    """A part is not there right now; the same call may succeed later."""

    code = "unavailable"


class Held(Unavailable):
    """Another process holds a file that is to be written, and may let go of it soon."""


def refused_by_system(error: OSError) -> Unavailable:
    """What the operating system refused, where nobody nearer knew what it was for.

    >>> refused_by_system(PermissionError(13, "Permission denied", "/home/control.sqlite")).problem
    '/home/control.sqlite cannot be used: Permission denied.'
    """
    place = error.filename if isinstance(error.filename, str) else "A file or connection"
    return Unavailable(
        f"{place} cannot be used: {error.strerror or type(error).__name__}.",
        mend="See whether it is there, who may read and write it, and that its disk has room; then try again.",
        errno=error.errno,
    )


class Refused(HomeostatError):
    """A rule of the loop forbids it, whoever asks."""

    code = "refused"


class NotEnoughData(HomeostatError):
    """A figure is not defined on so little; never a silent 0."""

    code = "not_enough_data"


class IntegrityError(HomeostatError):
    """Stored evidence or an artifact is not what was written."""

    code = "integrity_error"


class Untrusted(IntegrityError):
    """A version is not what somebody trusted has signed; it is not loaded."""

    code = "untrusted"
