"""What is suspicious, what is clear and what is unknown; reasons quote both sides."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.intervals import Interval
from homeostat.training.audit import AuditLimits, FeatureSeen, judge_feature

LIMITS = AuditLimits()


def near(value: float, reach: float = 0.01, days: int = 20) -> Interval:
    return Interval(value, value - reach, value + reach, days, 5_000, 0.95)


HONEST = FeatureSeen("x", 5_000, 20, near(0.6), near(0.05), near(0.1), 0.0, 0.0, ("delay", 0.01), ("shop", near(-0.2)))


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"auc": near(0.95)}, "too_good", "univariate AUC 0.95 (at least 0.94) > 0.9"),
        (
            {"copies": ("delay", 0.99)},
            "copies_the_label",
            "label's own delay in 99.0% of the rows > 95%",
        ),
        ({"own": 0.02}, "own_label_visible", "already visible to the join in 2.0% of the rows > 0.1%"),
        (
            {"late": 0.3},
            "known_too_late",
            "in 30.0% of the rows > 0.1% it stands on facts known only",
        ),
        ({"encodes": ("shop", near(0.4))}, "encodes_the_label", "per shop it knows at least 0.39 > 0.1 of the chance"),
        ({"fall": near(0.2), "gain": near(0.02)}, "tells_the_future", "AUC falls by 0.2 (at least 0.19 > 0.1)"),
    ],
)
def test_each_suspicion_is_raised_alone_and_quotes_both_sides(change: dict[str, object], code: str, text: str) -> None:
    verdict = judge_feature(dataclasses.replace(HONEST, **change), LIMITS)  # type: ignore[arg-type]
    assert (verdict.name, [reason.code for reason in verdict.reasons]) == ("SUSPICIOUS", [code])
    assert text in verdict.texts[0]


def test_an_honest_feature_is_clear_and_says_how_good_it_is() -> None:
    verdict = judge_feature(HONEST, LIMITS)
    assert (verdict.name, verdict.texts) == ("CLEAR", ("univariate AUC 0.6 (at most 0.61) with limit 0.9",))


@pytest.mark.parametrize("change", [{"auc": None}, {"days": 4, "auc": near(0.99)}])
def test_on_too_few_days_a_feature_is_unknown_not_clear(change: dict[str, object]) -> None:
    verdict = judge_feature(dataclasses.replace(HONEST, **change), LIMITS)  # type: ignore[arg-type]
    assert verdict.name == "INCONCLUSIVE"
    assert "needed" in verdict.texts[0]


def test_what_needs_no_interval_is_suspicious_on_any_number_of_days() -> None:
    assert judge_feature(dataclasses.replace(HONEST, days=1, auc=None, own=0.5), LIMITS).name == "SUSPICIOUS"


def test_news_that_fades_is_honest_as_long_as_tomorrow_would_tell_more() -> None:
    assert judge_feature(dataclasses.replace(HONEST, fall=near(0.2), gain=near(0.15)), LIMITS).name == "CLEAR"
    assert judge_feature(dataclasses.replace(HONEST, fall=near(0.2, 0.15), gain=near(0.0)), LIMITS).name == "CLEAR"


@given(st.floats(0.3, 0.99), st.floats(0.001, 0.2), st.floats(0.001, 0.2))
def test_less_certainty_never_makes_a_feature_suspicious(value: float, narrow: float, wider: float) -> None:
    sure, unsure = (
        judge_feature(dataclasses.replace(HONEST, auc=near(value, reach)), LIMITS).name
        for reach in (narrow, narrow + wider)
    )
    assert (sure, unsure) != ("CLEAR", "SUSPICIOUS")


@pytest.mark.parametrize("wrong", [{"auc": 0.5}, {"auc": 1.0}, {"confidence": 0.4}, {"min_days": 2}])
def test_limits_that_find_nothing_or_everything_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="between"):
        AuditLimits(**wrong)  # type: ignore[arg-type]
