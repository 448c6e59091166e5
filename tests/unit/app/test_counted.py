"""What came between two looks at counters: replicas restart, vanish and join, and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from homeostat.app.gateway.counted import Added, Look, added, look_at, together
from homeostat.web.doors.merging import merged

NAME = "homeostat_requests_total"
KEY = (NAME, (("loop", "late"),))


def text(uptime: float, count: float) -> bytes:
    """What one replica says."""
    return (
        f"# TYPE homeostat_uptime_seconds gauge\nhomeostat_uptime_seconds {uptime}\n"
        f'# TYPE homeostat_requests counter\n{NAME}{{loop="late"}} {count}\n'
        f"# TYPE homeostat_spool_bytes gauge\nhomeostat_spool_bytes {count}\n"
    ).encode()


def look(seconds: float, **replicas: tuple[float, float]) -> Look:
    """A look at replicas, each with its uptime and its count."""
    exposition = merged({name: text(*told) for name, told in replicas.items()})
    return look_at(exposition.decode(), int(seconds * 1e6), seconds)


def requests(found: Added) -> float:
    """How many were added."""
    return found.counts.get(KEY, 0.0)


def test_what_was_added_is_the_sum_over_replicas() -> None:
    found = added(look(100, r1=(90, 10), r2=(80, 20)), look(105, r1=(95, 13), r2=(85, 27)))
    assert (requests(found), found.seconds, found.replicas) == (10.0, 5.0, ("r1", "r2"))


def test_a_replica_that_restarted_counts_from_zero_even_when_it_has_overtaken_itself() -> None:
    assert requests(added(look(100, r1=(90, 10)), look(105, r1=(2, 4)))) == 4.0
    assert requests(added(look(100, r1=(90, 10)), look(105, r1=(2, 400)))) == 400.0


def test_a_replica_that_is_missing_in_a_look_neither_takes_away_nor_comes_back_in_a_burst() -> None:
    before, without = look(100, r1=(90, 10), r2=(90, 1_000)), look(105, r1=(95, 15))
    back = look(110, r1=(100, 20), r2=(100, 1_500))
    assert requests(added(before, without)) == 5.0
    assert added(before, without).replicas == ("r1",)
    assert requests(added(without, back)) == 5.0
    assert added(without, back).replicas == ("r1",)


def test_a_replica_that_joined_since_the_last_look_counts_whole() -> None:
    found = added(look(100, r1=(90, 10)), look(105, r1=(95, 10), r2=(3, 7)))
    assert (requests(found), found.replicas) == (7.0, ("r1", "r2"))


def test_a_series_that_a_replica_counts_for_the_first_time_counts_whole() -> None:
    before = look_at('homeostat_uptime_seconds{replica="r1"} 90\n', 0, 100)
    assert requests(added(before, look(105, r1=(95, 3)))) == 3.0


def test_one_gateway_that_names_no_replica_is_one_replica() -> None:
    found = added(look_at(text(1, 2).decode(), 0, 1), look_at(text(2, 5).decode(), 0, 2))
    assert (requests(found), found.replicas) == (3.0, ("",))


def test_readings_that_may_fall_are_not_taken_for_counts() -> None:
    found = added(look(100, r1=(90, 10)), look(105, r1=(95, 13)))
    assert {name for name, _ in found.counts} == {NAME, "homeostat_uptime_seconds"}


Fleet = Mapping[str, tuple[float, float]]
FLEETS = st.dictionaries(
    st.sampled_from(["r1", "r2", "r3"]),
    st.tuples(st.floats(0, 1e6), st.integers(0, 10**6).map(float)),
)


@given(before=FLEETS, after=FLEETS, elapsed=st.floats(0.1, 60))
def test_whatever_happened_to_replicas_nothing_is_negative_or_more_than_was_counted(
    before: Fleet, after: Fleet, elapsed: float
) -> None:
    found = added(look(100, **before), look(100 + elapsed, **after))
    assert all(count > 0 for count in found.counts.values())
    assert requests(found) <= sum(count for _, count in after.values())
    assert set(found.replicas) <= set(after)


def test_stretches_add_up_and_one_of_which_nothing_is_known_adds_not_even_time() -> None:
    first = added(look(100, r1=(90, 10)), look(105, r1=(95, 13)))
    third = added(look(110, r2=(90, 10)), look(116, r2=(96, 14)))
    found = together([first, Added(7), third])
    assert (requests(found), found.seconds, found.replicas) == (7.0, 11.0, ("r1", "r2"))
    assert together([Added(7)]).replicas == ()
