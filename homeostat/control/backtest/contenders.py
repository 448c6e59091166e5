"""Policies as contenders of a back-test: judged by the judge that runs live, from nothing but what was known then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from homeostat.control.backtest.account import NEVER, ORACLE, Contender
from homeostat.control.backtest.matrix import WEEK, Matrix
from homeostat.control.backtest.play import Seen
from homeostat.control.days import Day
from homeostat.control.economics.inputs import Economics
from homeostat.control.economics.observed import Observed
from homeostat.control.economics.outlook import outlook_of
from homeostat.control.gates import Gate
from homeostat.control.performance.estimating import with_estimates
from homeostat.control.policies.drift import Drift
from homeostat.control.policies.economic import Economic
from homeostat.control.policies.judging import judge_retrain
from homeostat.control.policies.outcomes import Emergency, Realised
from homeostat.control.policies.retrain import DEFAULT, Retrain
from homeostat.control.policies.situation import Outlook
from homeostat.control.policies.sustained import Sustained
from homeostat.control.policies.timing import Growth, Schedule, Volume
from homeostat.control.reading import situation_of
from homeostat.kernel.clock import format_duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import RETRAIN, Reason, Verdict
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.registry.models import Fingerprint, TrainingPin, Version

OWN = "own"
_HASH = "0" * 64
Foretell = Callable[[str | None, Day, Sequence[Day]], EstimatedDay]
"""From the version that served on a day, the day and those before it to what was expected of it when it ended."""


@dataclass(frozen=True, slots=True)
class Loopwise:
    """What a policy is judged with beside the matrix: the loop's time zone, prices, threshold, replicas and gate; of
    predicted numbers ``foretell`` says what to expect of a day."""

    matrix: Matrix
    timezone: str
    economics: Economics | None
    threshold: float
    replicas: int = 1
    gate: Gate = field(default_factory=Gate)
    foretell: Foretell | None = None

    def contender(self, name: str, policy: Retrain, about: str = "") -> Contender:
        """A policy, asked at the beginning of a week.

        Quiet hours are over some time that day, and a person who is asked is taken to say yes at once.
        """
        free = dataclasses.replace(policy, quiet=None, ask="never")

        def judge(seen: Seen) -> Verdict:
            outlook = self._outlook(seen, policy, free.needs.outlook) if free.needs.outlook else None
            situation = situation_of(
                free,
                seen.state,
                self._expected(seen.days, free.needs.estimated),
                seen.promise,
                seen.now,
                timezone=self.timezone,
                outlook=outlook,
                learnt=self.matrix.learnt(seen.champion),
            )
            return judge_retrain(situation, free)

        return Contender(name, about or str(free.when), judge)

    def _expected(self, days: Sequence[Day], windows: int) -> Sequence[Day]:
        """The last days with what was expected of them when they ended."""
        news = days[-windows:] if windows else ()
        before = len(days) - len(news)
        if self.foretell is None:
            return [*days[:before], *with_estimates(days, news, self.threshold)]
        return [*days[:before], *(self._foretold(days, place) for place in range(before, len(days)))]

    def _foretold(self, days: Sequence[Day], place: int) -> Day:
        assert self.foretell is not None
        day = days[place]
        made = self.foretell(day.inputs.reference, day, days[:place])
        return dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, estimated=made))

    def _outlook(self, seen: Seen, policy: Retrain, windows: int) -> Outlook:
        """What age and retraining cost, by what was seen of this history so far."""
        versions = {self.matrix.trials[week].version: self._version(week) for week in seen.versions}
        return outlook_of(
            Observed(
                days=seen.days,
                versions=versions,
                champion=seen.state.route.champion,
                trainings={
                    self.matrix.trials[week].version: self.matrix.trials[week].seconds for week in seen.versions
                },
                released=sum(one.release.released for one in seen.asked),
                taken_back=sum(one.release.outcome == "taken_back" for one in seen.asked),
                retrained_at=[self.matrix.begins(one.week) for one in seen.asked],
                replicas=self.replicas,
                threshold=self.threshold,
                retrain=policy,
                gate=self.gate,
            ),
            self.economics,
            windows,
        )

    def _version(self, week: int) -> Version:
        trial = self.matrix.trials[week]
        rows, at = trial.labels[1] - trial.labels[0], trial.asked_at
        pin = TrainingPin({}, 0, None, trial.cutoff, at, rows, trial.cutoff, trial.cutoff, _HASH)
        return Version("", trial.version, at, (), Fingerprint(_HASH, _HASH, _HASH, _HASH), pin, {}, {}, {})


def usual(loopwise: Loopwise, own: Retrain) -> list[Contender]:
    """The policies that are worth comparing for any loop; ``economic`` only where prices are declared."""
    free = dataclasses.replace(own, cool_down=None, budget=None)

    def alone(when: object) -> Retrain:
        return dataclasses.replace(free, when=when)  # type: ignore[arg-type]

    learnt = loopwise.matrix.trials[0].labels
    found = [
        Contender("every-week", "asks for a version whenever none is under way", _always),
        loopwise.contender("monthly", alone(Schedule(at_latest="28d")), "every 28 days"),
        loopwise.contender("quarterly", alone(Schedule(at_latest="84d")), "every 84 days"),
        loopwise.contender(OWN, own, "as the loop declares"),
        loopwise.contender(
            "default", dataclasses.replace(free, when=DEFAULT, cool_down=Retrain().cool_down), "hs.Retrain()"
        ),
        loopwise.contender(
            "drift", _held(free, Sustained(Drift(), 3)), "PSI of any feature above its limit, 3 days in a row"
        ),
        loopwise.contender(
            "realised", _held(free, Sustained(Realised(), 3)), "skill below the promise, 3 looks in a row"
        ),
        loopwise.contender("volume", alone(Volume(learnt[1] - learnt[0])), f"{learnt[1] - learnt[0]:,} new labels"),
        loopwise.contender("growth", alone(Growth()), "as many new labels as the version learnt from"),
        loopwise.contender("emergency", alone(Emergency()), "skill below -0.1"),
    ]
    if loopwise.economics is not None:
        pays = alone(Economic() | Schedule(at_latest="84d"))
        about = "age costs more a day than the best rhythm does, or 84 days"
        found.append(loopwise.contender("economic", pays, about))
    return found


def of_file(loopwise: Loopwise, policies: Mapping[str, Retrain], own: Retrain) -> list[Contender]:
    """The policies of a file, beside the loop's own. Raises: as ``check_names``."""
    check_names(policies)
    return [loopwise.contender(name, policy) for name, policy in {OWN: own, **policies}.items()]


def check_names(policies: Mapping[str, Retrain]) -> None:
    """Raises: InvalidInput for a name that a back-test gives itself."""
    taken = [name for name in policies if name in (NEVER, ORACLE, OWN)]
    if taken:
        raise InvalidInput(
            f"A policy cannot be named {taken[0]!r}: a back-test always has one of that name.",
            mend="Give it another name in the file.",
            policy=taken[0],
        )


def _held(free: Retrain, when: object) -> Retrain:
    """A policy that looks at signals waits for its last version to show in them."""
    return dataclasses.replace(free, when=when, cool_down=format_duration(2 * WEEK * 86_400_000_000))  # type: ignore[arg-type]


def _always(_seen: Seen) -> Verdict:
    return Verdict(RETRAIN, (Reason("every_week", None, None, "a week has passed"),))
