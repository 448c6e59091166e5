"""What a row of a prediction log was made with: how its features are named, and what they meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.features.defined import Definition
from homeostat.features.definitions import FeatureSet
from homeostat.features.earlier import earlier_hash
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput

_TASKS = {"binary": "a yes or no", "regression": "a number", "multiclass": "one of several classes"}


@dataclass(frozen=True, slots=True)
class Logged:
    """A feature set as those need it who read what was served with it, when the loop's file has moved on.

    ``hash`` is the feature set's, ``earlier`` what it would have been once (see ``earlier_hash``); ``question`` and
    ``features`` give the kind of each column, in order; ``answers`` is what the loop was asked for, its task's name;
    ``classes`` those that it tells apart, in their order, none where they were not kept.
    """

    hash: str
    question: Mapping[str, str]
    features: Mapping[str, str]
    definitions: Mapping[str, Definition]
    earlier: str | None = None
    answers: str = "binary"
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, features: FeatureSet, answers: str = "binary", classes: Sequence[str] = ()) -> Logged:
        """A loop's feature set as it is now, and its task."""
        question = {name: column.kind for name, column in features.question.contract.items()}
        earlier = earlier_hash(features)
        return cls(
            features.hash, question, dict(features.kinds), features.definitions, earlier, answers, tuple(classes)
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values only; ``from_json`` reads them back, the columns in their order."""
        told: dict[str, Any] = plain(self)
        return {**told, "question": list(self.question.items()), "features": list(self.features.items())}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Logged:
        """Read what ``to_json`` wrote; raises KeyError, TypeError or ValueError for anything else."""
        definitions = {name: Definition(**one) for name, one in told["definitions"].items()}
        columns = dict(told["question"]), dict(told["features"])
        return cls(
            str(told["hash"]),
            *columns,
            definitions,
            told["earlier"],
            told.get("answers", "binary"),
            tuple(told.get("classes", ())),
        )


def check_one_log(loop: str, now: Logged, before: Logged) -> None:
    """One log keeps what both were served with: a name that both have must mean one kind of column, and answers too.

    Raises: InvalidInput that names the first column whose kind changed.
    """
    if now.answers != before.answers:
        raise InvalidInput(
            f"The label of loop {loop!r} asked for {_TASKS[before.answers]} and asks for {_TASKS[now.answers]} now; one"
            " prediction log cannot keep both.",
            mend="Give the loop another name, put the label back, or start with a new home.",
            loop=loop,
        )
    if before.classes and now.classes != before.classes:
        raise InvalidInput(
            f"Loop {loop!r} told {', '.join(before.classes)} apart and tells {', '.join(now.classes)} apart now; one"
            " prediction log cannot keep both.",
            mend="Give the loop another name, put the classes back in their order, or start with a new home.",
            loop=loop,
        )
    pairs = ((now.features, before.features, "Feature"), (now.question, before.question, "Column of the question"))
    for new, old, what in pairs:
        for name, kind in new.items():
            if old.get(name, kind) != kind:
                raise InvalidInput(
                    f"{what} {name!r} of loop {loop!r} was of kind {old[name]} and is of kind {kind} now;"
                    " one prediction log cannot keep both.",
                    mend="Give the new one another name, or start with a new home.",
                    loop=loop,
                    column=name,
                )
