"""Control looks at the doors: what it missed is unknown, and what every door failed to answer is counted."""

from __future__ import annotations

from pathlib import Path

from homeostat.app.control.doors import KEPT, DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.recorder.blocking import BlockingRecorderClient
from tests.harness.counting import counting


class Seconds:
    """A clock and a timer that go on by five seconds whenever the timer is asked."""

    def __init__(self) -> None:
        self.passed = 100.0

    def now(self) -> int:
        return int(self.passed * 1e6)

    def timer(self) -> float:
        self.passed += 5.0
        return self.passed


def text(uptime: float, **requests: int) -> str:
    """What one replica has counted, by door; half of the requests were failures."""
    lines = [f'homeostat_uptime_seconds{{replica="r1"}} {uptime}']
    for door, count in requests.items():
        for status in ("200", "503"):
            labels = f'replica="r1",door="{door}",loop="late",status="{status}"'
            lines.append(f"homeostat_requests_total{{{labels}}} {count // 2}")
    return "# TYPE homeostat_requests counter\n" + "\n".join(lines) + "\n"


def test_the_first_look_adds_nothing_and_a_look_that_failed_leaves_a_gap_on_both_sides() -> None:
    time = Seconds()
    with counting(text(100, predict=10)) as doors:
        watch = DoorsWatch(doors.url, time, time.timer)
        watch.look()
        assert (watch.seen().points, watch.seen().problem) == ((), None)
        doors.text = text(105, predict=16)
        watch.look()
        doors.away = True
        watch.look()
        assert watch.seen().look is None
        assert "does not answer" in (watch.seen().problem or "")
        doors.away, doors.text = False, text(115, predict=40)
        watch.look()
        doors.text = text(120, predict=44)
        watch.look()
    added = [
        sum(v for (name, _), v in point.counts.items() if name.endswith("_total")) for point in watch.seen().points
    ]
    assert added == [6.0, 0, 0, 4.0]
    assert [point.replicas for point in watch.seen().points] == [("r1",), (), (), ("r1",)]


def test_only_the_last_minutes_are_kept() -> None:
    time = Seconds()
    with counting() as doors:
        watch = DoorsWatch(doors.url, time, time.timer)
        for number in range(KEPT + 10):
            doors.text = text(100 + 5 * number, predict=2 * number)
            watch.look()
    assert len(watch.seen().points) == KEPT


def test_what_any_door_for_predictions_failed_to_answer_is_counted_over_restarts(tmp_path: Path) -> None:
    with counting(text(100, predict=10, infer=4, invocations=2, events=100)) as doors:
        facts = Facts(BlockingRecorderClient(str(tmp_path / "nobody")), doors.url)
        assert facts.failed("late") == 8
        doors.text = text(2, predict=6)
        assert facts.failed("late") == 11
        doors.away = True
        assert facts.failed("late") == 11
