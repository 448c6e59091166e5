"""What a loop answers follows from its label; what judges it is declared, or the usual."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import homeostat as hs
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.gates import Evidence, Gate, judge_gate
from homeostat.control.performance.told import Seen, performance_of
from homeostat.control.reading import quality_of, trail_of
from homeostat.control.state import initial_state
from homeostat.governance.outputs import breaking_changes, output_contract, reply_of
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ACCEPT, REJECT
from homeostat.monitoring.slice_figures import Search, cells_of, figure, figures_in, grown_worse
from homeostat.monitoring.slices import Judged, sliced
from homeostat.monitoring.windows import day_name
from homeostat.stats.intervals import Interval
from homeostat.stats.tasks import BINARY, Multiclass, Regression
from homeostat.training.evaluation import Evaluation, HeldOut, evaluate
from tests.unit.training import toy

TEXTS = hs.Table("told", key="id", event_time="at", contract={
    "id": hs.text(), "at": hs.instant(), "kind": hs.text(categories=["a", "b", "c"]), "free": hs.text(),
})  # fmt: skip


def loop(label: Any, **more: Any) -> hs.Loop:
    return hs.Loop(name="toy", question=toy.asked, features=[toy.asked["size"]], label=label, train=toy.train, **more)


def label(condition: str = "delay", table: hs.Table = toy.done, **more: Any) -> hs.Label:
    return hs.Label(table, condition, matures="24h after due", **more)


def test_the_label_says_what_is_asked_for() -> None:
    assert loop(label("delay > 15")).task is BINARY
    assert loop(label("delay / 60")).task == Regression()
    assert loop(label("delay"), primary=hs.metrics.mae).task == Regression(0.5)
    assert loop(label("delay"), primary=hs.metrics.quantile_loss(0.9)).task == Regression(0.9)
    assert loop(label("kind", TEXTS)).task == Multiclass(("a", "b", "c"))
    assert loop(label("free", TEXTS, classes=["x", "y"])).task == Multiclass(("x", "y"))
    assert loop(hs.Label.posted(matures="1d after due", truth=hs.number())).task == Regression()
    posted = hs.Label.posted(matures="1d after due", truth=hs.text(categories=["x", "y"]))
    assert loop(posted).task == Multiclass(("x", "y"))
    assert loop(hs.Label.posted(matures="1d after due")).task is BINARY


def test_the_loss_of_another_quantile_is_measured_as_ones_own() -> None:
    mean = loop(label("delay"), metrics=[hs.metrics.mae, hs.metrics.quantile_loss(0.9)])
    (measured,) = mean.own_metrics
    assert measured.sums(np.array([10.0, 10.0]), np.array([8.0, 12.0])).total == pytest.approx(2.0)
    same = loop(label("delay"), primary=hs.metrics.quantile_loss(0.9), metrics=[hs.metrics.quantile_loss(0.9)])
    assert same.own_metrics == ()


def test_what_is_no_label_yet_is_none() -> None:
    infinite = label("delay / 0")
    assert np.isnan(infinite.truth({"delay": np.array([1.0])})).all()
    found = label("kind", TEXTS).truth({"kind": np.array(["c", None, "other", "a"], dtype=object)})
    np.testing.assert_array_equal(found, [2.0, np.nan, np.nan, 0.0])


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: label("free", TEXTS), "classes of label 'free' are not known"),
        (lambda: label("kind", TEXTS, classes=["a"]), "are not known"),
        (lambda: label("delay", classes=["a", "b"]), "has classes, but is no text"),
        (lambda: loop(label("delay > 1"), primary=hs.metrics.mae), "answers chances, which mae cannot judge"),
        (lambda: loop(label("delay"), primary=hs.metrics.log_loss), "answers a number, which log_loss cannot judge"),
        (lambda: loop(label("delay"), metrics=[hs.metrics.f1]), "f1 says nothing of its answers"),
        (lambda: loop(label("delay"), metrics=["f1"]), "'f1' is no metric"),
        (lambda: hs.metric(len, name="skill"), "names of Homeostat's own figures are taken"),
        (lambda: hs.metric(lambda labels, answers: 1.0), "makes no metric"),
        (lambda: loop(label("delay"), metrics=[hs.metric(max), hs.metric(max)]), "named twice"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_mend(made: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        made()


def test_a_reply_promises_what_the_task_has() -> None:
    assert list(reply_of(BINARY))[:2] == ["prediction", "probability"]
    assert reply_of(Regression())["prediction"].kind == "number"
    assert "probability" not in reply_of(Regression())
    assert reply_of(Multiclass(("a", "b")))["prediction"].categories == ("a", "b")
    old, new = (output_contract("toy", None, meaning=what, threshold=0.5, task=Regression()) for what in ("x", "y"))
    assert [one.text for one in breaking_changes(old, new, ["prediction"])] == [
        "a prediction meant 'x' and would mean 'y'"
    ]
    with pytest.raises(InvalidInput, match="which no prediction has"):
        output_contract("toy", {"probability": hs.number(0, 1)}, meaning="x", threshold=0.5, task=Regression())


def held_out(days: int = 6, rows: int = 50) -> HeldOut:
    rng = np.random.default_rng(1)
    count = days * rows
    return HeldOut(1e4 * rng.normal(size=count), np.arange(count), np.repeat(np.arange(days), rows))


def test_numbers_are_judged_by_shares_of_what_the_mean_costs() -> None:
    seen = held_out()
    good, bad = seen.labels * 0.9, seen.labels * 0.5
    made = evaluate(seen, ("v2", good), ("v1", bad), task=Regression())
    assert made.difference is not None
    assert made.difference.value == pytest.approx(0.01 - 0.25, abs=0.01)  # of squared errors, whatever their unit
    assert made.candidate.others["rmse"] == pytest.approx(np.sqrt(np.mean((0.1 * seen.labels) ** 2)))
    assert Evaluation.from_json(made.to_json()) == made
    verdict = judge_gate(Evidence("v2", "v1", made.candidate.skill, made.difference, task=made.task), Gate())
    assert verdict.name == ACCEPT
    assert "skill over the mean" in verdict.texts[0]
    assert "squared error of v2 minus v1 at most" in verdict.texts[1]
    useless = evaluate(seen, ("v1", np.zeros_like(good)), task=Regression())
    assert judge_gate(Evidence("v1", None, useless.candidate.skill, None, task=useless.task), Gate()).name == REJECT


def days(count: int = 5) -> list[Day]:
    """v1 answers half of the truth, v2 all but a tenth."""
    rng, found = np.random.default_rng(2), []
    for number in range(count):
        truth = 100.0 * rng.normal(size=60)
        sums = {"v1": Regression().sums(truth, 0.5 * truth), "v2": Regression().sums(truth, 0.9 * truth)}
        day = Day(day_name(number), number, number + 1, number + 1, Inputs(60, {}, {}, 0, "v1", {}, {}, None, {}, {}))
        own = {"cost": hs.metric(lambda labels, answers: np.ones(60), name="cost").sums(truth, truth)}
        found.append(day.with_outcomes(Outcomes(60, 0, 0, sums["v1"], sums, own=own)))
    return found


def test_a_trail_of_numbers_tells_their_error() -> None:
    trail = trail_of(days(), "v2")
    assert trail is not None
    assert trail.error == pytest.approx(50, rel=0.1)
    assert trail.error_low < trail.error < trail.error_high
    assert trail.frozen_error == pytest.approx(10, rel=0.1)
    assert trail.auc is trail.log_loss is None
    assert trail.skill == pytest.approx(0.75, abs=0.02)


def test_versions_are_told_apart_in_shares_too() -> None:
    state = dataclasses.replace(
        initial_state("toy"), route=dataclasses.replace(initial_state("toy").route, champion="v1")
    )
    seen = quality_of(state, days(), "v1", "v2")
    assert seen.loss == "squared error"
    assert seen.difference is not None
    assert seen.difference.value == pytest.approx(0.24, abs=0.02)


def test_performance_has_the_figures_of_the_task_and_the_users_own() -> None:
    told = performance_of(Seen("toy", days(), 0.5, 6, 0, Regression(), ["cost", "never"]), 14)
    whole = next(one for one in told["realised"] if one["days"] == 14)
    assert whole["figures"].keys() == {"skill", "rmse", "mae", "bias"}
    assert whole["figures"]["rmse"]["low"] < whole["figures"]["rmse"]["value"] < whole["figures"]["rmse"]["high"]
    assert whole["own"]["cost"]["value"] == 1.0
    assert whole["own"]["never"]["unknown"] == "never_computed"
    assert told["estimated"]["figures"]["skill"]["unknown"] == "no_rows"
    assert told["days"][0]["realised"]["mae"] > 0
    assert told["power"]["rmse"]["change"] == pytest.approx(0.05 * whole["figures"]["rmse"]["value"])
    assert told["power"]["mae"]["sentence"].startswith("a 5% rise would take ")
    assert "bias" not in told["power"]


def test_bounds_of_figures_stay_where_figures_can_be() -> None:
    """One day is far from the others, so that Student's bounds leave what a figure can be."""
    truth, wild = np.linspace(-1.0, 1.0, 60), []
    for number, off in enumerate((0.0, 0.1, 3.0)):
        sums = Regression().sums(truth, truth + off)
        made = Day(day_name(number), number, number + 1, number + 1, Inputs(60, {}, {}, 0, "v1", {}, {}, None, {}, {}))
        wild.append(made.with_outcomes(Outcomes(60, 0, 0, sums, {"v1": sums})))
    told = performance_of(Seen("toy", wild, 0.5, 3, 0, Regression()), 14)
    figures = next(one for one in told["realised"] if one["days"] == 14)["figures"]
    assert (figures["rmse"]["low"], figures["mae"]["low"], figures["skill"]["high"]) == (0.0, 0.0, 1.0)
    assert figures["bias"]["low"] < -1.0


