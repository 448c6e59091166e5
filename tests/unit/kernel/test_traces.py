"""A caller's place in a trace is read as W3C Trace Context says, and as OpenTelemetry reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from homeostat.kernel.traces import Place, place_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"
HEX = st.text("0123456789abcdef", min_size=0, max_size=33)
PARTS = st.tuples(
    st.sampled_from(["00", "01", "cc", "ff", "0", "0G"]),
    st.sampled_from([TRACE, "0" * 32, TRACE.upper(), TRACE[1:]]) | HEX,
    st.sampled_from([SPAN, "0" * 16, SPAN[1:]]) | HEX,
    st.sampled_from(["00", "01", "02", "03", "ff", "0", "1x"]),
)
PARENTS = st.builds(lambda parts, more: "-".join(parts) + more, PARTS, st.sampled_from(["", "-", "-x", "x", " "]))


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True), ("fe", False)]
)
def test_of_the_flags_only_the_sampled_one_counts(flags: str, sampled: bool) -> None:
    assert place_of([f"00-{TRACE}-{SPAN}-{flags}"], []) == Place(int(TRACE, 16), int(SPAN, 16), sampled)


@pytest.mark.parametrize(
    "parent",
    [
        *("", "00", GOOD.upper(), f"{GOOD}-", f"{GOOD}-01", f"{GOOD}x", f"ff{GOOD[2:]}", f"0{GOOD}", f"cc{GOOD[2:]}x"),
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{TRACE}-{SPAN}-1",
        GOOD.replace("a", "\N{FULLWIDTH LATIN SMALL LETTER A}"),
    ],
)
def test_what_is_not_well_formed_is_ignored(parent: str) -> None:
    assert place_of([parent], ["a=1"]) is None


def test_a_later_version_of_the_header_is_read_as_far_as_it_is_known() -> None:
    assert place_of([f"cc{GOOD[2:]}"], []) == place_of([GOOD], [])
    assert place_of([f"cc{GOOD[2:]}-what-will-be"], []) == place_of([GOOD], [])


def test_two_parents_are_none() -> None:
    assert place_of([GOOD, GOOD], []) is None
    assert place_of([], ["a=1"]) is None


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        (["a=1"], "a=1"),
        (["a=1,b=2", "c=3"], "a=1,b=2,c=3"),
        (["a=1 ,\tb=2,,"], "a=1,b=2"),
        (["tenant@system=x y;z"], "tenant@system=x y;z"),
        (["a=1,a=2"], ""),
        (["a"], ""),
        (["a="], ""),
        (["A=1"], ""),
        (["a=1=2"], ""),
        (["a=\N{LATIN SMALL LETTER E WITH ACUTE}"], ""),
        ([",".join(f"k{place}=1" for place in range(32))], ",".join(f"k{place}=1" for place in range(32))),
        ([",".join(f"k{place}=1" for place in range(33))], ""),
    ],
)
def test_a_state_is_passed_on_or_left_out_and_the_parent_holds(states: list[str], kept: str) -> None:
    assert place_of([GOOD], states) == Place(int(TRACE, 16), int(SPAN, 16), True, kept)


@given(parent=PARENTS)
def test_opentelemetry_reads_the_same(parent: str) -> None:
    read = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": parent})).get_span_context()
    found = place_of([parent], [])
    if not read.is_valid:
        assert found is None
    else:
        assert found == Place(read.trace_id, read.span_id, read.trace_flags.sampled)


@given(trace=st.integers(1, 2**128 - 1), span=st.integers(1, 2**64 - 1), sampled=st.booleans())
def test_what_is_passed_on_is_read_back(trace: int, span: int, sampled: bool) -> None:
    place = Place(trace, span, sampled)
    assert place_of([place.traceparent], []) == place
