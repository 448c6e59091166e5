"""One problem is one alert: opened once, counted, raised, sent again when nobody sees to it, over by itself."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.kernel.clock import duration
from homeostat.kernel.errors import Conflict, InvalidInput
from homeostat.monitoring.alerts.alerts import Alert, Book, Mark, new_silence
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.folding import ESCALATIONS, Folded, fold
from homeostat.monitoring.alerts.notices import Cause, cause_of, likely_cause, notices_of
from homeostat.monitoring.alerts.people import acknowledge, resolve, worth
from homeostat.monitoring.alerts.readings import Reading, Said
from homeostat.monitoring.alerts.rules import RULES
from tests.harness.examples import examples

DAY, HOUR = duration("1d"), duration("1h")
DEFAULTS = Alerts()


class Desk:
    """A loop's book and alerts, kept as a store would."""

    def __init__(self, limits: Alerts = DEFAULTS) -> None:
        self.limits, self.book, self.alerts = limits, Book("late"), dict[str, Alert]()
        self.told: list[str] = []

    def fold(self, now: int, *readings: Reading) -> Folded:
        done = fold(self.book, self.open, readings, self.limits, now)
        self.book = done.book
        after = {**self.alerts, **{one.id: one for one in done.alerts}}
        self.told += [one.title for one in notices_of(done, after, self.limits, now, None)]
        self.alerts = after
        return done

    @property
    def open(self) -> list[Alert]:
        return [one for one in self.alerts.values() if one.resolved is None]

    def day(self, number: int, said: Said, rule: str = "freshness", subject: str = "weather") -> Folded:
        return self.fold(number * DAY, of(number, said, rule, subject))


def of(number: int, said: Said, rule: str = "freshness", subject: str = "weather", **more: object) -> Reading:
    return Reading(rule, subject, f"day {number}", number * DAY, said, f"{rule} {subject}", **more)  # type: ignore[arg-type]


def test_a_problem_that_lasts_is_one_alert_with_a_count_and_is_sent_once() -> None:
    desk = Desk(Alerts(acknowledge={"P2": "90d"}))
    for number in range(1, 30):
        desk.day(number, "over")
    [alert] = desk.alerts.values()
    assert (alert.count, alert.window, alert.last_window) == (29, "day 1", "day 29")
    assert len(desk.told) == 1


def test_a_window_that_is_read_twice_counts_once() -> None:
    desk = Desk()
    desk.day(1, "over")
    before = desk.book
    done = desk.day(1, "over")
    assert (done.alerts, done.book) == ((), before)


def test_what_is_over_is_not_opened_again_by_a_window_read_before() -> None:
    desk = Desk()
    desk.day(1, "over")
    desk.day(2, "within")
    assert desk.open == []
    desk.day(1, "over")
    assert desk.open == []
    desk.day(3, "over")
    assert len(desk.open) == 1
    assert len(desk.alerts) == 2


def test_windows_read_while_the_clock_was_ahead_make_no_later_one_go_unread() -> None:
    desk = Desk()
    desk.day(40, "within")
    desk.fold(10 * DAY + HOUR)
    desk.day(11, "over")
    [alert] = desk.open
    assert alert.window == "day 11"


def test_drift_opens_only_after_days_in_a_row_is_one_alert_and_wakes_nobody() -> None:
    desk = Desk()
    for number in (1, 2, 3):
        assert desk.open == []
        desk.fold(number * DAY, *(of(number, "over", "drift", name) for name in ("a", "b")))
    [alert] = desk.open
    assert (alert.severity, alert.text) == ("P3", "drift a; drift b")
    assert DEFAULTS.recipients("P3", ["chat"]) == ()


def test_a_day_within_the_limit_breaks_a_streak() -> None:
    desk = Desk()
    for number, said in enumerate(("over", "over", "within", "over", "over"), 1):
        desk.day(number, said, "prediction_drift", "predictions")  # type: ignore[arg-type]
    assert desk.open == []


def test_unknown_neither_opens_nor_ends_an_alert() -> None:
    desk = Desk()
    assert desk.day(1, "unknown").alerts == ()
    desk.day(2, "over")
    for number in range(3, 9):
        desk.day(number, "unknown")
    assert [one.count for one in desk.open] == [1]


def test_an_alert_ends_by_itself_after_as_many_calm_windows_as_its_rule_says() -> None:
    desk = Desk()
    desk.day(1, "over", "skill", "skill")
    for number in (2, 3):
        desk.day(number, "within", "skill", "skill")
        assert len(desk.open) == 1
    desk.day(4, "within", "skill", "skill")
    [alert] = desk.alerts.values()
    assert alert.resolved is not None
    assert (alert.resolved.actor, alert.resolved.reason, alert.acted_on) == (
        "homeostat",
        "within its limit for 3 windows",
        False,
    )