def test_slices_of_numbers_and_classes_have_figures_of_their_own() -> None:
    rng = np.random.default_rng(3)
    columns = {"shop": np.array(["a", "b"] * 100, dtype=object)}
    worse = np.where(columns["shop"] == "b", 5.0, 1.0)
    truth = rng.normal(size=200)
    days = [
        sliced([("shop",)], columns, {}, Judged.of(truth, truth + worse * rng.normal(size=200), 0.5, 1, Regression()))
        for _ in range(4)
    ]
    cells = {cell.value: cell for cell in cells_of(days, ("shop",))}
    assert figures_in(cells["a"]) == ("loss", "rmse", "mae", "bias", "mean", "skill")
    good, bad = (figure(cells[shop], "mae") for shop in ("a", "b"))
    assert isinstance(good, Interval)
    assert isinstance(bad, Interval)
    assert bad.low > good.high
    places = rng.integers(0, 3, 200)
    kept = sliced([("shop",)], columns, {}, Judged.of(places, np.eye(3)[places], 0.5, 1, Multiclass(("a", "b", "c"))))
    (whole,) = cells_of([kept], ())
    assert whole.sums["right"].sum() == 200
    assert {*figures_in(whole)} == {*Multiclass().figures, "auc_within_days", "calibration_gap"} - {
        "roc_auc",
        "calibration_error",
    }


def test_one_site_that_is_answered_worse_is_found_among_numbers() -> None:
    rng = np.random.default_rng(4)
    shops = np.repeat(np.array([f"s{n}" for n in range(10)], dtype=object), 60)

    def day(spoilt: bool) -> tuple[Any, ...]:
        spread = np.where((shops == "s3") & spoilt, 3.0, 1.0)
        truth = rng.normal(size=shops.size)
        return sliced(
            [("shop",)],
            {"shop": shops},
            {},
            Judged.of(truth, truth + spread * rng.normal(size=shops.size), 0.5, 1, Regression()),
        )

    found = grown_worse([day(False) for _ in range(20)], [day(True) for _ in range(10)], [("shop",)])
    assert isinstance(found, Search)
    assert [one.name for one in found.found] == ["shop = s3"]
