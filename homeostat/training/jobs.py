"""A training job and its folder: what is asked of the child process, and what it leaves there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.manifest import verify_files
from homeostat.registry.models import Variant, Version
from homeostat.training.evaluation import Evaluation
from homeostat.training.steps import REGISTER, SIGN, StepRecord

_LONGEST = 500


class TrainingFailed(HomeostatError):
    """Training ended without a version: the loop's ``train`` raised, or the child process died."""

    code = "training_failed"


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Everything that decides a candidate; the same job always makes the same version.

    ``tables`` is the folder of the tables, read at ``table_versions`` up to ingest ``sequence``. Rows asked
    in [``since``, ``cutoff``) are trained on, later ones are held out; all have labels matured by ``as_of``.
    ``champion`` is the version folder to compare with, None when there is none. ``confidence`` is that of the
    evaluation's intervals. Rows served from ``served_since`` on are read from the prediction logs in ``log`` at
    ``log_version`` and compared with what training computes for them; -1 when nothing was served yet.
    ``variant`` says of which version's model the candidate is made, whose folder is ``source``; None where it is
    trained. ``held_out_from`` is given where a version is made again: rows from then on were held out, whatever the
    champion was. ``project`` is then the folder of its checked out code.
    """

    loop_file: str
    loop: str
    version: str
    tables: str
    table_versions: Mapping[str, int]
    sequence: int
    since: Instant | None
    cutoff: Instant
    as_of: Instant
    champion: str | None
    min_rows: int
    confidence: float = 0.95
    log: str = ""
    log_version: int = -1
    served_since: Instant = 0
    variant: Variant | None = None
    source: str | None = None
    held_out_from: Instant | None = None
    project: str | None = None

    @property
    def hash(self) -> str:
        """Identifies the job by its content."""
        return digest(self)

    def to_json(self) -> dict[str, object]:
        """JSON values only; ``from_json`` reads them back."""
        values: dict[str, object] = plain(self)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainingJob:
        """Read what ``to_json`` wrote; raises TypeError where a part is missing."""
        fields = dict(values)
        made = fields.pop("variant", None)
        return cls(variant=None if made is None else Variant(**made), **fields)


@dataclass(frozen=True, slots=True)
class Burden:
    """What a version's model weighs: its ``bytes``, and seconds that a row took alone and among ``TOGETHER``.

    Measured where the candidate was made, one after the other: good for comparison, not as a promise.
    """

    version: str
    bytes: int
    row_seconds: float
    row_seconds_together: float


TOGETHER = 16
"""Rows of a call by which a row's cost in company is measured."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A finished job: the version, its evaluation, and how closely its serving form was proven equal.

    ``proof_rows`` were compared; ``proof_worst`` is the greatest difference in probability. ``burdens`` are those of a
    variant and of the version that it was made of; None where the candidate was trained. ``steps`` are what making it
    took. ``dirty`` says whether its code differs from the commit of its tree; None where no commit is known.
    """

    version: Version
    evaluation: Evaluation
    proof_rows: int
    proof_worst: float
    burdens: tuple[Burden, Burden] | None = None
    steps: tuple[StepRecord, ...] = ()
    dirty: bool | None = None

    def to_json(self) -> dict[str, object]:
        """JSON values only; ``from_json`` reads them back."""
        values: dict[str, object] = plain(self)
        return {**values, "version": self.version.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainingResult:
        """Read what ``to_json`` wrote; raises KeyError or TypeError where a part is missing."""
        return cls(
            Version.from_json(values["version"]),
            Evaluation.from_json(values["evaluation"]),
            values["proof_rows"],
            values["proof_worst"],
            burdens_of(values),
            tuple(StepRecord.from_json(one) for one in values.get("steps", ())),
            values.get("dirty"),
        )


def burdens_of(result: Mapping[str, Any]) -> tuple[Burden, Burden] | None:
    """A variant's burden and that of the version it was made of, out of a result's JSON."""
    told = result.get("burdens")
    return None if told is None else (Burden(**told[0]), Burden(**told[1]))


@dataclass(frozen=True, slots=True)
class JobFolder:
    """Where one job works and leaves what it made; nothing in it is needed once the version is registered."""

    root: Path

    @property
    def job(self) -> Path:
        """What was asked."""
        return self.root / "job.json"

    @property
    def staged(self) -> Path:
        """The version's folder, complete or absent."""
        return self.root / "version"

    @property
    def result(self) -> Path:
        """The result or the error; written last."""
        return self.root / "result.json"

    @property
    def evaluation(self) -> Path:
        """The evaluation alone, for people."""
        return self.root / "evaluation.json"

    @property
    def steps(self) -> Path:
        """How far each step is, while the child works and after."""
        return self.root / "steps.json"

    @property
    def last_steps(self) -> Path:
        """How far signing and registering are, which are control's to do."""
        return self.root / "last_steps.json"

    @property
    def log(self) -> Path:
        """What the child printed, the traceback of a failed ``train`` included."""
        return self.root / "train.log"

    @property
    def lock(self) -> Path:
        """Held by the child at work, so that two never work here at once."""
        return self.root / "lock"

    def last_records(self) -> dict[str, StepRecord]:
        """How far signing and registering are, by name, in order."""
        found = {name: StepRecord(name) for name in (SIGN, REGISTER)}
        with suppress(OSError, ValueError, KeyError, TypeError):
            for one in json.loads(self.last_steps.read_bytes()):
                found[one["name"]] = StepRecord.from_json(one)
        return found

    def finished(self, job: TrainingJob) -> TrainingResult | None:
        """The result of this very job, when it is there and its files are what was written; else None."""
        told = self.told(job)
        if told is None or "error" in told:
            return None
        try:
            result = TrainingResult.from_json(told["result"])
            verify_files(result.version, self.staged)
        except (OSError, ValueError, KeyError, TypeError, HomeostatError):
            return None
        return result

    def told(self, job: TrainingJob) -> Mapping[str, Any] | None:
        """What the child that did this very job wrote last; None before."""
        try:
            found = json.loads(self.result.read_bytes())
            return found if found["job"] == job.hash else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def error(self, job: TrainingJob) -> HomeostatError | None:
        """The error this very job ended in, as it was raised in the child; None without one."""
        told = self.told(job)
        try:
            return None if told is None else _revived(told["error"])
        except (KeyError, TypeError):
            return None


