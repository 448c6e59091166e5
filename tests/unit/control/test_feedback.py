"""Where predictions shape their labels, figures stand on rows that no action has shaped, or are unknown."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.feedback import PAYMENTS, Day, Served, judged, serve
from homeostat.app.control.used import Used
from homeostat.control.performance.feedback import feedback_of
from homeostat.data.feedback import Feedback
from homeostat.data.shaped import Shaped
from homeostat.monitoring.feedback import without_overlap
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.stats.estimates.doubly_robust import doubly_robust
from homeostat.stats.figures.scores import FIGURES, figure_interval
from homeostat.stats.figures.sums import ScoreSums
from tests.harness.acted import DAYS, DECLARED, ROWS, Scorer, joined, loop_days, served


def truth(days: list[Served]) -> list[ScoreSums]:
    return [ScoreSums.of(one.day.fraud, one.scores) for one in days]


@pytest.fixture(scope="module")
def several() -> list[list[Served]]:
    return [served(DECLARED, seed) for seed in range(12)]


def test_weighted_figures_hold_the_truth_where_naive_ones_do_not(several: list[list[Served]]) -> None:
    held: dict[str, list[bool]] = {}
    for days in several:
        live, every = judged(days, DECLARED)
        naive = [ScoreSums.of(one.label, one.scores) for one in days]
        robust = doubly_robust(every, live, threshold=0.3)
        for name in ("log_loss", "roc_auc", "base_rate", "recall", "accuracy"):
            right = figure_interval(name, truth(days), threshold=0.3).value
            of_live = figure_interval(name, live, threshold=0.3)
            of_all = figure_interval(name, naive, threshold=0.3)
            held.setdefault(name, []).append(of_live.low <= right <= of_live.high)
            found = robust[name]
            assert found is not None
            held.setdefault(f"{name}, robust", []).append(found.low <= right <= found.high)
            held.setdefault(f"{name}, naive", []).append(of_all.low <= right <= of_all.high)
    for name, found in held.items():
        if "naive" not in name:
            assert sum(found) >= 10, f"{name}: {found}"
    for name in ("roc_auc", "base_rate", "recall"):
        assert not any(held[f"{name}, naive"])


def test_the_model_of_scores_makes_bounds_narrower_and_chance_alone_never_moves_the_mean(
    several: list[list[Served]],
) -> None:
    errors: list[float] = []
    widths: list[float] = []
    for days in several:
        live, every = judged(days, DECLARED)
        plain, found = figure_interval("log_loss", live), doubly_robust(every, live)["log_loss"]
        assert found is not None
        errors.append(plain.value - figure_interval("log_loss", truth(days)).value)
        widths.append((found.high - found.low) / (plain.high - plain.low))
    assert abs(np.mean(errors)) <= 3.5 * np.std(errors, ddof=1) / np.sqrt(len(errors))
    assert np.mean(widths) < 1.0


def test_with_every_label_there_doubly_robust_is_the_figure_itself() -> None:
    rng = np.random.default_rng(3)
    days = [ScoreSums.of(rng.random(300) < 0.4, rng.random(300)) for _ in range(4)]
    every = [[a + b for a, b in zip(one.negatives_by_score, one.positives_by_score, strict=True)] for one in days]
    for name, found in doubly_robust(every, days).items():
        assert found is not None
        assert found.value == pytest.approx(figure_interval(name, days).value, abs=2e-4), name


def test_every_row_stands_for_those_it_was_drawn_from_and_acted_ones_for_none() -> None:
    log = pa.table({"acts": [True, False, False, None], "explored": [False, True, False, None],
                    "propensity": [0.02, 0.02, 1.0, None]})  # fmt: skip
    assert Shaped.of(log).stands_for.tolist() == [0, 50, 1, 1]
    assert Shaped.of(pa.table({"prediction_id": ["a"]})).stands_for.tolist() == [1]


def test_labels_that_the_action_kept_away_are_not_missing() -> None:
    (one,) = served(DECLARED, 5, days=1)
    shaped = Shaped.of(one.log)
    used = Used.of(DECLARED, one.log, joined(one, ~shaped.acted), [])
    assert used.absent.num_rows == 0
    counts = joined(one, ~shaped.acted).counts_of(used.stands_for)
    assert counts["matured_without_label"] == 0


@pytest.mark.parametrize(
    ("region", "expected", "labelled", "why"),
    [
        (0, 0.0, 0, None),
        (400, 0.0, 0, "no_exploration"),
        (100, 2.0, 2, "too_little_exploration"),
        (400, 8.0, 0, "explored_without_labels"),
        (400, 8.0, 6, None),
    ],
)
def test_without_overlap_figures_are_unknown(region: int, expected: float, labelled: int, why: str | None) -> None:
    nothing = ScoreSums.of([], [])
    exposed = ScoreSums.of([True] * labelled, [0.9] * labelled)
    day = FeedbackDay(1_000, region, labelled, expected, 1.0, nothing, exposed, nothing)
    assert without_overlap([day]) == why


def test_a_loop_that_explores_nobody_has_no_figure_while_it_acts() -> None:
    acts = Feedback(acts=DECLARED.acts)
    days = loop_days(served(acts, 1, days=5), acts)
    assert all(day.outcomes and day.outcomes.live.rows == 0 for day in days)
    told = feedback_of(acts, days, 0.3)
    assert told is not None
    assert told["unknown"] == "no_exploration"
    assert told["figures"]["roc_auc"]["naive"]["value"] is not None
    assert told["figures"]["roc_auc"]["weighted"] == {
        "value": None, "low": None, "high": None, "unknown": "no_exploration"
    }  # fmt: skip


def test_what_is_told_says_naive_and_right_figures_and_why_they_differ() -> None:
    rows = served(DECLARED, 2)
    told = feedback_of(DECLARED, loop_days(rows, DECLARED), 0.3)
    assert told is not None
    assert told["unknown"] is None
    assert set(told["figures"]) == set(FIGURES)
    assert told["rows"] == DAYS * ROWS
    assert told["explored"] == sum(int(Shaped.of(one.log).explored.sum()) for one in rows)
    labelled = sum(one.label.size for one in rows)
    assert told["explored_labelled"] < told["effective_rows"] < labelled
    auc = told["figures"]["roc_auc"]
    right = figure_interval("roc_auc", truth(rows)).value
    assert auc["naive"]["high"] < right
    assert auc["weighted"]["low"] <= right <= auc["weighted"]["high"]
    assert auc["doubly_robust"]["low"] <= right <= auc["doubly_robust"]["high"]
    assert "left alone by chance stand for all" in told["why"]
    assert feedback_of(None, [], 0.5) is None


def test_days_on_which_nothing_was_acted_on_are_as_ever() -> None:
    calm = [dataclasses.replace(one, log=one.log) for one in served(Feedback(acts="probability > 1"), 4, days=3)]
    live, _ = judged(calm, Feedback(acts="probability > 1"))
    assert live == truth(calm)


def test_a_day_without_rows_is_no_error() -> None:
    nothing = Day(np.zeros((0, 4)), np.zeros(0, dtype=bool))
    one = serve(nothing, 0, Scorer(), DECLARED.drawing("payments", PAYMENTS))
    live, _ = judged([one], DECLARED)
    assert live[0].rows == 0
