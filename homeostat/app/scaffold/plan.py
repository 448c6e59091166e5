"""What a new loop is to be, as inferred from rows and options: values from which its files are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homeostat.data.contracts import Column, Kind
from homeostat.data.inference import ProposedColumn
from homeostat.data.labels import Answers

TOLD_AT = "told_at"
"""When the outcome of a question was known: the event time of the outcomes' table."""
GENERATED = "made-up rows"
"""The source of rows where there is none."""
ASKED_AT = "asked_at"
"""The name of a question's time where the rows have none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person said of the rows; None and () are left to be found out.

    ``positive`` is the value of ``target`` that is to be predicted, as text; ``answers`` what the model is to answer.
    ``matures`` is how long after its time a row's outcome is known.
    """

    name: str
    source: str
    target: str | None = None
    time: str | None = None
    key: tuple[str, ...] = ()
    positive: str | None = None
    matures: str = "1d"
    answers: Answers | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The column of the outcomes' table that says what came true, and what is predicted of it.

    ``condition`` is the label: what makes it true, or the column itself for a number or for one of ``classes``.
    ``positive`` is the value that makes it true, and ``values`` the first of those there are, all as texts.
    """

    column: str
    kind: Kind
    condition: str
    answers: Answers = "binary"
    classes: tuple[str, ...] = ()
    positive: str = ""
    values: tuple[str, ...] = ()

    @property
    def promise(self) -> Column:
        """What the outcomes' table promises of it."""
        return Column(self.kind, categories=self.classes or None)

    @property
    def question(self) -> str:
        """What is asked of each row.

        >>> Target("left", "boolean", "left").question
        'Is `left`?'
        """
        if self.answers == "regression":
            return f"How much is `{self.column}`?"
        return f"Is `{self.condition}`?" if self.answers == "binary" else f"Which `{self.column}` is it?"


@dataclass(frozen=True, slots=True)
class Brought:
    """A model from elsewhere that is served as it is: its file in the loop's folder, and that file's SHA-256.

    ``positive`` is the class that makes the label true, where a binary model calls it by a name.
    """

    file: str
    sha256: str
    positive: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A loop about to be written. ``features`` are columns of the question with what each seems to promise.

    ``holdout`` is the span before now, less the maturity, of which the first version's judging days are taken.
    ``spread`` are rows by outcome, or the least, median and greatest number.
    ``assumed`` says in sentences what the rows did not tell; ``left_out`` why a column is no feature; ``renamed`` maps
    a column's name in the rows to its name in the loop, where they differ. ``model`` is None where the loop trains one.
    """

    loop: str
    source: str
    rows: int
    labelled: int
    spread: Mapping[str, float]
    key: tuple[tuple[str, Kind], ...]
    time: str
    target: Target
    features: tuple[ProposedColumn, ...]
    matures: str
    holdout: str
    min_rows: int
    model: Brought | None = None
    assumed: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What the names of its tables begin with.

        >>> from homeostat.app.scaffold.plan import table_prefix
        >>> table_prefix("late-parcel")
        'late_parcel'
        """
        return table_prefix(self.loop)

    @property
    def made_of(self) -> str:
        """The rows it was inferred from, in words."""
        return f"{self.rows:,} {self.source if self.source == GENERATED else f'rows of {self.source}'}"

    @property
    def texts(self) -> tuple[str, ...]:
        """The features that are texts."""
        return tuple(one.name for one in self.features if one.column.kind == "text")


def table_prefix(loop: str) -> str:
    """A loop's name as tables and columns may begin."""
    return loop.replace("-", "_")
