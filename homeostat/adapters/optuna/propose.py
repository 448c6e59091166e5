"""Proposes by Optuna's tree-structured Parzen estimator, as a pure function of what was tried and the seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from homeostat.training.search import Options, Search, Span, Trial, Value


def propose(search: Search, tried: Sequence[Trial]) -> Mapping[str, Value]:
    """What to try after ``tried``. A search that was cut off goes on with the very values that it would have tried."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {name: _distribution(one) for name, one in search.space.items()}
    study = optuna.create_study(sampler=TPESampler(seed=search.seed + len(tried)))
    study.add_trials([_told(one, space) for one in tried])
    asked = study.ask(space)
    return {name: asked.params[name] for name in search.space}


def _distribution(one: Span | Options) -> BaseDistribution:
    if isinstance(one, Options):
        return CategoricalDistribution(one.values)
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)


def _told(one: Trial, space: Mapping[str, BaseDistribution]) -> FrozenTrial:
    state = TrialState.FAIL if one.loss is None else TrialState.COMPLETE
    return create_trial(params=dict(one.values), distributions=dict(space), value=one.loss, state=state)
