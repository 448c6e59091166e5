"""What audit and review print for people: it fits, it says why, and unknown looks unknown."""

from __future__ import annotations

from typing import Any

import pytest

from homeostat.cli import features_audit, features_review
from homeostat.stats.tasks import Regression

BOUNDS = {"value": 0.61, "low": 0.6, "high": 0.62, "blocks": 20, "rows": 900, "confidence": 0.95}
WORTH = {**BOUNDS, "value": 0.002, "low": -0.0015, "high": 0.0055}


def audited(verdict: str, reason: str, **more: Any) -> dict[str, Any]:
    gaps = {"auc": BOUNDS, "fall": None, "gain": None}
    return {"feature": "carrier_landed_24h", "verdict": verdict, "reasons": [reason], **gaps, **more}


def test_an_audit_shows_every_feature_and_explains_the_suspicious(capsys: pytest.CaptureFixture[str]) -> None:
    seen = [
        audited("CLEAR", "fine", fall={**BOUNDS, "value": 0.05}, gain={**BOUNDS, "value": 0.1}),
        audited("SUSPICIOUS", "univariate AUC 0.95 (at least 0.94) > 0.9"),
        audited("INCONCLUSIVE", "labels on 2 days", auc=None),
    ]
    span = {"rows": 900, "days": 20, "first": "2013-01-01T05:00:00Z", "last": "2013-01-20T05:00:00Z"}
    shape = {
        **span,
        "delay_seconds": 17_520.0,
        "known_times_testable": 0.75,
        "suspicious": 1,
        "told_apart": "rows of the commonest class",
    }
    told_apart = "rows of the commonest class"
    features_audit._text({"loop": "late-arrival", **shape, "told_apart": told_apart, "features": seen})
    shown = capsys.readouterr().out
    assert "900 labelled rows of 20 days, 2013-01-01 to 2013-01-20" in shown
    assert "tells rows of the commonest class from the others" in shown
    assert "carrier_landed_24h  clear       0.610  0.600 0.620   -0.050  +0.100" in shown
    assert "carrier_landed_24h  unknown         -            -        -       -" in shown
    assert "    univariate AUC 0.95 (at least 0.94) > 0.9" in shown
    assert "1 of 3 features are suspicious, 1 unknown." in shown
    assert "25.0% of the rows were accepted after their labels" in shown
    assert max(map(len, shown.splitlines())) <= 90


def reviewed(verdict: str, reason: str, **more: Any) -> dict[str, Any]:
    unknown = {"importance": {}, "without": None, "gain": None, "missing": None}
    return {"feature": "carrier_landed_24h", "verdict": verdict, "reasons": [reason], **unknown, **more}


def definition(name: str, why: str | None) -> dict[str, Any]:
    took = {"p50": None if why else 31.4, "p99": None if why else 90.0, "why": why}
    cost = {"lookup_us": took, "table_bytes": 3_800_000, "shared_with": ["the label"]}
    return {"definition": name, "features": ["a", "b"], **reviewed("KEEP", "worth it", without=WORTH), **cost}


def review_of(retrained: dict[str, Any] | None) -> dict[str, Any]:
    seen = [
        reviewed("KEEP", "needed", importance={"v1": WORTH, "v2": None}, without=WORTH, gain=0.123, missing=0.5),
        reviewed("DROP", "shuffled, it costs v1 at most 0.0001 <= 0.0005"),
        reviewed("INCONCLUSIVE", "between"),
    ]
    parts = [definition("arrivals_window_by_carrier", None), definition("weather_latest_by_origin", "It is not there.")]
    for part in parts:
        part.pop("feature")
    head = {"loop": "late-arrival", "live": ["v1", "v2"], "rows": 12_000, "days": 28, "retrained": retrained}
    return {**head, "loss": "log-loss", "unit": "nats", "features": seen, "definitions": parts}


DONE = {"done": 5, "of": 5, "seconds": 600.0, "trained": 50_000, "held_out": 9_000, "error": None}


def test_a_review_shows_worth_cost_and_candidates_with_why(capsys: pytest.CaptureFixture[str]) -> None:
    features_review._text(review_of(DONE))
    shown = capsys.readouterr().out
    assert "v1, v2 on 12,000 served rows of 28 days" in shown
    assert "5 of 5 retrainings without a feature or definition, on 50,000 rows, judged on 9,000 later ones" in shown
    assert "carrier_landed_24h  keep               -1.50 +5.50  -1.50 +5.50  12.3%    50.0%" in shown
    assert "arrivals_window_by_carrier  keep            -1.50 +5.50   31 us  3.8 MB" in shown
    assert "Lookups were not timed: It is not there.\n" in shown
    assert "1 candidate to drop, each by itself:\n  carrier_landed_24h: shuffled, it costs v1 at most" in shown
    assert shown.isascii()


def test_a_review_of_numbers_tells_their_own_loss_by_what_the_best_constant_costs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = Regression()
    features_review._text({**review_of(DONE), "loss": task.loss_name, "unit": task.unit})
    shown = capsys.readouterr().out
    assert "Rise of squared error, in thousandths of what the best constant costs per row" in shown
    assert "nat " not in shown


@pytest.mark.parametrize(
    ("retrained", "said"),
    [
        (None, "not retrained without each feature (--fast)"),
        ({**DONE, "done": 2}, "2 of 5 retrainings"),
        ({**DONE, "done": 2}, "; time was up after 10 minutes"),
        ({**DONE, "done": 0, "trained": None}, "not one retraining ended within 10 minutes"),
        ({**DONE, "trained": None, "error": {"problem": "Too few days.", "mend": "Wait."}}, "Too few days. Wait."),
    ],
)
def test_a_review_says_how_far_it_came(
    retrained: dict[str, Any] | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    features_review._text(review_of(retrained))
    assert said in capsys.readouterr().out
