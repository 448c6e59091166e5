"""Whether a loop can still feed a version what it was trained on: its definitions then against those of now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homeostat.features.defined import Definition
from homeostat.features.definitions import FeatureSet
from homeostat.features.logged import Logged
from homeostat.kernel.verdicts import ACCEPT, REJECT, Reason, Verdict
from homeostat.registry.meanings import harm
from homeostat.registry.models import Version
from homeostat.stats.tasks import BINARY, Task, task_of


@dataclass(frozen=True, slots=True)
class Binding:
    """The definitions that a version is bound to, or that a loop has now: the question, each view and transform.

    ``definitions`` is empty for a version registered before they were kept; its ``feature_hash`` stands in, and
    is met by what a loop's features would have had for one then: ``earlier``. ``task`` is what a version answers; one
    log, and so one loop, has one.
    """

    feature_hash: str
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    earlier: str | None = None
    task: Task = BINARY

    @classmethod
    def of(cls, features: FeatureSet | Logged) -> Binding:
        """What a feature set stands for, now or as it was served with once."""
        now = features if isinstance(features, Logged) else Logged.of(features)
        return cls(now.hash, now.definitions, now.earlier)


def binding_of(version: Version) -> Binding:
    """The definitions that a version was trained with, to hold against those of a loop."""
    return Binding(version.pin.feature_hash, version.definitions, task=task_of(version.task))


def judge_binding(bound: Binding, current: Binding) -> Verdict:
    """Accept a version that the loop can still feed; reject it with every definition that differs, and how."""
    if bound.definitions:
        return judge_definitions(bound.definitions, current.definitions)
    if bound.feature_hash in (current.feature_hash, current.earlier):
        return Verdict(ACCEPT, (_kept(),))
    text = (
        f"features {bound.feature_hash[:12]} became {current.feature_hash[:12]}; which definition differs is not"
        " known, since the version was registered before versions kept them"
    )
    return Verdict(REJECT, (Reason("features_changed", current.feature_hash, bound.feature_hash, text),))


def judge_definitions(pinned: Mapping[str, Definition], current: Mapping[str, Definition]) -> Verdict:
    """Accept when every pinned definition is still there, under any name, and gives the same values.

    What cannot change a value that the version takes is no reason against it: another range or value beside
    the old ones, a column more, a contract that allows more.

    >>> old = {"crowding": Definition("transform", "1", {"code": "return a"})}
    >>> judge_definitions(old, {"crowding": Definition("transform", "2", {"code": "return b"})}).texts
    ('transform crowding: code return a became return b',)
    """
    unchanged = {one.hash for one in current.values()}
    wrong: list[Reason] = []
    for name, then in pinned.items():
        now = current.get(name)
        if then.hash in unchanged:
            continue
        if now is None:
            wrong.append(Reason("definition_gone", None, then.hash, f"{_named(name, then)} is gone"))
        elif found := harm(then.meaning, now.meaning):
            text = f"{_named(name, then)}: {'; '.join(found)}"
            wrong.append(Reason("definition_changed", now.hash, then.hash, text))
    return Verdict(REJECT, tuple(wrong)) if wrong else Verdict(ACCEPT, (_kept(),))


def _named(name: str, one: Definition) -> str:
    return "the question" if one.kind == "question" else f"{one.kind} {name}"


def _kept() -> Reason:
    return Reason("definitions_kept", None, None, "every definition it was trained with gives the same values")
