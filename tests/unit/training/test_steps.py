"""Runs of small pipelines: what is done, what is taken from before, what is tried again, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.files.steps import StepFolder
from homeostat.kernel.errors import IntegrityError, Refused, Unavailable
from homeostat.training.formats import PASSING, VALUES
from homeostat.training.stepping import Run
from homeostat.training.steps import Format, NoGauge, NothingKept, Past, Step, StepRecord, StepStore


@dataclass
class Bench:
    """Steps that count how often they work: ``double`` what is read, and make ``something`` of it."""

    store: StepStore
    read: int = 2
    worked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    shown: list[tuple[StepRecord, ...]] = field(default_factory=list)
    fails: dict[str, list[Exception]] = field(default_factory=dict)
    source: Path | None = None
    variables: dict[str, str] = field(default_factory=dict)

    def step(self, name: str, work: Callable[..., Any], gives: Format = VALUES, **parts: Any) -> Step:
        def working(notes: Any, *taken: Any) -> Mapping[str, Any]:
            self.worked.append(name)
            if self.fails.get(name):
                raise self.fails[name].pop(0)
            return {f"{name}_out": work(*taken)}

        return Step(name, working, {f"{name}_out": gives}, **parts)

    def run(self) -> Run:
        def sources() -> dict[str, str]:
            return {} if self.source is None else {str(self.source): _hash(self.source)}

        steps = [
            self.step("read", lambda: self.read, decided_by={"read": self.read}),
            self.step("double", lambda one: 2 * one, takes=("read_out",), retries=1),
            self.step("object", lambda one: object(), PASSING, takes=("double_out",), sources=sources, reads=self),
            self.step("count", lambda made, one: [one], takes=("object_out", "double_out")),
        ]
        return Run(steps, self.store, NoGauge(), lambda records: self.shown.append(tuple(records)), self.said.append)

    def read_by_now(self) -> Mapping[str, str]:
        return self.variables

    def identity(self, name: str) -> str:
        return self.variables.get(name, "not set")

    def go(self) -> list[str]:
        """Which steps worked."""
        self.worked.clear()
        run = self.run()
        run.settle()
        assert run.value("count_out") == [2 * self.read]
        return list(self.worked)


def _hash(file: Path) -> str:
    from homeostat.registry.manifest import hash_file

    return hash_file(file)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(StepFolder(tmp_path / "steps", 1 << 20))


ALL = ["read", "double", "object", "count"]


def test_a_rerun_with_nothing_changed_does_nothing(bench: Bench) -> None:
    assert bench.go() == ALL
    assert bench.go() == []
    assert {record.state for record in bench.shown[-1]} == {"kept"}


def test_without_a_store_everything_is_done_each_time() -> None:
    bench = Bench(NothingKept())
    assert bench.go() == ALL
    assert bench.go() == ALL


def test_a_change_runs_only_what_it_touches(bench: Bench) -> None:
    bench.go()
    bench.read = 3
    assert bench.go() == ALL
    bench.read = 2
    assert bench.go() == []


def test_what_comes_to_the_same_touches_nothing_further(bench: Bench) -> None:
    bench.go()
    other = bench.run()
    read = bench.step("read", lambda: 2, decided_by={"read": "otherwise"})
    Run([read, *other.steps[1:]], bench.store, NoGauge(), lambda records: None, bench.said.append).settle()
    assert bench.worked[len(ALL) :] == ["read"]


def test_a_file_that_a_step_turned_out_to_depend_on_counts(bench: Bench, tmp_path: Path) -> None:
    bench.source = tmp_path / "helper.py"
    bench.source.write_text("one")
    bench.go()
    assert bench.go() == []
    bench.source.write_text("two")
    assert bench.go() == ["object", "count"], "what is made of it is made again, though nobody can compare it"


def test_a_variable_that_a_step_turned_out_to_read_counts_and_is_known_when_the_step_is_kept(bench: Bench) -> None:
    bench.variables = {"ALPHA": "1"}
    bench.go()
    kept = bench.run()
    kept.settle()
    assert (bench.worked[len(ALL) :], kept.variables) == ([], {"ALPHA"})
    bench.variables = {"ALPHA": "2"}
    assert bench.go() == ["object", "count"]
    bench.variables = {}
    assert bench.go() == ["object", "count"]


def test_a_failed_step_is_where_the_next_run_goes_on(bench: Bench) -> None:
    bench.fails["count"] = [Refused("No.", mend="Try.")]
    with pytest.raises(Refused) as caught:
        bench.go()
    assert caught.value.facts["step"] == "count"
    assert [record.state for record in bench.shown[-1]] == ["done", "done", "done", "failed"]
    assert bench.go() == ["object", "count"], "the object cannot be written down"


def test_a_step_is_tried_again_as_often_as_it_declares(bench: Bench) -> None:
    bench.fails["double"] = [Unavailable("Away.", mend="Wait.")]
    assert bench.go() == ["read", "double", "double", "object", "count"]
    assert bench.shown[-1][1].attempts == 2
    bench.read, bench.fails["double"] = 5, [OSError("away"), OSError("away")]
    with pytest.raises(OSError, match="away"):
        bench.go()
    bench.read, bench.fails["double"] = 6, [Refused("No.", mend="Try.")]
    with pytest.raises(Refused):
        bench.go()
    assert bench.worked == ["read", "double"], "what will not pass is not tried again"


def test_damage_is_as_good_as_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.go()
    for file in (tmp_path / "steps").glob("*/count_out"):
        file.write_bytes(b"{")
    assert bench.go() == ["object", "count"]
    assert any("done again" in line for line in bench.said)
    assert bench.go() == []


def test_a_step_that_is_not_decided_by_its_inputs_is_found_when_it_is_done_again(tmp_path: Path) -> None:
    answers = iter((1, 2))
    store = StepFolder(tmp_path, 1 << 20)

    def run() -> Run:
        step = Step("draw", lambda notes: {"drawn": next(answers)}, {"drawn": VALUES})
        return Run([step], store, NoGauge(), lambda records: None, lambda text: None)

    run().settle()
    for file in tmp_path.glob("*/drawn"):
        file.unlink()
    with pytest.raises(IntegrityError, match="other drawn than before"):
        run().value("drawn")


def test_where_nothing_can_be_kept_the_run_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StepFolder, "keep", full)
    assert bench.go() == ALL
    assert any("cannot be kept for later runs: No space left" in line for line in bench.said)


def test_records_tell_what_lasts_and_survive_json(bench: Bench) -> None:
    bench.go()
    first = bench.shown[-1]
    bench.go()
    assert [one.lasting for one in bench.shown[-1]] == [one.lasting for one in first]
    assert first[1].lasting["takes"] == {"read_out": first[0].gives["read_out"]}
    from homeostat.kernel.canonical import plain

    assert StepRecord.from_json(plain(first[1])) == first[1]


PAST = Past("read", {"out": "1"}, {}, ("odd",), 1.5, 10, {})


def keep(store: StepFolder, key: str, content: bytes = b"12345") -> None:
    def write(file: Path) -> None:
        file.write_bytes(content)

    store.keep(key, PAST, {"out": write})


def test_a_folder_keeps_within_its_bound_and_what_is_used_stays(tmp_path: Path) -> None:
    store = StepFolder(tmp_path, 700)
    keep(store, "a", b"a" * 200)
    keep(store, "b", b"b" * 200)
    assert store.find("a") == PAST
    keep(store, "c", b"c" * 200)
    assert (store.find("a"), store.find("b"), store.find("c")) == (PAST, None, PAST)
    assert store.file("a", "out").read_bytes() == b"a" * 200
    keep(store, "d", b"d" * 1000)
    assert store.find("d") is None, "what is larger than the bound is not kept"


def test_what_another_release_kept_is_not_found(tmp_path: Path) -> None:
    keep(StepFolder(tmp_path, 1 << 20, "one"), "a")
    assert StepFolder(tmp_path, 1 << 20, "one").find("a") == PAST
    assert StepFolder(tmp_path, 1 << 20, "two").find("a") is None


def test_half_an_outcome_is_none_and_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    store = StepFolder(tmp_path, 1 << 20)

    def fails(file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        store.keep("a", PAST, {"out": fails})
    assert (store.find("a"), list(tmp_path.iterdir())) == (None, [])
    (tmp_path / "gone.999999999.part").mkdir()
    keep(store, "b")
    assert [place.name.endswith(".part") for place in tmp_path.iterdir()] == [False]
