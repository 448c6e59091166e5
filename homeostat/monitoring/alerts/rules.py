"""Every rule that can raise an alert: how urgent it is, when it opens, when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Severity = Literal["P0", "P1", "P2", "P3"]
SEVERITIES: tuple[Severity, ...] = ("P0", "P1", "P2", "P3")
Family = Literal["early", "late", "heartbeat", "decision"]
Timing = Literal["window", "state", "event"]
CAUSED_BY = ("data", "heartbeat", "serving", "skew", "decision", "model", "drift")
"""Which alert of several that are open is the most likely cause of the others: the first of these."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for an alert.

    ``worse`` is how urgent it may become. ``timing``: a ``window`` rule is read once for each day, and opens after
    ``opens`` days over its limit in a row and is over after ``clears`` known days within it; a ``state`` rule is read
    at every look and holds while the state does; an ``event`` happened once, and is over after ``clears`` days.
    ``together``: all its subjects are one alert. ``origin``: its place among causes. ``alone``: no other alert is why.
    ``blamed``: others may be put down to it; a question, or a candidate that left, brings nothing about.
    """

    name: str
    family: Family
    severity: Severity
    says: str
    do: str
    timing: Timing = "window"
    worse: Severity | None = None
    opens: int = 1
    clears: int = 1
    together: bool = False
    origin: str = "model"
    alone: bool = False
    blamed: bool = True


_ALL = (
    Rule(
        "nobody_serves",
        "decision",
        "P0",
        "a loop that has served answers nobody",
        "See 'homeostat status' for why; put the definitions back, or wait for the first version to be trained anew.",
        timing="state",
        origin="serving",
    ),
    Rule(
        "limits_broken",
        "decision",
        "P0",
        "what serves breaks its limits on errors, latency or predictions, and nobody stands by",
        "Look at 'homeostat latency' and the gateway's log; 'homeostat rollback --to' serves an older version.",
        timing="state",
        origin="serving",
    ),
    Rule(
        "untrusted",
        "decision",
        "P1",
        "a version was not loaded because its files are not what somebody trusted has signed",
        "Find out who changed what; 'homeostat keys list' tells whose signatures count. What served before goes on.",
        timing="state",
        origin="serving",
        alone=True,
    ),
    Rule(
        "taken_back",
        "decision",
        "P1",
        "a limit took back what served",
        "Read the decision; see what changed in the version, or in what it was sent.",
        timing="event",
        clears=3,
        origin="decision",
    ),
    Rule(
        "stands_down",
        "decision",
        "P1",
        "the champion left because the loop file cannot feed it",
        "See 'homeostat decisions' for the definitions that differ.",
        timing="event",
        clears=3,
        origin="decision",
        alone=True,
    ),
    Rule(
        "state_not_restored",
        "decision",
        "P1",
        "state that depends on the version could not be put back",
        "Read the decision: it names the command that tries again.",
        timing="event",
        clears=3,
        origin="decision",
        alone=True,
    ),
    Rule(
        "failures",
        "early",
        "P1",
        "more requests of a day than allowed were answered with a server error",
        "Read process-logs/gateway.log.",
        origin="serving",
    ),
    Rule(
        "stopped",
        "heartbeat",
        "P2",
        "a signal that used to come with every day did not",
        "See which part is away: who asks, who sends the labels, or the process log of control.",
        worse="P1",
        origin="heartbeat",
    ),
    Rule(
        "not_measured",
        "heartbeat",
        "P1",
        "a day that is over was not measured",
        "Read process-logs/control.log.",
        timing="state",
        origin="heartbeat",
        alone=True,
    ),
    Rule(
        "control_silent",
        "heartbeat",
        "P1",
        "the control process has not looked at its loops for minutes",
        "Read process-logs/control.log; predictions go on meanwhile.",
        timing="state",
        origin="heartbeat",
        alone=True,
    ),
    Rule(
        "not_delivered",
        "heartbeat",
        "P1",
        "alerts do not reach an address",
        "Try 'homeostat alerts test --to NAME', then mend the address.",
        timing="state",
        origin="heartbeat",
        alone=True,
    ),
    Rule(
        "skew",
        "early",
        "P2",
        "features are served with other values than the tables give",
        "'homeostat skew' names the features and the cause; retraining does not help.",
        worse="P1",
        clears=3,
        together=True,
        origin="skew",
    ),
    Rule(
        "freshness",
        "early",
        "P2",
        "a source has been silent for longer than its objective",
        "Ask who sends it; retraining on what is missing does not help.",
        worse="P1",
        origin="data",
    ),
    Rule(
        "quarantine",
        "early",
        "P2",
        "more rows than allowed broke the contract of their table",
        "'homeostat quarantine TABLE' shows them with what was wrong.",
        worse="P1",
        origin="data",
    ),
    Rule(
        "missing",
        "early",
        "P2",
        "features are missing much more often than in training",
        "Find out who fills them; see the page of features.",
        opens=2,
        clears=2,
        together=True,
        origin="data",
    ),
    Rule(
        "skill",
        "late",
        "P2",
        "realised skill has fallen below what the champion promised, and stays there",
        "The loop retrains by itself where its policy allows; see 'homeostat decisions'.",
        worse="P1",
        clears=3,
        origin="model",
    ),
    Rule(
        "calibration",
        "late",
        "P2",
        "predicted probabilities lie too high or too low on average",
        "Thresholds and expected costs are off by as much until a version is trained on newer rows.",
        clears=3,
        origin="model",
    ),
    Rule(
        "slice",
        "late",
        "P3",
        "a declared slice does worse than before while the whole is within its limits",
        "'homeostat slices' shows it beside the rest; 'homeostat diagnose' asks why.",
        worse="P2",
        opens=2,
        clears=3,
        origin="model",
    ),
    Rule(
        "gap",
        "late",
        "P2",
        "since a retraining a cohort is served worse beside all others",
        "'homeostat performance' shows the gap under each version; where predictions shape labels, see the page of it.",
        opens=2,
        clears=3,
        origin="model",
    ),
    Rule(
        "labels_missing",
        "late",
        "P2",
        "far fewer predictions than usual got their label in time",
        "Ask who sends the labels; figures of these days stand on the others.",
        origin="data",
    ),
    Rule(
        "reports_missing",
        "late",
        "P2",
        "of many answers callers have not reported what they did, or not so that it can be",
        "'homeostat performance' counts what is wrong; figures are unknown where it is too many over two weeks.",
        origin="data",
    ),
    Rule(
        "training_failed",
        "decision",
        "P2",
        "a training ended in an error",
        "The decision and jobs/<loop>/<version>/ say why; the champion goes on.",
        timing="event",
        clears=3,
        origin="decision",
        blamed=False,
    ),
    Rule(
        "held",
        "decision",
        "P2",
        "a version that passed its gate waits for a checkpoint of the state",
        "'homeostat checkpoints --take' takes one, and the release goes on.",
        timing="state",
        origin="decision",
        alone=True,
        blamed=False,
    ),
    Rule(
        "asks",
        "decision",
        "P2",
        "a rollout, a gate or a policy asks a person",
        "'homeostat approve' or 'reject'; without an answer a candidate leaves, and a policy asks again.",
        timing="state",
        origin="decision",
        alone=True,
        blamed=False,
    ),
    Rule(
        "arm_stopped",
        "decision",
        "P2",
        "an arm of an experiment was proven worse and is not asked any more",
        "End the experiment, or give it another arm.",
        timing="event",
        clears=3,
        origin="decision",
    ),
    Rule(
        "drill_failed",
        "decision",
        "P2",
        "a rehearsed rollback failed",
        "Read the decision: a real one would fail too.",
        timing="event",
        clears=3,
        origin="decision",
        alone=True,
        blamed=False,
    ),
    Rule(
        "candidate_left",
        "decision",
        "P3",
        "a candidate did not pass its gate, or was taken back before it was champion",
        "Nothing: that is what gates and canaries are for. Often in a row, look at the training.",
        timing="event",
        clears=3,
        origin="decision",
        blamed=False,
    ),
    Rule(
        "drift",
        "early",
        "P3",
        "inputs are distributed otherwise than in training",
        "Nothing by itself: see whether skill falls. Drift alone is no reason to retrain.",
        opens=3,
        clears=3,
        together=True,
        origin="drift",
    ),
    Rule(
        "prediction_drift",
        "early",
        "P3",
        "predictions are distributed otherwise than in training",
        "Nothing by itself: see whether skill falls. Drift alone is no reason to retrain.",
        opens=3,
        clears=3,
        origin="drift",
    ),
)
RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _ALL})


def urgency(severity: str) -> int:
    """0 for the most urgent.

    >>> urgency("P0"), urgency("P3")
    (0, 3)
    """
    return SEVERITIES.index(severity)
