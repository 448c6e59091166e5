"""Records the four legs of a training: what they were made of, and the contents that make it again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from homeostat.adapters.git.tree import working_tree
from homeostat.app.loops.labelled_loops import LabelledLoop
from homeostat.app.provenance.environments import this_environment
from homeostat.app.provenance.gathering import Gathering, project_of
from homeostat.app.provenance.variables import VariableReads
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
    EnvironmentLeg,
    RowsDigest,
    Tree,
)
from homeostat.registry.models import Fingerprint, TrainingPin, Variant, Version
from homeostat.training.jobs import TrainingJob

_SEEDS = ("seed", "random_state")


@dataclass(frozen=True, slots=True)
class Recorded:
    """The hashes of the legs, and the files by which a version's folder keeps them."""

    fingerprint: Fingerprint
    files: Mapping[str, bytes]
    tree: Tree | None


class Recordable(LabelledLoop, Protocol):
    """What is recorded of a loop."""

    @property
    def train(self) -> Callable[[Any, Mapping[str, Any]], Any]: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def files(self) -> Sequence[str]: ...
    @property
    def variables(self) -> Sequence[str]: ...
    @property
    def canonical(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Recording:
    """Begun once the loop file is loaded, so that the code that is kept is the code that ran.

    ``code_hash`` is that of what was loaded by then. ``reads`` knows which variables were read; None where nobody notes
    them.
    """

    job: TrainingJob
    loop: Recordable
    sources: Gathering
    environment: EnvironmentLeg
    code_hash: str
    reads: VariableReads | None = None

    @classmethod
    def begun(cls, job: TrainingJob, loop: Recordable, reads: VariableReads | None = None) -> Self:
        """Read the code that is loaded by now. Raises: InvalidInput for a declared file that is not there."""
        file = Path(job.loop_file)
        project = project_of(file) if job.project is None else Path(job.project)
        sources = Gathering(file, project.resolve(), loop.files)
        sources.read()
        if reads is not None:
            reads.declared = frozenset(loop.variables)
        return cls(job, loop, sources, this_environment(), sources.leg(loop.train, None).hash, reads)

    def code(self) -> dict[str, bytes]:
        """The files of the code leg, with what was imported since."""
        self.sources.read()
        tree, diff = None, None
        if self.job.project is None:  # what is checked out was a tree once; it is none now
            tree, diff = working_tree(self.sources.project, self.sources.paths(), os.environ)
        leg = self.sources.leg(self.loop.train, tree)
        return {CODE: canonical_json(leg), SOURCES: self.sources.archive(leg, diff)}

    def done(
        self,
        code: Mapping[str, bytes],
        pin: TrainingPin,
        rows: RowsDigest,
        held_out_from: int,
        made_with: Mapping[str, Any],
        of: Version | None,
        read: Collection[str] = (),
    ) -> Recorded:
        """The legs of a model that was made of ``rows`` by ``code`` with a config; ``of`` is what a variant was made
        of, ``read`` are variables that steps read which were done before."""
        label = self.loop.label
        data = DataLeg(
            table_versions=pin.table_versions,
            sequence=pin.sequence,
            since=pin.since,
            cutoff=pin.cutoff,
            as_of=pin.as_of,
            held_out_from=held_out_from,
            definitions={name: one.hash for name, one in self.loop.feature_set.definitions.items()},
            label={"table": label.table.name, "condition": label.condition, "matures": label.matures},
            trained_on=rows,
            feedback=None if pin.feedback is None else pin.feedback.to_json(),
        )
        config, leg = config_of(self.loop, self.job.variant, of, made_with), CodeLeg.from_json(json.loads(code[CODE]))
        variables = None if self.reads is None else self.reads.of({*self.reads.names, *read})
        environment = replace(self.environment, variables=variables)
        told = {DATA: data, LOOP: config, ENVIRONMENT: environment}
        fingerprint = Fingerprint(leg.hash, data.hash, config.hash, environment.hash)
        return Recorded(fingerprint, {**code, **{name: canonical_json(one) for name, one in told.items()}}, leg.tree)


def config_of(
    loop: Recordable,
    variant: Variant | None = None,
    of: Version | None = None,
    made_with: Mapping[str, Any] | None = None,
) -> ConfigLeg:
    """The config leg of a loop as it is declared now; ``made_with`` is the config that a search found."""
    config = loop.config if made_with is None or variant is not None else made_with
    seeds = {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "random"), **dict(_seeds(config, "config"))}
    made = None if variant is None or of is None else {**plain(variant), "fingerprint": plain(of.fingerprint)}
    return ConfigLeg(plain(config), seeds, loop.canonical, made)


def _seeds(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What the config says of chance, wherever in it."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            here = f"{path}.{name}"
            if any(word in str(name).lower() for word in _SEEDS) and not isinstance(one, Mapping):
                yield here, plain(one)
            else:
                yield from _seeds(one, here)
