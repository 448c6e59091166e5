"""A change in one leg is found in that leg and in no other, and named down to the line, key, package or day."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import IntegrityError
from homeostat.registry.archive import archived
from homeostat.registry.differences import LegDifference, differences
from homeostat.registry.legs import (
    CodeLeg,
    ConfigLeg,
    DataLeg,
    EnvironmentLeg,
    Legs,
    Package,
    RowsDigest,
    SourceFile,
    Tree,
)
from homeostat.registry.recorded import read_contents, read_legs
from homeostat.registry.variables import Variable

HELPER = b"LIMIT = 1\nFACTOR = 2\n"


def source(path: str, content: bytes) -> SourceFile:
    return SourceFile(path, hashlib.sha256(content).hexdigest(), len(content), "module")


CODE = CodeLeg(
    "project/loop.py",
    "project",
    ("project/src",),
    "loop.train",
    "t" * 64,
    (source("project/loop.py", b"loop"), source("project/src/helper.py", HELPER)),
    Tree("c" * 40, dirty=True, diff="d" * 64, kept=True, untracked=("notes.txt",)),
)
ROWS = RowsDigest(30, "r" * 64, {"x": "1", "label": "2"}, {"2013-01-01": (10, "a"), "2013-01-02": (20, "b")})
DATA = DataLeg({"asked": 3}, 41, None, 0, 86_400_000_000, 0, {"view": "v" * 64}, {"condition": "delay > 15"}, ROWS)
CONFIG = ConfigLeg({"trees": 20, "deep": {"seed": 7}}, {"config.deep.seed": 7}, {"gate": {"margin": 0.1}})
ENVIRONMENT = EnvironmentLeg(
    "CPython 3.11.7",
    {"system": "Linux", "machine": "x86_64", "libc": "glibc-2.36"},
    {"features": ["avx2", "fma"]},
    {"OMP_NUM_THREADS": "1"},
    {"numpy": Package("2.4.6", "n" * 64), "scipy": Package("1.17.1", "s" * 64)},
    ("numpy==2.4.6", "scipy==1.17.1"),
)
READ = {"ALPHA": Variable.of("ALPHA", "1"), "TOKEN": Variable.of("TOKEN", "t"), "REGION": Variable.of("REGION", None)}
LEGS = Legs(CODE, DATA, CONFIG, ENVIRONMENT)
CONTENTS = {one.sha256: content for one, content in zip(CODE.files, (b"loop", HELPER), strict=True)}


def changed(after: Legs, contents: dict[str, bytes] = CONTENTS) -> dict[str, LegDifference]:
    found = differences(LEGS, after, (CONTENTS, contents))
    return {leg: one for leg, one in found.items() if not one.equal}


def texts(found: LegDifference) -> list[str]:
    return [one.text for one in found.changes]


def test_variables_that_differ_are_named_without_their_values_unless_they_are_declared() -> None:
    now = {
        "ALPHA": Variable.of("ALPHA", "2"),
        "TOKEN": Variable.of("TOKEN", "renewed"),
        "REGION": Variable.of("REGION", "north"),
        "MORE": Variable.of("MORE", "1"),
    }
    before, after = replace(ENVIRONMENT, variables=READ), replace(ENVIRONMENT, variables=now)

    def told(before: EnvironmentLeg, after: EnvironmentLeg) -> list[str]:
        return texts(differences(replace(LEGS, environment=before), replace(LEGS, environment=after))["environment"])

    assert told(before, after) == [
        "variable ALPHA has another value",
        "variable MORE is read now, and was not",
        "variable REGION was not set, and is",
    ]
    assert told(ENVIRONMENT, after) == [], "what an older release did not note is not held against a version"
    one, other = (replace(before, variables={"ALPHA": Variable.of("ALPHA", at, declared=True)}) for at in "12")
    assert told(one, other) == ["variable ALPHA 1 became 2"]
    assert told(replace(before, variables={"ALPHA": READ["ALPHA"]}), one) == [], "to declare it changes nothing"


def test_variables_are_part_of_the_hash_and_versions_without_them_keep_theirs() -> None:
    hashes = {replace(ENVIRONMENT, variables=read).hash for read in (None, {})}
    assert hashes == {ENVIRONMENT.hash}
    read = replace(ENVIRONMENT, variables=READ)
    assert read.hash != ENVIRONMENT.hash
    assert replace(ENVIRONMENT, variables={**READ, "TOKEN": Variable.of("TOKEN", "renewed")}).hash == read.hash
    assert EnvironmentLeg.from_json(json.loads(canonical_json(read))) == read
    of_before = {name: one for name, one in json.loads(canonical_json(ENVIRONMENT)).items() if name != "variables"}
    assert EnvironmentLeg.from_json(of_before).hash == ENVIRONMENT.hash


def test_what_only_one_release_recorded_of_the_platform_is_no_difference_in_either_direction() -> None:
    more = replace(LEGS, environment=replace(ENVIRONMENT, platform={**ENVIRONMENT.platform, "timezone": "UTC"}))
    assert differences(LEGS, more)["environment"] == differences(more, LEGS)["environment"] == LegDifference(True)


def test_equal_legs_differ_in_nothing() -> None:
    assert changed(LEGS) == {}
    assert differences(LEGS, LEGS)["code"] == LegDifference(True)


def test_one_line_of_code_is_found_and_shown() -> None:
    edited = HELPER.replace(b"1", b"3")
    after = replace(CODE, files=(CODE.files[0], source("project/src/helper.py", edited)))
    found = changed(replace(LEGS, code=after), {**CONTENTS, after.files[1].sha256: edited})
    assert list(found) == ["code"]
    assert texts(found["code"]) == ["project/src/helper.py changed: 1 line added, 1 removed"]
    assert {"-LIMIT = 1", "+LIMIT = 3"} <= set(found["code"].changes[0].lines)


def test_a_file_that_was_also_renamed_is_told_by_the_line_that_changed() -> None:
    text = b"import homeostat\ntrees = 20\nseed = 7\n"
    edited = text.replace(b"20", b"30")
    moved, other = source("project/other.py", edited), source("project/new.py", b"nothing\nlike\nthat\n")
    after = replace(CODE, files=(moved, other, *CODE.files[1:]))
    first = source("project/loop.py", text)
    contents = {first.sha256: text, moved.sha256: edited, other.sha256: b"nothing\nlike\nthat\n"}
    before = replace(CODE, files=(first, *CODE.files[1:]))
    found = differences(replace(LEGS, code=before), replace(LEGS, code=after), (contents, contents))["code"]
    assert texts(found) == [
        "project/loop.py became project/other.py: 1 line added, 1 removed",
        "project/new.py was added: 3 lines added, 0 removed",
    ]


def test_another_commit_with_the_same_files_is_the_same_code() -> None:
    after = replace(CODE, tree=Tree("e" * 40, dirty=False))
    assert after.hash == CODE.hash
    found = differences(LEGS, replace(LEGS, code=after))["code"]
    assert found.equal
    assert [one.text for one in found.beside] == ["a dirty tree on commit cccccccccccc became commit eeeeeeeeeeee"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            RowsDigest(29, "x" * 64, {"x": "3", "label": "4"}, {**ROWS.days, "2013-01-02": (19, "c")}),
            ["rows: 30 became 29; 0 added, 1 removed, on 2013-01-02"],
        ),
        (
            RowsDigest(45, "x" * 64, {"x": "3", "label": "4"}, {**ROWS.days, "2013-01-03": (15, "c")}),
            ["rows: 30 became 45; 15 added, 0 removed, on 2013-01-03"],
        ),
        (
            RowsDigest(30, "x" * 64, {"x": "3", "label": "2"}, {**ROWS.days, "2013-01-01": (10, "c")}),
            [
                "rows: 30 became 30; 0 added, 0 removed, on 2013-01-01; on 2013-01-01, as many as before, but not the "
                "same",
                "column x changed",
            ],
        ),
    ],
)
def test_rows_that_came_went_or_changed_are_told_by_day_and_column(rows: RowsDigest, said: list[str]) -> None:
    found = changed(replace(LEGS, data=replace(DATA, trained_on=rows)))
    assert list(found) == ["data"]
    assert texts(found["data"]) == said


def test_tables_definitions_labels_and_spans_are_told() -> None:
    after = replace(DATA, table_versions={"asked": 4}, sequence=50, cutoff=3_600_000_000, definitions={})
    found = changed(replace(LEGS, data=after))
    assert texts(found["data"]) == [
        "table asked 3 became 4",
        f"definition view {'v' * 11}\N{HORIZONTAL ELLIPSIS} was removed",
        "facts known up to sequence 41 became 50",
        "cutoff: 1970-01-01T00:00:00Z became 1970-01-01T01:00:00Z",
    ]


def test_a_seed_and_a_declaration_are_told_by_their_keys() -> None:
    after = ConfigLeg({"trees": 20, "deep": {"seed": 8}}, {"config.deep.seed": 8}, {"gate": {"margin": 0.2}})
    found = changed(replace(LEGS, config=after))
    assert list(found) == ["config"]
    assert texts(found["config"]) == [
        "parameter deep.seed 7 became 8",
        "seed config.deep.seed 7 became 8",
        "declaration gate.margin 0.1 became 0.2",
    ]


def test_a_package_a_thread_and_a_processor_are_told() -> None:
    packages = {"numpy": Package("2.4.6", "o" * 64), "scipy": Package("1.17.2", "u" * 64), "new": Package("1.0", "w")}
    after = replace(ENVIRONMENT, packages=packages, threads={"OMP_NUM_THREADS": "2"}, processor={"features": ["avx2"]})
    found = changed(replace(LEGS, environment=after))
    assert list(found) == ["environment"]
    assert texts(found["environment"]) == [
        "processor: features: fma was removed",
        "threads: OMP_NUM_THREADS 1 became 2",
        "package new 1.0 was added",
        "package numpy 2.4.6 has other files",
        "package scipy 1.17.1 became 1.17.2",
    ]


def test_another_processor_is_told_by_what_only_one_of_the_two_has() -> None:
    """However long the lists are: twenty instruction sets that both have say nothing."""
    both = [f"set{number}" for number in range(20)]
    wide = [f"avx512{letter}" for letter in "abcdefghij"]
    old = {"features": [*wide, *both], "kernels": ["openblas 0.3.30 SkylakeX 1"]}
    new = {"features": [*both, "sse4a"], "kernels": ["openblas 0.3.30 Haswell 1"]}
    before = replace(LEGS, environment=replace(ENVIRONMENT, processor=old))
    after = replace(LEGS, environment=replace(ENVIRONMENT, processor=new))
    leg = differences(before, after)["environment"]
    assert leg.equal is False
    assert texts(leg) == [
        f"processor: features: {', '.join(wide[:8])} and 2 more were removed; sse4a was added",
        "processor: kernels: openblas 0.3.30 SkylakeX 1 was removed; openblas 0.3.30 Haswell 1 was added",
    ]
    assert (leg.changes[0].before, leg.changes[0].after) == (old["features"], new["features"]), "whole, for machines"


def test_the_lock_is_no_part_of_what_is_compared() -> None:
    assert replace(ENVIRONMENT, lock=()).hash == ENVIRONMENT.hash


def test_legs_are_read_back_from_a_versions_folder(tmp_path: Path) -> None:
    for name, leg in {"code": CODE, "data": DATA, "loop": CONFIG, "environment": ENVIRONMENT}.items():
        (tmp_path / f"{name}.json").write_bytes(canonical_json(leg))
    (tmp_path / "code.tar").write_bytes(archived(CONTENTS))
    assert read_legs(tmp_path) == LEGS
    assert read_contents(tmp_path) == CONTENTS
    (tmp_path / "data.json").write_text("[]")
    with pytest.raises(IntegrityError, match="no record of a leg"):
        read_legs(tmp_path)


def test_what_an_older_release_did_not_keep_is_unknown_and_the_little_it_kept_counts(tmp_path: Path) -> None:
    told = {"numpy": "2.4.5", "xgboost": None, "python": "3.11.7", "machine": "Linux x86_64"}
    (tmp_path / "environment.json").write_text(json.dumps(told))
    legs = read_legs(tmp_path)
    assert (legs.code, legs.data, legs.config, read_contents(tmp_path)) == (None, None, None, {})
    found = differences(legs, LEGS)
    assert [found[leg].equal for leg in ("code", "data", "config", "environment")] == [None, None, None, False]
    assert texts(found["environment"]) == ["package numpy 2.4.5 became 2.4.6"]
