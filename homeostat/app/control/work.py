"""What a retraining workflow does to the world; every call finds what an earlier one made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.app.control.facts import Facts
from homeostat.app.control.last_steps import LastSteps
from homeostat.app.home import Home
from homeostat.app.loops.authors import author_of
from homeostat.app.provenance.gathering import project_of
from homeostat.app.signing.trust import keyring
from homeostat.app.training.runner import TrainingRunner
from homeostat.control.loop import Loop
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import Refused, Unavailable
from homeostat.kernel.verdicts import ACCEPT
from homeostat.registry.archive import PROJECT
from homeostat.registry.binding import Binding, binding_of, judge_binding
from homeostat.registry.models import Registry, Variant, Version
from homeostat.registry.recorded import read_legs
from homeostat.training.jobs import JobFolder, TrainingJob, TrainingResult
from homeostat.training.steps import StepRecord

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Retrainer:
    """The effects of one loop's retraining. ``pause`` waits, and says whether this process shall end instead."""

    loop: Loop
    loop_file: Path
    home: Home
    registry: Registry
    facts: Facts
    runner: TrainingRunner
    pause: Callable[[float], object] = time.sleep

    def pin(self, ask: Json) -> Json:
        """Fix table versions and the newest sequence that counts, with everything acknowledged on disk."""
        sequence = self.facts.refresh()
        return {
            "table_versions": self._versions(),
            "sequence": sequence,
            "log_version": self.facts.log_version(self.loop.name),
        }

    def _versions(self) -> dict[str, int]:
        """Of every table; before anything was served nobody can have reported what came of it."""
        declared, found = self.loop.feedback, dict[str, int]()
        for table in self.loop.tables:
            try:
                found[table.name] = self.facts.version(table.name)
            except Unavailable:
                if declared is None or table != declared.reported:
                    raise
        return found

    def train(self, ask: Json, pin: Json) -> Json:
        """In a child process: check the data, make the model, prove what will serve, evaluate."""
        result = self.runner.run(self._job(ask, pin), self._folder(ask))
        author = author_of(self.loop_file.resolve(), self._took_part(JobFolder(self._folder(ask)).staged))
        return {**result.to_json(), "author": author}

    def _took_part(self, staged: Path) -> list[Path]:
        """The files of the user's project that a version was made with, as far as they are here."""
        code, project = read_legs(staged).code, project_of(self.loop_file)
        places = [] if code is None else [one.path.partition(f"{PROJECT}/") for one in code.files]
        return [project / rest for before, _, rest in places if not before and (project / rest).is_file()]

    def sign(self, ask: Json, trained: Json) -> Json:
        """Sign the version that was evaluated, in the folder where it was staged.

        Raises: Refused when it was trained with other definitions than this process runs with, or there is no key.
        """
        version = TrainingResult.from_json(trained).version
        self._must_be_ours(version)
        return self._told(self._last.sign(version, JobFolder(self._folder(ask)), keyring()))

    def register(self, ask: Json, trained: Json) -> Json:
        """Register what was signed, whole or not at all. Raises: Unavailable where the registry stays away."""
        version = TrainingResult.from_json(trained).version
        return self._told(self._last.register(version, JobFolder(self._folder(ask))))

    @property
    def _last(self) -> LastSteps:
        return LastSteps(self.registry, self.pause)

    def _told(self, record: StepRecord) -> Json:
        told: Json = plain(record)
        return told

    def _must_be_ours(self, version: Version) -> None:
        """The loop file is read again by every training; edited meanwhile, it makes what nobody here can feed."""
        found = judge_binding(binding_of(version), Binding.of(self.loop.feature_set))
        if found.name != ACCEPT:
            raise Refused(
                f"{version.version} was trained with other definitions than Homeostat runs with:"
                f" {'; '.join(found.texts)}.",
                mend=f"Restart Homeostat, so that all of it runs with {self.loop_file}.",
                version=version.version,
                definitions=list(found.texts),
            )

    def _folder(self, ask: Json) -> Path:
        return self.home.jobs / self.loop.name / str(ask["version"])

    def _job(self, ask: Json, pin: Json) -> TrainingJob:
        asked_at, champion = int(ask["asked_at"]), ask["champion"]
        since, cutoff = self.loop.training_span(asked_at, first=champion is None)
        variant, source = None, None
        if ask.get("variant") is not None:
            variant = Variant(**ask["variant"])
            source = str(self.registry.folder(self.loop.name, variant.of))
            pinned = self.registry.get(self.loop.name, variant.of).pin
            since, cutoff = pinned.since, pinned.cutoff
        return TrainingJob(
            loop_file=str(self.loop_file),
            loop=self.loop.name,
            version=str(ask["version"]),
            tables=str(self.home.tables),
            table_versions=pin["table_versions"],
            sequence=int(pin["sequence"]),
            since=since,
            cutoff=cutoff,
            as_of=asked_at,
            champion=None if champion is None else str(self.registry.folder(self.loop.name, champion)),
            min_rows=self.loop.retrain.min_rows,
            confidence=self.loop.gate.confidence,
            log=str(self.home.log),
            log_version=int(pin.get("log_version", -1)),
            served_since=asked_at - duration(self.loop.gate.served),
            variant=variant,
            source=source,
        )
