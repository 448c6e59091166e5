"""How figures and progress look to people."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.settings import Settings
from homeostat.cli import demo, demo_watch, up_watch
from homeostat.cli.demo_watch import Watch
from homeostat.cli.output import Flowing
from homeostat.cli.report import report_text
from homeostat.cli.up_watch import News
from homeostat.kernel.errors import Unavailable

FIGURES = {name: {"auc": 0.7163, "log_loss": 0.47412} for name in ("live", "frozen", "monthly")}


def month(number: int, **changes: Any) -> dict[str, Any]:
    counted = {"month": f"2013-{number:02}", "served": 29_425, "labelled": 28_293, "base_rate": 0.2417}
    return {**counted, **FIGURES, **changes}


def report(months: list[dict[str, Any]]) -> dict[str, Any]:
    totals = {"served": 309_772, "labelled": 301_245, "failed_requests": 0}
    decided = {"retrains": 7, "promotions": 5, "rejections": 1, "rollbacks": 1}
    gain = {"value": -0.0291, "low": -0.0349, "high": -0.0233, "blocks": 332, "rows": 301_245, "row_wise_ratio": 4.21}
    told = {"figures": ["auc", "log_loss"], "loss": "log-loss"}
    return {
        "loop": "late-arrival",
        **told,
        "months": months,
        "means": FIGURES,
        "gain": gain,
        "totals": {**totals, **decided},
    }


def test_the_report_of_a_year_fits_80_columns_under_two_rows_of_headings(capsys: pytest.CaptureFixture[str]) -> None:
    report_text(report([month(number) for number in range(2, 13)]))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["base", "AUC", "log-loss"]
    assert lines[1].split() == ["month", "served", "labelled", "rate", *2 * ["live", "frozen", "monthly"]]
    assert lines[2] == "2013-02  29,425    28,293  0.242  0.7163 0.7163  0.7163  0.4741 0.4741  0.4741"
    assert lines[13].split()[0] == "mean"
    assert lines[14] == "log-loss, live minus frozen: -0.0291, between -0.0349 and -0.0233 over 332 days"
    assert lines[-1] == "retrains 7   promotions 5   rejections 1   rollbacks 1"


def test_a_report_too_young_for_an_interval_leaves_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    report_text({**report([month(2)]), "gain": None})
    assert "minus" not in capsys.readouterr().out


def test_what_is_unknown_is_a_dash_in_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = {"auc": None, "log_loss": None}
    report_text(report([month(12, labelled=0, base_rate=None, live=unknown, frozen=unknown, monthly=unknown)]))
    row = capsys.readouterr().out.splitlines()[2]
    assert row.split() == ["2013-12", "29,425", "0", *7 * ["-"]]


class Control:
    """A control API that is away at times."""

    def __init__(self) -> None:
        self.away = False
        self.at = "2013-02-01T05:00:00Z"
        self.told: list[dict[str, Any]] = []

    def get_json(self, url: str) -> dict[str, Any]:
        """What the watch asks for."""
        if self.away:
            raise Unavailable("Nobody answers.", mend="Wait.")
        if "/decisions" in url:
            after = int(url.rpartition("=")[2])
            return {"decisions": [one for one in self.told if one["seq"] > after]}
        replay = {"start": "2013-01-01T05:00:00Z", "until": "2014-01-01T05:00:00Z", "at": self.at, "phase": "serving"}
        return {"replay": replay, "activity": None, "totals": {"served": 1_234}}

    def decide(self, title: str) -> None:
        """One more decision."""
        reasons = ["skill at least 0.1 > 0 [of 7 days]"]
        seq = len(self.told) + 1
        self.told.append({"seq": seq, "at": self.at, "kind": "gate", "title": title, "reasons": reasons})


def test_the_watch_tells_each_decision_once_and_outlives_an_absent_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    control = Control()
    monkeypatch.setattr(demo_watch, "get_json", control.get_json)
    watch = Watch(Settings(home=tmp_path, loop_file=tmp_path / "loop.py"), date(2013, 12, 31))
    control.decide("v1 passed the gate")
    watch.look()
    control.away = True
    watch.look()
    control.away = False
    control.decide("v1 [bold]serves")
    watch.close()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "2013-02-01  serving, 1,234 rows served",
        "2013-02-01  v1 passed the gate",
        "            skill at least 0.1 > 0 [of 7 days]",
        "2013-02-01  v1 [bold]serves",
        "            skill at least 0.1 > 0 [of 7 days]",
    ]


def test_whoever_runs_loops_is_told_where_each_stands_and_what_it_decides_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    control, now = Control(), iter(range(0, 100, 2))

    def asked(url: str, patience: float) -> dict[str, Any]:
        if url.endswith("/loops"):
            control.get_json(url)
            return {"loops": [{"name": "churn"}]}
        standing = {"route": {"champion": None}, "activity": None, "waiting": None, "last_decision": None}
        return standing if url.endswith("/overview") else control.get_json(url)

    monkeypatch.setattr(up_watch, "get_json", asked)
    news = News("http://control", lambda: float(next(now)))
    control.away = True
    assert not news.look()
    control.away = False
    news.look()
    control.decide("v1 [bold]serves")
    news.look()
    news.look()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "churn  nothing serves yet: the first version is trained once enough labels are mature",
        "2013-02-01 05:00 UTC  churn  v1 [bold]serves",
        "    skill at least 0.1 > 0 [of 7 days]",
    ]


def test_a_demonstration_that_ends_in_its_history_says_from_when_on_it_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path, loop_file=tmp_path / "loop.py")
    demo._report(settings, date(2013, 1, 20), as_json=True)
    told = capsys.readouterr()
    assert json.loads(told.out) == {"loop": "late-arrival", "months": []}
    assert "the loop serves from 2013-02-01 on" in told.err


def flowing(terminal: bool, text: str, **how: Any) -> list[str]:
    """What is seen of a text on 30 columns."""
    seen = StringIO()
    Flowing(file=seen, width=30, force_terminal=terminal, color_system=None, soft_wrap=True).print(text, **how)
    return [line.rstrip() for line in seen.getvalue().splitlines()]


def test_a_terminal_breaks_sentences_between_words_under_their_beginning_and_a_pipe_keeps_lines_whole() -> None:
    text = "  [b]four[/] words of a sentence, and some more of it\nshort"
    assert flowing(True, text) == ["  four words of a sentence,", "  and some more of it", "short"]
    assert flowing(False, text) == ["  four words of a sentence, and some more of it", "short"]
    command = f"homeostat up /{'a' * 20} --home /{'b' * 20}"
    assert flowing(True, command, soft_wrap=True) == [command]
    assert flowing(True, "[0, 1] is printed as it is", markup=False) == ["[0, 1] is printed as it is"]
