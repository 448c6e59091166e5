"""Records the four legs of a training: what they were made of, and the contents that make it again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from homeostat.adapters.git.tree import working_tree
from homeostat.app.making import Trainable
from homeostat.app.provenance.environments import this_environment
from homeostat.app.provenance.gathering import Sources, project_of
from homeostat.kernel.canonical import canonical_json, plain
from homeostat.registry.legs import (
    CODE,
    DATA,
    ENVIRONMENT,
    LOOP,
    SOURCES,
    CodeLeg,
    ConfigLeg,
    DataLeg,
)
from homeostat.registry.models import Fingerprint, TrainingPin, Variant, Version
from homeostat.training.jobs import TrainingJob
from homeostat.training.rowhash import digest_rows
from homeostat.training.rows import TrainingRows

_SEEDS = ("seed", "random_state")


@dataclass(frozen=True, slots=True)
class Recorded:
    """The hashes of the legs, and the files by which a version's folder keeps them."""

    fingerprint: Fingerprint
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Recording:
    """Begun once the loop file is loaded, so that the code that is kept is the code that ran."""

    job: TrainingJob
    loop: Trainable
    sources: Sources

    @classmethod
    def begun(cls, job: TrainingJob, loop: Trainable) -> Self:
        """Read the code that is loaded by now."""
        file = Path(job.loop_file)
        project = project_of(file) if job.project is None else Path(job.project)
        sources = Sources(file, project.resolve(), loop.files)
        sources.read()
        return cls(job, loop, sources)

    def done(self, pin: TrainingPin, rows: TrainingRows, held_out_from: int, of: Version | None) -> Recorded:
        """The legs of a model that was made of ``rows``; ``of`` is the version that a variant was made of."""
        self.sources.read()
        code, archive = self._code()
        data = DataLeg(
            table_versions=pin.table_versions,
            sequence=pin.sequence,
            since=pin.since,
            cutoff=pin.cutoff,
            as_of=pin.as_of,
            held_out_from=held_out_from,
            definitions={name: one.hash for name, one in self.loop.feature_set.definitions.items()},
            label={
                "table": self.loop.label.table.name,
                "condition": self.loop.label.condition,
                "matures": self.loop.label.matures,
            },
            trained_on=digest_rows(rows),
        )
        config, environment = config_of(self.loop, self.job.variant, of), this_environment()
        told = {CODE: code, DATA: data, LOOP: config, ENVIRONMENT: environment}
        fingerprint = Fingerprint(code.hash, data.hash, config.hash, environment.hash)
        return Recorded(fingerprint, {**{name: canonical_json(one) for name, one in told.items()}, SOURCES: archive})

    def _code(self) -> tuple[CodeLeg, bytes]:
        """What is checked out was a tree once; it is none now."""
        tree, diff = None, None
        if self.job.project is None:
            tree, diff = working_tree(self.sources.project, self.sources.paths(), os.environ)
        leg = self.sources.leg(self.loop.train, tree)
        return leg, self.sources.archive(leg, diff)


def config_of(loop: Trainable, variant: Variant | None = None, of: Version | None = None) -> ConfigLeg:
    """The config leg of a loop as it is declared now."""
    seeds = {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "random"), **dict(_seeds(loop.config, "config"))}
    made = None if variant is None or of is None else {**plain(variant), "fingerprint": plain(of.fingerprint)}
    return ConfigLeg(plain(loop.config), seeds, loop.canonical, made)


def _seeds(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What the config says of chance, wherever in it."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            here = f"{path}.{name}"
            if any(word in str(name).lower() for word in _SEEDS) and not isinstance(one, Mapping):
                yield here, plain(one)
            else:
                yield from _seeds(one, here)