def test_getting_worse_is_told_again_and_must_be_acknowledged_again() -> None:
    desk = Desk()
    desk.day(1, "over")
    [alert] = desk.open
    desk.alerts[alert.id] = acknowledge(alert, Mark("ann", "", DAY))
    desk.fold(2 * DAY, of(2, "over", severity="P1"))
    [alert] = desk.open
    assert (alert.severity, alert.acknowledged, alert.due) == ("P1", None, 2 * DAY + HOUR)
    assert [title[:4] for title in desk.told] == ["[P2]", "[P1]"]
    desk.day(3, "over")
    assert desk.open[0].severity == "P1"


def test_what_nobody_acknowledges_is_sent_again_each_time_after_twice_the_time_and_not_for_ever() -> None:
    desk = Desk()
    desk.fold(0, of(0, "over", "stopped", "labels", severity="P1"))
    sent = [now for now in range(0, 200 * HOUR, HOUR) if desk.fold(now).escalated]
    assert sent == [1 * HOUR, 3 * HOUR, 7 * HOUR]
    assert len(sent) == ESCALATIONS["P1"]


def test_an_acknowledged_alert_is_not_sent_again() -> None:
    desk = Desk()
    desk.day(1, "over")
    [alert] = desk.open
    desk.alerts[alert.id] = acknowledge(alert, Mark("ann", "on it", DAY))
    for number in range(2, 12):
        desk.day(number, "over")
    assert len(desk.told) == 1


def test_a_silenced_alert_is_kept_and_told_when_the_silence_ends_while_it_lasts() -> None:
    desk = Desk()
    silence = new_silence("late", "freshness", "weather", 0, 5 * DAY, "ann", "the station is moved")
    desk.book = dataclasses.replace(desk.book, silences=(silence,))
    for number in range(1, 5):
        desk.day(number, "over")
    assert (len(desk.open), desk.told) == (1, [])
    desk.day(5, "over")
    assert len(desk.told) == 1
    assert desk.book.silences == ()


def test_a_silence_of_another_subject_or_rule_hides_nothing() -> None:
    desk = Desk()
    silence = new_silence("late", "freshness", "planes", 0, 9 * DAY, "ann", "known")
    desk.book = dataclasses.replace(desk.book, silences=(silence,))
    desk.day(1, "over")
    desk.day(1, "over", "quarantine", "planes")
    assert len(desk.told) == 2


def test_a_silenced_feature_is_left_out_of_an_alert_on_all_inputs() -> None:
    desk = Desk()
    silence = new_silence("late", "drift", "month", 0, 60 * DAY, "ann", "it is a season")
    desk.book = dataclasses.replace(desk.book, silences=(silence,))
    for number in (1, 2, 3):
        desk.fold(number * DAY, of(number, "over", "drift", "month"), of(number, "within", "drift", "hour"))
    assert desk.open == []
    for number in (4, 5, 6):
        desk.fold(number * DAY, of(number, "over", "drift", "month"), of(number, "over", "drift", "hour"))
    assert [one.text for one in desk.open] == ["drift hour"]


@pytest.mark.parametrize(("until", "reason"), [(0, "why"), (-5, "why"), (91 * DAY, "why"), (DAY, ""), (DAY, "  ")])
def test_a_silence_needs_an_end_that_can_be_and_a_reason(until: int, reason: str) -> None:
    with pytest.raises(InvalidInput):
        new_silence("late", None, None, 0, until, "ann", reason)
    with pytest.raises(InvalidInput, match="no rule"):
        new_silence("late", "drifft", None, 0, DAY, "ann", "why")


def test_what_happened_once_is_over_after_some_days() -> None:
    desk = Desk()
    event = Reading("training_failed", "v3", "day 1", DAY, "over", "Training v3 failed", key="late/retrain/v3/fail")
    desk.fold(DAY, event)
    desk.fold(3 * DAY)
    assert len(desk.open) == 1
    desk.fold(4 * DAY)
    assert desk.open == []


def test_a_rule_that_is_off_raises_nothing_and_another_severity_holds() -> None:
    desk = Desk(Alerts(severity={"freshness": "off", "quarantine": "P0"}))
    desk.day(1, "over")
    desk.day(1, "over", "quarantine", "visits")
    assert [one.severity for one in desk.open] == ["P0"]
    desk.limits = Alerts(severity={"quarantine": "off"})
    desk.fold(2 * DAY)
    assert desk.open == []


