"""Runs steps: what was done before for the same inputs is taken from the store, the rest is done and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import HomeostatError, IntegrityError
from homeostat.registry.manifest import hash_file
from homeostat.training.steps import Gauge, Past, Step, StepRecord, StepStore

Say = Callable[[str], None]
Watch = Callable[[Sequence[StepRecord]], None]
_DAMAGED = (OSError, ValueError, KeyError, TypeError)


class Run:
    """One run of a pipeline; ``watch`` is shown its records whenever one changes.

    Values are loaded, or made, when somebody asks for them: a run of which everything is known loads nothing.
    """

    def __init__(self, steps: Sequence[Step], store: StepStore, gauge: Gauge, watch: Watch, say: Say) -> None:
        self.steps = tuple(steps)
        self._store, self._gauge, self._watch, self._say = store, gauge, watch, say
        self._maker = {output: step for step in self.steps for output in step.gives}
        self._records = {step.name: StepRecord(step.name) for step in self.steps}
        self._identities: dict[str, str] = {}
        self._made_by: dict[str, str] = {}
        self._read: set[str] = set()
        self._values: dict[str, Any] = {}

    @property
    def records(self) -> tuple[StepRecord, ...]:
        """Every step as it stands, in order."""
        return tuple(self._records.values())

    @property
    def variables(self) -> frozenset[str]:
        """The variables of the environment that steps read, now or when they were done."""
        return frozenset(self._read)

    def settle(self) -> None:
        """Do every step that was not done before, in order. Raises: what a step raises."""
        for step in self.steps:
            self._settle(step)

    def value(self, output: str) -> Any:
        """What a step gives: loaded where it was kept, else made."""
        step = self._maker[output]
        self._settle(step)
        if output not in self._values:
            self._load(step, output)
        if output not in self._values:
            self._work(step)
        return self._values[output]

    def _settle(self, step: Step) -> None:
        if all(output in self._identities for output in step.gives):
            return
        key = self._key(step)
        past = self._past(step, key)
        if past is not None:
            self._identities.update(past.gives)
            self._made_by[step.name] = _made_by(key, past.sources, past.variables)
            self._read.update(past.variables)
            told = {"rows": past.rows, "seconds": past.seconds, "memory": past.memory, "warnings": past.warnings}
            self._note(step, state="kept", takes=self._taken(step), gives=past.gives, **told)
        else:
            self._work(step)

    def _key(self, step: Step) -> str:
        for name in step.takes:
            self._settle(self._maker[name])
        return step.key(self._taken(step))

    def _taken(self, step: Step) -> dict[str, str]:
        return {name: self._identities[name] for name in step.takes}

    def _past(self, step: Step, key: str) -> Past | None:
        """What it came to, where all that it turned out to depend on is what it was."""
        past = self._store.find(key)
        if past is None or any(_hash(file) != known for file, known in past.sources.items()):
            return None
        other = any(step.reads.identity(name) != known for name, known in past.variables.items())
        return None if other else past

    def _load(self, step: Step, output: str) -> None:
        """A damaged file is as good as none: the step is done again."""
        format = step.gives[output]
        if self._records[step.name].state != "kept" or not format.kept:
            return
        try:
            self._values[output] = format.read(self._store.file(self._key(step), output))
        except _DAMAGED as error:
            self._say(f"{step.name}: what was kept cannot be read ({error}); it is done again")

    def _work(self, step: Step) -> None:
        key = self._key(step)
        taken = [self.value(name) for name in (*step.takes, *step.sees)]
        self._gauge.begin()
        began = self._gauge.seconds()
        given = self._attempt(step, taken)
        seconds = self._gauge.seconds() - began
        sources, variables = dict(step.sources()), dict(step.reads.read_by_now())
        made_by = self._made_by.setdefault(step.name, _made_by(key, sources, variables))
        found = {name: format.identity(given[name], made_by) for name, format in step.gives.items()}
        self._must_be_as_before(step, found)
        rows = {name: format.rows(given[name]) for name, format in step.gives.items()}
        counted = {name: count for name, count in rows.items() if count is not None}
        self._identities.update(found)
        self._values.update({name: given[name] for name in step.gives})
        warnings = self._records[step.name].warnings
        self._read.update(variables)
        past = Past(step.name, found, counted, warnings, seconds, self._gauge.peak(), sources, variables)
        self._keep(step, key, past)
        self._note(step, state="done", gives=found, rows=counted, seconds=seconds, memory=past.memory, done=0, of=0)

    def _attempt(self, step: Step, taken: Sequence[Any]) -> Mapping[str, Any]:
        for attempt in range(1, step.retries + 2):
            self._note(step, state="running", takes=self._taken(step), attempts=attempt, warnings=())
            try:
                return step.work(_StepNotes(self, step), *taken)
            except Exception as error:
                if not isinstance(error, step.passing) or attempt > step.retries:
                    self._fail(step, error)
                    raise
                self._say(f"{step.name}: {error}; trying again")
        raise AssertionError

    def _fail(self, step: Step, error: Exception) -> None:
        self._note(step, state="failed")
        if isinstance(error, HomeostatError):
            error.facts.setdefault("step", step.name)

    def _must_be_as_before(self, step: Step, found: Mapping[str, str]) -> None:
        known = {name: self._identities[name] for name in found if name in self._identities}
        other = [name for name, identity in known.items() if identity != found[name]]
        if other:
            raise IntegrityError(
                f"Step {step.name!r} gave other {', '.join(other)} than before for the same inputs.",
                mend="Let it depend on what it is given alone: seed what it draws, read no clock. Then run it again.",
                step=step.name,
            )

    def _keep(self, step: Step, key: str, past: Past) -> None:
        """Keeping spares a later run its work; where it fails, this one goes on."""

        def writer(output: str) -> Callable[[Path], None]:
            return lambda file: step.gives[output].write(self._values[output], file)

        try:
            self._store.keep(key, past, {name: writer(name) for name, one in step.gives.items() if one.kept})
        except OSError as error:
            self._say(f"{step.name}: what it gave cannot be kept for later runs: {error.strerror or error}")

    def _note(self, step: Step, **changes: Any) -> None:
        self._records[step.name] = replace(self._records[step.name], **changes)
        self._watch(self.records)

    def say(self, step: Step, text: str) -> None:
        """A line of a step's for the log."""
        self._say(f"{step.name}: {text}")

    def warn(self, step: Step, text: str) -> None:
        """Keep a warning with the step, and say it."""
        self._note(step, warnings=(*self._records[step.name].warnings, text))
        self._say(f"{step.name}: {text}")

    def progress(self, step: Step, done: int, of: int) -> None:
        """How far a step is."""
        self._note(step, done=done, of=of)


class _StepNotes:
    """One step's way to talk."""

    def __init__(self, run: Run, step: Step) -> None:
        self._run, self._step = run, step

    def say(self, text: str) -> None:
        self._run.say(self._step, text)

    def warn(self, text: str) -> None:
        self._run.warn(self._step, text)

    def progress(self, done: int, of: int) -> None:
        self._run.progress(self._step, done, of)


def _made_by(key: str, sources: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """What made an outcome that has no content to compare: the step's key, and all that it turned out to depend on.

    Files count by their names, not by where they lie: the same code elsewhere makes the same.
    """
    if not sources and not variables:
        return key
    files = sorted([Path(file).name, known] for file, known in sources.items())
    return digest({"key": key, "files": files, "variables": variables})


def _hash(file: str) -> str | None:
    try:
        return hash_file(Path(file))
    except OSError:
        return None
