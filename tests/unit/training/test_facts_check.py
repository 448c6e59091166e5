"""No model is fitted to facts that break what their table promises of a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import homeostat as hs
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.tables.facts_check import check_facts
from homeostat.app.training.candidate import make_candidate
from homeostat.kernel.errors import Refused
from homeostat.training.jobs import JobFolder, TrainingJob
from homeostat.training.training_set import Sources
from tests.unit.training import toy
from tests.unit.training.toy import DAY, sources

TABLES = toy.history(days=14, per_day=80)
SOURCES = sources(TABLES)
JOB = TrainingJob(toy.__file__, "toy", "v1", "", {"asked": 0, "done": 0}, 1 << 60, None, 9 * DAY, 20 * DAY, None, 100)


def promising(*rules: Any, **columns: Any) -> hs.Table:
    return replace(toy.done, rules=rules, contract={**toy.done.contract, **columns})


def told(table: hs.Table, job: TrainingJob = JOB) -> list[str]:
    said: list[str] = []
    check_facts([table], job, SOURCES, said.append)
    return said


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (hs.batch_mean("delay", 100, 200), r"mean of delay is 1[0-9.]+, below 100"),
        (hs.batch_missing("shop", at_most=0.01), "missing share of shop is 0"),
        (hs.batch_rows(at_most=10), "row count is 1120, above 10"),
        (hs.rule("delay < 15", verdict="reject"), "rows break 'rule:delay < 15'"),
    ],
)
def test_training_is_refused_with_the_figure_beside_its_bound(broken: Any, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        told(promising(broken))
    assert refused.value.facts["table"] == "done"


def test_what_only_warns_or_keeps_rows_apart_is_said() -> None:
    said = told(
        promising(hs.batch_mean("delay", 100, 200, verdict="warn"), shop=hs.text(nullable=True, matches="[ab]"))
    )
    assert [line.split()[0] for line in said] == ["done:", "done:"]
    assert "shop: no_match" in said[0]
    assert "mean of delay" in said[1]


def test_facts_before_the_training_span_are_not_looked_at() -> None:
    assert told(promising(hs.batch_rows(at_most=200)), replace(JOB, since=12 * DAY)) == []


def test_a_column_that_the_contract_gained_is_null_in_older_facts(tmp_path: Path) -> None:
    stored = DeltaTables(tmp_path)
    stored.append("done", TABLES["done"], writer="test", upto=0)
    version = stored.version("done")
    kept = Sources(
        lambda table, at, columns: stored.read(table, version=at, columns=columns), {"done": version}, 1 << 60, 1 << 60
    )
    said: list[str] = []
    check_facts([promising(till=hs.text(nullable=True))], JOB, kept, said.append)
    assert said == []


def test_the_training_of_a_candidate_stops_there(tmp_path: Path) -> None:
    done = promising(hs.batch_mean("delay", 100, 200))
    label = hs.Label(done, "delay > 15", matures="24h after due")
    window = hs.Window(done, by="shop", over=["6h"], values={"delay": hs.mean("delay")})
    loop = replace(toy.loop, label=label, features=[toy.asked["shop"], window])
    with pytest.raises(Refused, match="break its contract"):
        make_candidate(JOB, loop, JobFolder(tmp_path), read=SOURCES.read, say=lambda text: None)
    assert not (tmp_path / "version").exists()