def running_step(place: JobFolder) -> str | None:
    """The step at which a child was when it ended, or that failed; None where it had not come to one."""
    try:
        told = json.loads(place.steps.read_bytes())
        return next((str(one["name"]) for one in told if one["state"] in ("running", "failed")), None)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def too_large(job: TrainingJob, memory: int, step: str | None) -> TrainingFailed:
    """What is told where a training, with all that it started, holds more than it may."""
    where = "" if step is None else f" in step {step!r}"
    return TrainingFailed(
        f"Training {job.version} of {job.loop} needs more than {memory >> 20} MiB of memory{where}.",
        mend="Train on less (a shorter history, fewer features), or allow more: 'homeostat up --train-memory-mib'.",
        version=job.version,
        step=step,
    )


def fell_over(job: TrainingJob, error: Exception, place: JobFolder) -> TrainingFailed:
    """What is told where a training ends in what nobody has foreseen."""
    step = running_step(place)
    where = "" if step is None else f" in step {step!r}"
    return TrainingFailed(
        f"Training {job.version} of {job.loop} failed{where}: {in_short(error)}.",
        mend=f"Its traceback is at the end of {place.log}. Where none of your lines is in it, a library cannot work"
        " with what train() returned, or changed in this process: return a plain estimator, and change nothing else.",
        version=job.version,
        step=step,
        log=str(place.log),
    )


def in_short(error: BaseException) -> str:
    """The kind of an error and what it says, in one line of text that can be stored and shown.

    >>> in_short(ValueError("two\\nlines \\x1b[2J"))
    'ValueError: two lines \\\\x1b[2J'
    """
    said = " ".join(str(error).split())
    said = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in said)
    return f"{type(error).__name__}: {said}"[:_LONGEST].rstrip(".: ")


def cannot_write(job: TrainingJob, folder: Path, error: OSError) -> TrainingFailed:
    """What is told where a training's files cannot be read or written: a full disk, most of the time."""
    return TrainingFailed(
        f"Training {job.version} of {job.loop} cannot use its files: {error.strerror or error}.",
        mend=f"See that the disk of {folder} has room and can be written to; the next training goes on from there.",
        version=job.version,
        file=str(error.filename or folder),
    )


def _revived(told: Mapping[str, Any]) -> HomeostatError:
    kinds = {kind.code: kind for kind in _family(HomeostatError)}
    kind = kinds.get(told["code"], TrainingFailed)
    return kind(told["problem"], mend=told["mend"], **told["facts"])


def _family(kind: type[HomeostatError]) -> list[type[HomeostatError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _family(child))]
