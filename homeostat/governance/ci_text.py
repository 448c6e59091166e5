"""A report of checks for other programs and pages: Markdown and JUnit's XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from homeostat.governance.ci import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, Check, CiReport

_MARKS = {PASS: "passed", FAIL: "**failed**", UNKNOWN: "**unknown**", NOT_APPLICABLE: "not applicable"}


def markdown(report: CiReport) -> str:
    """The report as a page, or as a comment on a change."""
    verdict = "passed" if report.passed else "did not pass"
    commit = f" at `{report.commit[:12]}`" if report.commit else ""
    lines = [f"## {report.loop}{commit} {verdict}", "", "| check | outcome | why | seconds |", "|---|---|---|--:|"]
    for one in report.checks:
        why = "<br>".join(_in_a_cell(reason) for reason in one.reasons)
        lines.append(f"| {one.name} | {_mark(one, report)} | {why} | {one.seconds:.1f} |")
    lines += ["", f"{len(report.checks)} checks in {report.seconds:.0f} s."]
    for one in report.checks:
        if one.log:
            lines += ["", f"The log of {one.name} ends so:", "", *(f"    {_fit(line)}" for line in one.log)]
    return "\n".join(lines) + "\n"


def _in_a_cell(text: str) -> str:
    """In one line, with nothing that a page would take for a column, or for its own markup and leave out."""
    return _fit(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _mark(check: Check, report: CiReport) -> str:
    allowed = check.outcome == UNKNOWN and check.name in report.allowed
    return "unknown, allowed" if allowed else _MARKS[check.outcome]


def junit(report: CiReport) -> str:
    """The report as JUnit's XML: failed and unknown checks are failures and errors, never left out.

    >>> "<skipped" in junit(CiReport("l", None, (Check("slices", NOT_APPLICABLE, ("none",)),)))
    True
    """
    counted = {name: sum(one.outcome == outcome for one in report.checks) for name, outcome in _COUNTED}
    failing = report.failing
    suite = ElementTree.Element(
        "testsuite",
        name=f"homeostat ci {report.loop}",
        tests=str(len(report.checks)),
        failures=str(counted["failures"]),
        errors=str(sum(one.outcome == UNKNOWN for one in failing)),
        skipped=str(len(report.checks) - len(failing) - sum(one.outcome == PASS for one in report.checks)),
        time=f"{report.seconds:.3f}",
    )
    for one in report.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=report.loop, name=one.name, time=f"{one.seconds:.3f}"
        )
        text = "\n".join([*one.reasons, *one.log])
        if one.outcome == PASS:
            ElementTree.SubElement(case, "system-out").text = _fit(text)
        else:
            kind = ("failure" if one.outcome == FAIL else "error") if one in failing else "skipped"
            ElementTree.SubElement(case, kind, message=_fit(one.reasons[0])).text = _fit(text)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


_COUNTED = (("failures", FAIL),)


def _fit(text: str) -> str:
    """Without what XML, or a file in UTF-8, cannot hold."""
    return _UNFIT.sub("", text)


_UNFIT = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
