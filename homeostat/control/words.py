"""Every name that a loop file is written with, for ``homeostat`` to hand out."""

from __future__ import annotations

from homeostat.control.economics.costs import MonitoringBudget
from homeostat.control.economics.inputs import Economics
from homeostat.control.economics.money import Money
from homeostat.control.gates import Gate
from homeostat.control.limits import Limits
from homeostat.control.loop import Loop
from homeostat.control.policies.base import at_least
from homeostat.control.policies.drift import Drift
from homeostat.control.policies.economic import Economic
from homeostat.control.policies.outcomes import Emergency, Estimated, Realised
from homeostat.control.policies.retrain import Budget, Retrain
from homeostat.control.policies.sustained import Sustained
from homeostat.control.policies.timing import Growth, Schedule, Volume
from homeostat.control.rehearsals import Drills
from homeostat.control.retention import Keep
from homeostat.control.rollouts import Canary, blue_green
from homeostat.control.versioned_state import State, StateFolder
from homeostat.data.contracts import Column, boolean, instant, integer, number, text
from homeostat.data.feedback import Feedback
from homeostat.data.labels import Label
from homeostat.data.log_policy import Log
from homeostat.data.rules import batch_mean, batch_missing, batch_rows, rule, unique
from homeostat.data.tables import Table
from homeostat.features.summaries import (
    count,
    distinct,
    first,
    last,
    maximum,
    mean,
    minimum,
    quantile,
    share,
    std,
    sum_,
)
from homeostat.features.transforms import transform
from homeostat.features.views import Latest, Window
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.drift_limits import DriftLimits
from homeostat.training.own_steps import step
from homeostat.training.search import Search, choice, log_uniform, uniform, whole

__all__ = [
    "Alerts",
    "Budget",
    "Canary",
    "Column",
    "Drift",
    "DriftLimits",
    "Drills",
    "Economic",
    "Economics",
    "Emergency",
    "Estimated",
    "Feedback",
    "Gate",
    "Growth",
    "Keep",
    "Label",
    "Latest",
    "Limits",
    "Log",
    "Loop",
    "Money",
    "MonitoringBudget",
    "Realised",
    "Retrain",
    "Schedule",
    "Search",
    "State",
    "StateFolder",
    "Sustained",
    "Table",
    "Volume",
    "Window",
    "at_least",
    "batch_mean",
    "batch_missing",
    "batch_rows",
    "blue_green",
    "boolean",
    "choice",
    "count",
    "distinct",
    "first",
    "instant",
    "integer",
    "last",
    "log_uniform",
    "maximum",
    "mean",
    "minimum",
    "number",
    "quantile",
    "rule",
    "share",
    "std",
    "step",
    "sum_",
    "text",
    "transform",
    "uniform",
    "unique",
    "whole",
]
