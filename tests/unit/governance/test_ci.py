"""What a change must pass: nothing that is unknown passes silently, and every report says the same."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from homeostat.governance.ci import (
    FAIL,
    NOT_APPLICABLE,
    PASS,
    UNKNOWN,
    Check,
    CiLimits,
    CiReport,
    Outcome,
    SliceSeen,
    judge_champion,
    judge_parity,
    judge_reproducible,
    judge_size,
    judge_slices,
)
from homeostat.governance.ci_text import junit, markdown
from homeostat.stats.intervals import Interval


def between(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 10, 500, 0.95)


def report(*outcomes: Outcome, allowed: tuple[str, ...] = ()) -> CiReport:
    checks = tuple(Check(f"c{place}", one, (f"why {place} | <&>",), seconds=0.5) for place, one in enumerate(outcomes))
    return CiReport("late", "a" * 40, checks, allowed)


@pytest.mark.parametrize(
    ("outcomes", "allowed", "passed"),
    [
        ((PASS, NOT_APPLICABLE), (), True),
        ((PASS, UNKNOWN), (), False),
        ((PASS, UNKNOWN), ("c1",), True),
        ((PASS, UNKNOWN), ("c0",), False),
        ((FAIL, PASS), ("c0",), False),
    ],
)
def test_a_change_passes_when_nothing_fails_and_nothing_is_unknown_unless_allowed(
    outcomes: tuple[Outcome, ...], allowed: tuple[str, ...], passed: bool
) -> None:
    assert report(*outcomes, allowed=allowed).passed is passed


def test_junit_counts_failures_errors_and_what_was_skipped() -> None:
    found = ElementTree.fromstring(junit(report(PASS, FAIL, UNKNOWN, UNKNOWN, NOT_APPLICABLE, allowed=("c3",))))
    counted = {name: int(found.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": 5, "failures": 1, "errors": 1, "skipped": 2}
    children = [child.tag for case in found for child in case]
    assert children == ["system-out", "failure", "error", "skipped", "skipped"]
    assert found[1][0].attrib["message"] == "why 1 | <&>"


def test_markdown_tells_every_check_in_a_row_of_its_own() -> None:
    page = markdown(report(PASS, FAIL, UNKNOWN, allowed=("c2",)))
    rows = [line for line in page.splitlines() if line.startswith("| c") and "check" not in line]
    assert [row.split(" | ")[1] for row in rows] == ["passed", "**failed**", "unknown, allowed"]
    assert all("\\|" in row for row in rows)
    assert "did not pass" in page


def test_the_end_of_a_failed_trainings_log_is_in_every_report() -> None:
    failed = Check("training", FAIL, ("it raised",), {"log": ["  File <stdin>", "ValueError: <no>"]})
    made = CiReport("late", None, (failed,))
    assert "    ValueError: <no>" in markdown(made).splitlines()
    assert ElementTree.fromstring(junit(made))[0][0].text == "it raised\n  File <stdin>\nValueError: <no>"


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(-0.05, 0.01, PASS), (-0.01, 0.02, PASS), (-0.01, 0.03, UNKNOWN), (0.001, 0.01, FAIL)],
)
def test_a_change_is_worse_than_the_champion_only_where_that_is_proven(
    low: float, high: float, outcome: Outcome
) -> None:
    found = judge_champion(between(low, high), 0.0, CiLimits(), loss="squared error")
    assert found.outcome == outcome
    assert found.reasons[0].startswith("squared error of the change")


def test_a_slice_that_is_proven_worse_is_named_and_none_at_all_is_unknown() -> None:
    seen = [SliceSeen("origin = EWR", 90, between(-0.1, 0.1)), SliceSeen("origin = JFK", 60, between(0.02, 0.3))]
    found = judge_slices(seen, 0.01)
    assert (found.outcome, found.facts["worse"]) == (FAIL, ["origin = JFK"])
    assert judge_slices(seen[:1], 0.01).outcome == PASS
    assert judge_slices([], 0.01).outcome == UNKNOWN


def test_one_value_that_differs_is_a_failure_and_no_row_is_unknown() -> None:
    assert judge_parity(0, {"a": 0}).outcome == UNKNOWN
    assert judge_parity(10, {"a": 0, "b": 0}).outcome == PASS
    assert judge_parity(10, {"a": 0, "b": 1}).reasons == ("b differs in 1 of 10 rows > 0",)


def test_trainings_are_the_same_by_bytes_or_by_answers() -> None:
    found = [judge_reproducible(same, worst, 9).outcome for same, worst in ((True, None), (False, 1e-9), (False, 0.1))]
    assert found == [PASS, PASS, FAIL]
    assert judge_reproducible(False, None, 9).outcome == UNKNOWN


def test_size_and_time_have_each_their_limit() -> None:
    limits = CiLimits(model_mib=1.0, row_ms=2.0)
    assert judge_size(1 << 20, 0.002, limits).outcome == PASS
    assert len(judge_size(2 << 20, 0.003, limits).reasons) == 2


def test_what_neither_xml_nor_utf8_holds_is_left_out_and_nothing_passes_as_markup() -> None:
    odd = "\ud800 it said\x00 \x1b[31m\uffff <b>|x"
    report = CiReport("l", None, (Check("training", FAIL, (odd,), {"log": [odd]}),))
    (case,) = ElementTree.fromstring(junit(report)).iter("testcase")
    assert case[0].get("message") == " it said [31m <b>|x"
    assert markdown(report).encode()
    assert "&lt;b>\\|x" in markdown(report)