def test_alerts_of_one_look_are_one_notice_that_names_the_most_likely_cause() -> None:
    desk = Desk()
    readings = [of(1, "over", "skill", "skill"), of(1, "over"), of(1, "over", "quarantine", "visits")]
    done = desk.fold(DAY, *readings)
    after = {one.id: one for one in done.alerts}
    [notice] = notices_of(done, after, DEFAULTS, DAY, likely_cause(done.alerts))
    assert notice.title.endswith("(and 2 more)")
    assert "Most likely cause: freshness weather." in notice.body
    assert all(one.id in notice.body for one in done.alerts)
    [told] = notices_of(done, after, DEFAULTS, DAY, likely_cause(done.alerts, Cause("a swapped column", "mend it")))
    assert "Most likely cause: a swapped column. mend it" in told.body
    [whole] = notices_of(done, after, DEFAULTS, DAY, likely_cause(done.alerts, Cause("It timed out.", "Look.")))
    assert "Most likely cause: It timed out. Look." in whole.body


def test_a_refused_signature_is_not_put_down_to_a_source_that_is_silent() -> None:
    done = (desk := Desk()).fold(DAY, of(1, "over"), of(1, "over", "untrusted", "v3"), of(1, "over", "skill", "skill"))
    found = likely_cause(done.alerts)
    causes = {one.rule: cause_of(one, found) for one in done.alerts}
    assert {rule: cause.text for rule, cause in causes.items() if cause} == {
        "freshness": "freshness weather",
        "untrusted": "untrusted v3",
        "skill": "freshness weather",
    }
    [notice] = notices_of(done, {one.id: one for one in desk.open}, DEFAULTS, DAY, found)
    assert "Most likely cause: untrusted v3." in notice.body


@pytest.mark.parametrize("rule", ["asks", "held", "candidate_left"])
def test_nothing_is_put_down_to_a_question_or_to_a_candidate_that_left(rule: str) -> None:
    done = Desk().fold(DAY, of(1, "over", rule, "v2"), of(1, "over", "skill", "skill"))
    found = likely_cause(done.alerts)
    assert found is not None
    assert found.text == "skill skill"
    alone = likely_cause(Desk().fold(DAY, of(1, "over", rule, "v2")).alerts)
    assert alone is not None
    assert alone.text == f"{rule} v2"


def test_drift_is_never_named_as_the_cause_of_anything() -> None:
    desk = Desk()
    for number in (1, 2, 3):
        done = desk.day(number, "over", "drift", "hour")
    cause = likely_cause(done.alerts)
    assert cause is not None
    assert cause.text.startswith("no cause is known")


def test_an_alert_that_ended_by_itself_can_still_be_marked_once_and_one_that_a_person_ended_cannot() -> None:
    desk = Desk()
    desk.day(1, "over")
    desk.day(2, "within")
    [alert] = desk.alerts.values()
    marked = resolve(alert, Mark("ann", "asked the station", 3 * DAY), acted_on=True)
    assert (marked.acted_on, marked.resolved) == (True, alert.resolved)
    with pytest.raises(Conflict, match="is over"):
        acknowledge(alert, Mark("ann", "", 3 * DAY))
    desk.day(3, "over")
    [alert] = desk.open
    done = resolve(alert, Mark("ann", "mended", 3 * DAY), acted_on=True)
    with pytest.raises(Conflict, match="ann has resolved"):
        resolve(done, Mark("bob", "too", 3 * DAY), acted_on=False)
    with pytest.raises(InvalidInput):
        resolve(alert, Mark("ann", " ", 3 * DAY), acted_on=True)


def test_the_share_acted_on_is_unknown_without_marks_and_says_what_is_noise() -> None:
    desk = Desk()
    desk.day(1, "over")
    assert worth(desk.alerts.values())["freshness"].share is None
    for number in range(2, 42, 2):
        desk.day(number, "within")
        desk.day(number + 1, "over")
    found = worth(desk.alerts.values())["freshness"]
    assert (found.raised, found.open, found.not_acted_on, found.share, found.noise) == (21, 1, 20, 0.0, True)


def test_every_rule_can_be_reached_and_says_what_to_do() -> None:
    for rule in RULES.values():
        assert rule.says
        assert rule.do.endswith(".")
        assert rule.worse is None or rule.worse < rule.severity
        assert Desk(Alerts(severity={rule.name: "P2"})).limits.severity_of(rule.name) == "P2"


SAID = st.sampled_from(["over", "within", "unknown"])


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(SAID, st.sampled_from(["a", "b"])), max_size=40), st.integers(1, 6))
def test_reading_days_at_once_or_one_by_one_gives_the_same_alerts(said: list[tuple[Said, str]], cut: int) -> None:
    readings = [of(number, one, "quarantine", name) for number, (one, name) in enumerate(said, 1)]
    end = (len(said) + 1) * DAY
    whole, parts = Desk(), Desk()
    whole.fold(end, *readings)
    for start in range(0, len(readings), cut):
        parts.fold(end, *readings[start : start + cut])
        parts.fold(end, *readings[: start + cut])
    shape = [{(one.id, one.count, one.status) for one in desk.alerts.values()} for desk in (whole, parts)]
    assert shape[0] == shape[1]
    assert len(parts.told) <= len(parts.alerts)
    assert len({one.key for one in parts.open}) == len(parts.open)
