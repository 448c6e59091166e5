"""An immutable version: its inputs, its four-legged fingerprint, its pinned data, what it promised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from homeostat.features.defined import Definition
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant

Kind = Literal["text", "number"]
RuntimeName = Literal["onnx", "lightgbm", "xgboost", "skops"]
Precision = Literal["int8", "float16"]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The four legs a model stands on, each as SHA-256; equal legs mean an equal model."""

    code: str
    data: str
    config: str
    environment: str


_SAID_IF_DECLARED = ("chance", "drawn", "reported", "unreported")


@dataclass(frozen=True, slots=True)
class PinnedFeedback:
    """How rows were taken where predictions shape labels: by the draws of the prediction log at ``log_version``.

    ``acts`` is when callers act, of whom one in ``one_in`` is left alone (None: nobody), or each with a ``chance`` of
    its own; callers may have ``drawn`` themselves, by a column of the question, or ``reported`` to a table what they
    did: then of ``unreported`` answers, which are left out, they had not, though it was due. ``weighted`` says whether
    training was given weights. ``explored`` rows of the pin stand for more than themselves, ``weight`` in all.
    """

    log_version: int
    acts: str
    one_in: int | None
    weighted: bool
    explored: int
    weight: int
    chance: str | None = None
    drawn: str | None = None
    reported: str | None = None
    unreported: int | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON values only; nothing is said of what is not declared, so that older hashes stay."""
        values: dict[str, Any] = plain(self)
        return {name: one for name, one in values.items() if one is not None or name not in _SAID_IF_DECLARED}


@dataclass(frozen=True, slots=True)
class TrainingPin:
    """Exactly which rows a version was trained on; the same pin always rebuilds the same rows.

    ``table_versions`` are Delta versions, ``sequence`` the newest ingest sequence that counts.
    Trained on questions asked before ``cutoff`` (and not before ``since``, if given) whose labels had matured
    at ``as_of``; ``first`` and ``last`` are when the first and last of them were asked, ``rows`` how many.
    ``feedback`` says which were left out because a prediction shaped their label; None where the loop declares none.
    """

    table_versions: Mapping[str, int]
    sequence: int
    since: Instant | None
    cutoff: Instant
    as_of: Instant
    rows: int
    first: Instant
    last: Instant
    feature_hash: str
    feedback: PinnedFeedback | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON values only; nothing is said of a feedback where there is none, so that older hashes stay."""
        values: dict[str, Any] = plain(self)
        if self.feedback is None:
            return {name: one for name, one in values.items() if name != "feedback"}
        return {**values, "feedback": self.feedback.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainingPin:
        """Read what ``to_json`` wrote; raises TypeError where a part is missing."""
        told = values.get("feedback")
        return cls(**{**values, "feedback": None if told is None else PinnedFeedback(**told)})


@dataclass(frozen=True, slots=True)
class Proof:
    """How closely the form that serves answers as the estimator did: the greatest differences.

    In probability; of predicted numbers as a share of how much they differ from row to row.

    Of all ``rows`` compared, and per ``slices``: by text feature and text. None may be above ``tolerance``.
    """

    rows: int
    worst: float
    tolerance: float
    slices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """In which form a version is served: the runtime, its model's file, and the proof that it is equal.

    ``why`` says why it is not ONNX; empty where it is.
    """

    runtime: RuntimeName
    model: str
    why: str
    proof: Proof

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Form:
        """Read what a manifest says; raises KeyError or TypeError where a part is missing."""
        return cls(**{**values, "proof": Proof(**values["proof"])})


@dataclass(frozen=True, slots=True)
class Variant:
    """How a version is made of another one's model instead of by training: ``of`` it, with weights of ``precision``."""

    of: str
    precision: Precision


@dataclass(frozen=True, slots=True)
class Version:
    """A registered model that never changes; ``created_at`` is in event time.

    ``inputs`` are the model's feature names and kinds in order. ``metrics`` and ``promise`` are measured on
    held-out rows later than the pin's cut-off; ``promise`` is what live outcomes are later held against.
    ``files`` maps each file of the version's folder, the manifest itself excepted, to its SHA-256.
    ``definitions`` are those it was trained with, by name; empty in versions older than their keeping.
    ``form`` is None in versions from when all were ONNX. ``variant`` says of which version's model it was made; None
    where it was trained. ``task`` is `stats.tasks.Task` as JSON; None for yes or no. The proof of a variant's
    form tells how far its answers are from that version's.
    """

    loop: str
    version: str
    created_at: Instant
    inputs: tuple[tuple[str, Kind], ...]
    fingerprint: Fingerprint
    pin: TrainingPin
    metrics: Mapping[str, float]
    promise: Mapping[str, float | str]
    files: Mapping[str, str]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    form: Form | None = None
    variant: Variant | None = None
    task: Mapping[str, Any] | None = None

    @property
    def runtime(self) -> str:
        """What serves it; a version of a later release may name what this one does not know."""
        return "onnx" if self.form is None else self.form.runtime

    @property
    def id(self) -> str:
        """The name under which every store looks it up before it makes another: ``<loop>/<version>``."""
        return f"{self.loop}/{self.version}"

    @property
    def number(self) -> int:
        """Its place in the loop's order: ``v12`` is 12."""
        return int(self.version.removeprefix("v"))

    def to_json(self) -> dict[str, object]:
        """JSON values only; ``from_json`` reads them back. Its hash identifies the version.

        Nothing is said of what an older version does not have: its hash stays what it was.
        """
        values: dict[str, object] = {**plain(self), "pin": self.pin.to_json()}
        unsaid = {name for name in ("definitions", "form", "variant", "task") if not values[name]}
        return {name: value for name, value in values.items() if name not in unsaid}

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Version:
        """Read what ``to_json`` wrote; raises KeyError or TypeError where a part is missing."""
        fields = dict(values)
        inputs = tuple((str(name), kind) for name, kind in fields.pop("inputs"))  # type: ignore[attr-defined]
        fingerprint = Fingerprint(**fields.pop("fingerprint"))  # type: ignore[arg-type]
        pin = TrainingPin.from_json(fields.pop("pin"))  # type: ignore[arg-type]
        told: Mapping[str, Any] = fields.pop("definitions", {})  # type: ignore[assignment]
        definitions = {name: Definition(**one) for name, one in told.items()}
        said: Any = fields.pop("form", None)
        form = None if said is None else Form.from_json(said)
        made: Any = fields.pop("variant", None)
        variant = None if made is None else Variant(**made)
        legs = {"inputs": inputs, "fingerprint": fingerprint, "pin": pin, "definitions": definitions}
        return cls(**legs, form=form, variant=variant, **fields)  # type: ignore[arg-type]


class Registry(Protocol):
    """Keeps versions for good. Every call may be repeated: the effect is there once."""

    def add(self, version: Version, folder: Path) -> None:
        """Register the version whose files lie in ``folder``; registering it again changes nothing.

        Raises: IntegrityError when the folder is not what the version says; Untrusted where nobody trusted has signed
        it; Conflict when another content is already registered under the same loop and version.
        """
        ...

    def get(self, loop: str, version: str) -> Version:
        """The version as registered. Raises: NotFound."""
        ...

    def list(self, loop: str) -> list[Version]:
        """All versions of a loop, oldest first; empty when there are none."""
        ...

    def folder(self, loop: str, version: str, *, anew: bool = False) -> Path:
        """A local folder with the version's proven files, fetched again when it is gone, or ``anew`` in any case.

        Raises: NotFound, IntegrityError, Untrusted.
        """
        ...

    def countersign(self, loop: str, version: str, sign: Callable[[Path], None]) -> None:
        """Give a version the signature that ``sign`` writes into a folder with its files as they were registered.

        Raises: NotFound, IntegrityError when they are not what was registered, and what ``sign`` raises.
        """
        ...

    def delete(self, loop: str, version: str) -> None:
        """Remove a version and its files for good; one that is not there is none to remove."""
        ...

    def mirror(self, loop: str, aliases: Mapping[str, str | None]) -> None:
        """Make the registry's aliases show the route: each alias points at its version, None removes it."""
        ...
