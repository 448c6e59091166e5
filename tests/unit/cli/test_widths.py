"""Every command that tells can be read on a terminal of 80 columns: nothing is cut, and nothing runs over its edge."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.app.home import Home
from homeostat.cli import tabled
from homeostat.cli.output import Flowing
from homeostat.cli.tabled import print_table
from tests.unit.cli.conftest import Command

TOLD = (
    *("status", "decisions", "decisions explain 3", "versions list", "versions show v2", "versions steps", "route"),
    *("slices", "performance", "economics", "drift", "skew", "diagnose", "latency", "report", "explain", "tables"),
    *("alerts list --all", "alerts rules", "alerts silences", "contract show", "quarantine list", "features"),
    *("consumers list", "checkpoints list", "keys list", "ledger verify", "impact version v2", "approvals", "shadow"),
    "retrain watch",
)
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def test_no_command_writes_beyond_80_columns_of_a_terminal(
    command: Command, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    wide = {}
    for words in TOLD:
        told = command(*words.split(), "--home", home.root)
        lines = [_STYLE.sub("", line).rstrip() for line in (told.stdout + told.stderr).splitlines()]
        assert lines, words
        wide |= {f"{words}: {one}": len(one) for one in lines if len(one) > 80 and str(home.root) not in one}
    assert wide == {}


def shown(columns: list[str], rows: list[list[Any]], monkeypatch: pytest.MonkeyPatch, **how: Any) -> list[str]:
    """The lines of a table on a terminal of 80 columns."""
    file = StringIO()
    monkeypatch.setattr(tabled, "data", Flowing(file=file, width=80, force_terminal=True, color_system=None))
    print_table(columns, rows, **how)
    return [line.rstrip() for line in file.getvalue().splitlines()]


WORDS = st.text("abc ", max_size=60).map(lambda text: " ".join(text.split()))


@given(
    rows=st.integers(2, 8).flatmap(
        lambda many: st.lists(st.lists(WORDS, min_size=many, max_size=many), min_size=1, max_size=4)
    ),
    lead=st.integers(1, 2),
)
def test_a_table_of_any_texts_fits_and_loses_no_letter(rows: list[list[str]], lead: int) -> None:
    columns = [f"c{place}" for place in range(len(rows[0]))]
    with pytest.MonkeyPatch.context() as patch:
        lines = shown(columns, rows, patch, lead=lead)
    assert max(map(len, lines)) <= 80
    told = sorted("".join(lines).replace(" ", ""))
    for letter in "ab":
        assert told.count(letter) >= sum(cell.count(letter) for row in rows for cell in row)


def test_figures_that_have_no_room_follow_below_behind_the_first_column(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ["figure", *(f"a long heading {n}" for n in range(5)), ""]
    lines = shown(columns, [["skill", "1", "2", "3", "4", "5", ""]], monkeypatch, right=columns[1:])
    heads = [line.split("  ")[0] for line in lines]
    assert heads == ["figure", "skill", "", "figure", "skill"]
    assert (lines[1].split(), lines[4].split()) == (["skill", "1", "2", "3", "4"], ["skill", "5"])


def test_what_is_piped_keeps_its_lines_whole(command: Command, home: Home) -> None:
    reason = "log-loss minus the champion's at most 0.004 < 0.05, on 864 rows of 3 days"
    lines = command("decisions", "--home", home.root).stdout.splitlines()
    assert any(line.endswith(reason) for line in lines)
