"""The last two steps of a version, sign and register: in control, where no function of the user's ever runs.

They are recorded as the child's steps are, so that they are seen beside them, and taken up after a kill between them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from homeostat.adapters.signing.keyring import Keyring
from homeostat.app.home import replace_whole
from homeostat.app.pipeline.gauge import ProcessGauge
from homeostat.app.signing.signer import sign
from homeostat.kernel.canonical import canonical_json, digest
from homeostat.kernel.errors import HomeostatError, Unavailable
from homeostat.registry.manifest import SIGNATURE, hash_file
from homeostat.registry.models import Registry, Version
from homeostat.training.jobs import JobFolder
from homeostat.training.steps import REGISTER, SIGN, Gauge, StepRecord

Work = Callable[[], Mapping[str, str]]
_LOG = logging.getLogger("homeostat.control")
PAUSES = (1.0, 4.0, 16.0, *(60.0,) * 60)
"""Seconds between tries of a registry that is away: an hour in all."""
PERHAPS = "the registry may hold a part of it"


@dataclass(frozen=True, slots=True)
class LastSteps:
    """Of one version at a time. ``pause`` waits so many seconds, and says whether this process shall end instead."""

    registry: Registry
    pause: Callable[[float], object]
    gauge: Gauge = field(default_factory=ProcessGauge)
    pauses: Sequence[float] = PAUSES

    def sign(self, version: Version, place: JobFolder, keys: Keyring) -> StepRecord:
        """Sign the staged folder; one whose signature holds stays as it is.

        Raises: IntegrityError when the folder is not what the version says; Refused where there is no key.
        """

        def work() -> Mapping[str, str]:
            sign(version, place.staged, keys)
            return {"signature": hash_file(place.staged / SIGNATURE)}

        return self._recorded(SIGN, {"version": digest(version.to_json())}, work, place)

    def register(self, version: Version, place: JobFolder) -> StepRecord:
        """Register it whole, or not at all: a registry that fails is tried again, then asked to forget what it took.

        Raises: Unavailable where it failed each time; what it refuses, at once.
        """
        manifest = digest(version.to_json())

        def work() -> Mapping[str, str]:
            self._tried(version, place)
            return {"registered": manifest}

        takes = {"version": manifest, "signature": hash_file(place.staged / SIGNATURE)}
        return self._recorded(REGISTER, takes, work, place)

    def _tried(self, version: Version, place: JobFolder) -> None:
        for seconds in (*self.pauses, None):
            problem = self._problem(version, place)
            if problem is None:
                return
            _LOG.warning("the registry did not take %s: %s", version.id, problem)
            if seconds is not None:
                _say(f"waiting for the registry, which is asked again in {seconds:g} s: {problem}", place)
            if seconds is None or self.pause(seconds):
                forget(self.registry, version.loop, version.version, place)
                raise _away(version, problem) from problem
            found = place.last_records()[REGISTER]
            _note(replace(found, attempts=found.attempts + 1), place)

    def _problem(self, version: Version, place: JobFolder) -> Exception | None:
        """Why the registry could not take it. Raises: what it refuses, of which it has taken nothing."""
        try:
            self.registry.add(version, place.staged)
        except Unavailable as error:
            return error
        except HomeostatError:
            _note(replace(place.last_records()[REGISTER], warnings=()), place)
            raise
        except Exception as error:  # whatever a registry's client comes up with
            return error
        return None

    def _recorded(self, name: str, takes: Mapping[str, str], work: Work, place: JobFolder) -> StepRecord:
        """Do it, and keep what it took, gave and cost; tries of a killed process count."""
        before = place.last_records()[name]
        attempts = before.attempts + 1 if before.takes == takes else 1
        warnings = (PERHAPS,) if name == REGISTER else ()
        _note(StepRecord(name, "running", takes, attempts=attempts, warnings=warnings), place)
        self.gauge.begin()
        began = self.gauge.seconds()
        try:
            gives = work()
        except HomeostatError as error:
            error.facts.setdefault("step", name)
            _note(replace(place.last_records()[name], state="failed"), place)
            raise
        done = replace(
            place.last_records()[name],
            state="done",
            gives=gives,
            seconds=self.gauge.seconds() - began,
            memory=self.gauge.peak(),
            warnings=(),
        )
        _note(done, place)
        return done


def forget(registry: Registry, loop: str, version: str, place: JobFolder) -> bool:
    """Take out of the registry what a registration that failed left there; whether nothing is left."""
    found = place.last_records()[REGISTER]
    if not found.warnings:
        return True
    try:
        registry.delete(loop, version)
    except Exception as error:  # whatever a registry's client comes up with
        _LOG.warning("what the registry took of %s/%s is there still: %s", loop, version, error)
        return False
    _note(replace(found, warnings=()), place)
    return True


def _say(text: str, place: JobFolder) -> None:
    """Among what the training said: people look there for how far it is."""
    with place.log.open("a") as log:
        log.write(f"{text.splitlines()[0]}\n")


def _note(record: StepRecord, place: JobFolder) -> None:
    place.root.mkdir(parents=True, exist_ok=True)
    told = {**place.last_records(), record.name: record}
    replace_whole(place.last_steps, canonical_json(list(told.values())))


def _away(version: Version, problem: Exception) -> Unavailable:
    said = problem.problem if isinstance(problem, HomeostatError) else f"{type(problem).__name__}: {problem}"
    return Unavailable(
        f"The registry did not take {version.id}: {said.splitlines()[0][:300]}",
        mend="See that it runs and its disk has room; the next training takes over what is done.",
        version=version.id,
    )
