"""The tree of questions: planted causes are found, what is missing is said, and nothing crashes on bad input."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from benchmarks.planted import KINDS, World, generated, planted_history
from homeostat.monitoring.breaks import breaks_of_days
from homeostat.monitoring.diagnosis import ADVICE, INTERVENTIONS, Diagnosis, diagnose
from homeostat.monitoring.history import Event, History, Rows, split
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.timing import timing_of

QUESTIONS = 5


@cache
def world() -> World:
    """One stream, on which everything is planted."""
    return generated(0)


@cache
def planted(kind: str, strength: float) -> History:
    """Evidence with something planted in it."""
    return planted_history(world(), kind, strength, 0)


@cache
def found(kind: str, strength: float) -> Diagnosis:
    """What is diagnosed of something planted."""
    return told(planted(kind, strength))


def told(history: History) -> Diagnosis:
    """The diagnosis of some evidence."""
    return diagnose(history, rng=np.random.default_rng(0))


def sound() -> History:
    """Evidence of days on which nothing is wrong."""
    return planted("nothing", 0.0)


STRONG = [(kind, strengths[-1]) for kind, (_, _, strengths) in KINDS.items()]


@pytest.mark.parametrize(("kind", "strength"), STRONG, ids=[kind for kind, _ in STRONG])
def test_what_is_planted_strongly_is_found_and_every_question_is_answered(kind: str, strength: float) -> None:
    seen = found(kind, strength)
    assert seen.cause == KINDS[kind][0]
    assert seen.intervention == INTERVENTIONS[seen.cause]
    assert len(seen.steps) == QUESTIONS
    assert all(step.answer and step.evidence for step in seen.steps)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("missing column", "load has no value in 100 %"),
        ("unit x 1,000", "price came in another unit (x 1,000)"),
        ("swapped columns", "price and age changed places"),
        ("stale source", "table source was older than its objective"),
        ("volume drop", "rows on 2013-"),
        ("serving skew", "load differs from what tables give"),
        ("one segment", "region d ("),
        ("unseen region", "inputs never seen before"),
    ],
)
def test_the_cause_names_what_is_wrong(kind: str, text: str) -> None:
    assert text in found(kind, KINDS[kind][2][-1]).because


def test_losses_of_numbers_are_told_by_what_the_best_constant_costs() -> None:
    numbers = dataclasses.replace(planted("sudden concept", 0.2), unit="times the best constant's")
    diagnosis = told(numbers)
    texts = [diagnosis.because, *(one.text for step in diagnosis.steps for one in step.evidence)]
    assert not any(" nats" in text for text in texts)
    assert sum("times the best constant's" in text for text in texts) >= 3


def test_a_diagnosis_is_the_same_each_time() -> None:
    assert told(planted_history(generated(0), "sudden concept", 0.2, 0)) == found("sudden concept", 0.2)


def test_every_cause_has_an_intervention_with_advice() -> None:
    assert set(INTERVENTIONS.values()) == set(ADVICE)


def test_what_was_done_near_the_change_is_listed() -> None:
    history = planted("sudden concept", 0.2)
    at = history.days[28].ordinal * 86_400_000_000
    events = Event(at, "deployment", "v2 is champion"), Event(at - 20 * 86_400_000_000, "contract", "long before")
    halves = split(history, np.random.default_rng(0))
    assert not isinstance(halves, Unknown)
    texts = [one.text for one in timing_of(dataclasses.replace(history, events=events), halves).evidence]
    assert any("v2 is champion" in text for text in texts)
    assert not any("long before" in text for text in texts)


def test_a_rise_that_a_year_before_had_too_is_a_season() -> None:
    history = planted("sudden concept", 0.2)
    before = tuple(
        dataclasses.replace(day, day=str(np.datetime64(day.day, "D") - np.timedelta64(364, "D")))
        for day in history.days
    )
    assert told(dataclasses.replace(history, year_before=before)).cause == "seasonal"


def without_truth(rows: Rows | Unknown) -> Rows:
    """The same rows before any label came."""
    assert isinstance(rows, Rows)
    return dataclasses.replace(rows, truth=np.full(rows.truth.size, np.nan))


def test_before_labels_the_cause_is_unknown_for_that_reason_yet_breaks_are_seen() -> None:
    for kind, cause in (("nothing", "unknown"), ("missing column", "broken_data")):
        history = planted(kind, KINDS[kind][2][-1])
        days = tuple(dataclasses.replace(day, loss=None, labelled=None, positives=None) for day in history.days)
        seen = told(dataclasses.replace(history, days=days, rows=without_truth(history.rows)))
        assert seen.cause == cause
        assert seen.steps[-1].answer == "unknown"
    assert (
        "no_labels_yet"
        in told(
            dataclasses.replace(
                sound(),
                rows=without_truth(sound().rows),
                days=tuple(dataclasses.replace(day, loss=None, labelled=None, positives=None) for day in sound().days),
            )
        ).because
    )


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_reference_shorter_than_a_block_is_unknown(count: int) -> None:
    seen = told(dataclasses.replace(sound(), days=sound().days[:count]))
    assert (seen.cause, seen.intervention) == ("unknown", "unknown")
    assert seen.because.startswith(f"{count} day{'s' * (count != 1)} that the version was not trained on, too few")
    assert seen.steps[0].evidence[0].code == "too_few_days"


def test_a_gap_on_most_days_is_told_beside_how_many_days_had_it_before() -> None:
    days = sound().days
    before = [dataclasses.replace(day, missing={"load": float(place < 3)}) for place, day in enumerate(days[:25])]
    lately = [dataclasses.replace(day, missing={"load": 1.0}) for day in days[25:35]]
    [why] = [one for one in breaks_of_days(before, lately) if one.code == "missing"]
    assert why.text == "load has no value in more than 10 % of the rows on 10 of 10 days, on 3 of 25 before"
    [more] = [one for one in breaks_of_days(before[3:], lately) if one.code == "missing"]
    assert more.text == "load has no value in 100 % of the rows of a day, in at most 0 % before"


@pytest.mark.parametrize("label", ["bread", 20.0])
def test_labels_of_classes_and_numbers_that_no_longer_differ_are_broken(label: str | float) -> None:
    days = [dataclasses.replace(day, positives=None, unlabelled=0, labelled=50) for day in sound().days]
    before, lately = days[:20], [dataclasses.replace(day, alike=label) for day in days[20:30]]
    [why] = [one for one in breaks_of_days(before, lately) if one.code == "labels_one_class"]
    assert why.text == f"all 500 labels are {label}, on none of 20 days before were all alike"
    usual = [*before[:-1], lately[0]]
    for past, now in ((usual, lately), (before, [*lately[:-1], before[0]])):
        assert [one.code for one in breaks_of_days(past, now) if one.code == "labels_one_class"] == []


@pytest.mark.parametrize(("odd", "told"), [(2, False), (3, True), (9, True)])
def test_labels_of_some_days_that_are_alike_by_no_chance_are_broken_where_it_lasts(odd: int, told: bool) -> None:
    days = [dataclasses.replace(day, unlabelled=0, labelled=50, positives=20) for day in sound().days[:30]]
    broken = [dataclasses.replace(day, positives=50, no_chance=True) for day in days[30 - odd :]]
    found = breaks_of_days(days[:20], [*days[20 : 30 - odd], *broken])
    told_of = [one.text for one in found if one.code == "labels_one_class"]
    since = broken[0].day
    text = f"all labels of a day are alike, which is no chance, on {odd} of 10 days since {since}"
    assert told_of == ([text] if told else [])


def test_a_log_that_cannot_be_read_leaves_what_days_tell() -> None:
    seen = told(dataclasses.replace(sound(), rows=Unknown("other_definitions")))
    assert seen.cause == "unknown"
    assert "other_definitions" in seen.because


def damaged(history: History, how: str) -> History:
    """Evidence as bad input leaves it."""
    rows, later = history.rows, history.days[-10].ordinal
    assert isinstance(rows, Rows)
    columns, truth = {name: values.copy() for name, values in rows.columns.items()}, rows.truth.copy()
    if how == "constant":
        columns = {name: np.full(values.size, values[0], dtype=values.dtype) for name, values in columns.items()}
    if how == "all missing":
        columns["load"][:] = np.nan
        columns["region"][:] = None
    if how == "infinite":
        columns["load"][rows.days >= later] = np.inf
    if how == "category flood":
        columns["region"][:] = [f"r{number}" for number in range(rows.days.size)]
    if how == "one class":
        truth[~np.isnan(truth)] = 0.0
    changed = dataclasses.replace(rows, columns=columns, truth=truth)
    days = history.days
    if how == "one row":
        changed = rows.take(np.arange(rows.days.size) == 0)
    if how == "no traffic":
        days = tuple(dataclasses.replace(day, rows=0, missing={}, loss=None) for day in days[:30]) + days[30:]
    if how == "silence":
        changed = rows.take(rows.days < later)
        days = tuple(
            day if day.ordinal < later else dataclasses.replace(day, rows=0, missing={}, loss=None) for day in days
        )
    return dataclasses.replace(history, rows=changed, days=days)


@pytest.mark.parametrize(
    "how", ["constant", "all missing", "infinite", "category flood", "one class", "one row", "no traffic", "silence"]
)
def test_bad_input_is_answered_and_never_crashes(how: str) -> None:
    seen = told(damaged(sound(), how))
    assert seen.because
    assert all(step.answer for step in seen.steps)
    if how == "silence":
        assert seen.cause == "broken_data"
