"""Why was this said: everything that made one prediction, and no more than is known."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.lineage.arms import why_arm
from homeostat.app.lineage.attributing import attributed
from homeostat.app.lineage.versions import version_of
from homeostat.app.lineage.why import Why
from homeostat.app.signing.keys import Keys
from homeostat.app.signing.trust import keyring
from homeostat.governance.audit import GENESIS, Draft, seal
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import NotFound, Unavailable
from homeostat.registry.manifest import read_manifest
from tests.harness.served import ASKED, loop_of, record, renamed
from tests.harness.signed import Lying
from tests.harness.traced import by_draw, traced_home
from tests.harness.world import DAY, HOUR, LOOP
from tests.unit.serving.parts import expected

Json = dict[str, Any]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return traced_home(tmp_path_factory.mktemp("traced"))


@pytest.fixture(scope="module")
def why(home: Home) -> Why:
    return Why(home, {LOOP: loop_of(home)}, Operations.open(home).store, lambda: None)


def name(home: Home, number: int) -> str:
    return record(number, loop_of(home)).prediction_id


def test_a_prediction_is_told_with_all_that_made_it(why: Why, home: Home) -> None:
    made = why.told(name(home, 0), ASKED + DAY)
    assert (made["loop"], made["agrees"], made["prediction"]["question"]["shop"]) == (LOOP, True, "north")
    spent = next(one for one in made["features"] if one["feature"] == "shop_spent_6h")
    assert (spent["served"], spent["counted"], len(spent["rows"])) == (20.0, 3, 6)
    assert made["arm"]["decision"]["title"] == "v2 is champion; v1 stands by"
    assert made["version"]["fingerprint"]["data"] == "2" * 64
    assert made["version"]["training_set"]["table_versions"] == {"purchases": 2, "visits": 1}
    decisions = made["decisions"]
    assert decisions["asked"]["title"] == "Retrain: v2"
    assert decisions["gate"]["reasons"] == ["skill over the base rate at least 0.1042 > 0"]
    assert decisions["promoted"]["title"] == "v2 is champion; v1 stands by"
    assert [one["kind"] for one in decisions["all"]] == ["retrain", "gate", "canary", "promote"]


def test_who_signed_its_version_is_told_and_whether_that_holds_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEOSTAT_KEYS", str(tmp_path / "keys"))
    first = keyring().make(1)
    home = traced_home(tmp_path)
    why = Why(home, {LOOP: loop_of(home)}, Operations.open(home).store, lambda: None)

    def signature() -> Json:
        found: Json = why.told(name(home, 0), ASKED)["version"]["signature"]
        return found

    made = signature()
    assert (made["proven"], made["key"], made["standing"], made["by"]) == (True, first.id, "signing", None)
    assert made["signed_at"] == why.told(name(home, 0), ASKED)["decisions"]["gate"]["at"]
    keys = Keys(keyring(), home, "ann")
    keys.rotate()
    keys.revoke(first.id, "stolen")
    revoked = signature()
    assert (revoked["proven"], revoked["key"], revoked["standing"]) == (False, first.id, "revoked")
    assert "stolen" in revoked["problem"]
    keys.sign(LOOP, "v2", Lying(home.versions))  # type: ignore[arg-type]
    again = signature()
    assert (again["proven"], again["by"], again["standing"]) == (True, "ann", "signing")
    (home.versions / LOOP / "v2" / "model.onnx").write_bytes(b"another")
    assert "is not what was registered" in signature()["problem"]


def test_its_label_is_told_once_it_is_due_with_every_fact_that_told_it(why: Why, home: Home) -> None:
    due = ASKED + 3 * HOUR
    early = why.told(name(home, 0), due - 1)["label"]
    assert (early["status"], early["truth"], early["facts"]) == ("maturing", None, [])
    label = why.told(name(home, 0), due)["label"]
    assert (label["status"], label["truth"], label["right"]) == ("labelled", True, False)
    assert [(one["values"]["spent"], one["sequence"]) for one in label["facts"]] == [(5.0, 20), (20.0, 21)]
    assert why.told(name(home, 2), due + HOUR)["label"]["status"] == "no label"


def test_what_each_feature_did_adds_up_to_what_the_version_says(why: Why, home: Home) -> None:
    found = why.told(name(home, 0), ASKED)["attributions"]
    assert (found["problem"], found["method"], found["of"], found["background"]) == (None, "exact", "probability", 20)
    total = found["base"] + sum(one["share"] for one in found["features"])
    assert total == pytest.approx(found["probability"])
    assert found["probability"] == pytest.approx(expected(0.0, 0.0, "", 0.5 + 20.0 + 3.0), abs=1e-6)
    assert found["gap"] < 1e-9
    assert found["features"][0]["feature"] == "shop_spent_6h"


@pytest.mark.parametrize("arm", ["canary", "champion"])
def test_who_was_taken_by_a_rollout_is_told_where_its_unit_stands(home: Home, arm: str) -> None:
    loop = loop_of(home)
    chosen = by_draw(loop, taken=arm == "canary")[0]
    served = renamed(record(chosen, loop), generation=5, arm=arm, version={"canary": "v3"}.get(arm, "v2"))
    decided = next(
        one for one in Operations.open(home).store.entries(LOOP) if one.draft.evidence.get("generation") == 5
    )
    told = why_arm({**msgspec.structs.asdict(served), "loop": LOOP}, decided, served.key)
    assert ("below 0.25" if arm == "canary" else "not below 0.25") in told
    assert told.startswith("v3 was the candidate" if arm == "canary" else "v2 was the champion")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fell_back": True}, "failed in this very request"),
        ({"arm": "pinned"}, "The request named v2"),
        ({"arm": "shadow"}, "nobody was given"),
        ({"arm": "prices/b"}, "Experiment 'prices' drew its unit into arm 'b'"),
        ({}, "v2 is the champion"),
    ],
)
def test_an_arm_has_its_reason(changes: Json, said: str) -> None:
    assert said in why_arm({"arm": "champion", "version": "v2", "loop": LOOP, **changes}, None, "u")


def test_a_version_that_is_not_here_leaves_the_rest_of_the_story(why: Why, home: Home) -> None:
    made = why.told(name(home, by_draw(loop_of(home), taken=True)[0]), ASKED)
    assert (made["version"]["here"], made["version"]["state"]) == (False, "candidate")
    assert "v3" in made["attributions"]["problem"]
    assert made["decisions"]["promoted"] is None


def test_of_a_version_that_was_deleted_the_ledger_tells_what_it_was(home: Home) -> None:
    found, state = read_manifest(home.versions / LOOP / "v2"), Operations.open(home).store.state(LOOP)
    facts = {"manifest": plain(found.to_json())}
    draft = Draft("d", LOOP, 5, "delete", "DELETE", "v2 is deleted", ("old",), "v2", "ana", facts)
    here, gone = version_of(found, "v2", state, ()), version_of(None, "v2", state, [seal(draft, 1, GENESIS)])
    assert (gone["here"], gone["deleted"]["actor"]) == (False, "ana")
    assert [gone[name] for name in ("fingerprint", "training_set", "promise", "manifest")] == [
        here[name] for name in ("fingerprint", "training_set", "promise", "manifest")
    ]
    broken = seal(
        Draft("d", LOOP, 5, "delete", "DELETE", "v2", (), "v2", "ana", {"manifest": {"of": "another"}}), 1, ""
    )
    assert "fingerprint" not in version_of(None, "v2", state, [broken])


def test_a_version_that_is_not_what_the_gate_judged_is_marked(tmp_path: Path) -> None:
    home = traced_home(tmp_path)
    why = Why(home, {LOOP: loop_of(home)}, Operations.open(home).store, lambda: None)
    assert why.told(name(home, 0), ASKED)["version"]["judged"] is None
    (home.versions / LOOP / "v2" / "model.onnx").write_bytes(b"another")
    found = why.told(name(home, 0), ASKED)["attributions"]
    assert "is not what was registered" in found["problem"]
    assert found["mend"]


def test_values_that_the_log_lacks_are_named(home: Home) -> None:
    found = attributed(home.versions / LOOP / "v2", LOOP, "v2", {"x": 0.5, "shop": "north", "shop_spent_6h": 1.0}, "a")
    assert found["problem"] == "The log does not hold shop_bought_6h."


def test_an_unknown_id_or_loop_is_answered_with_its_mend_and_the_recorder_may_be_away(home: Home) -> None:
    def away() -> None:
        raise Unavailable("The recorder is not running.", mend="Wait.")

    why = Why(home, {LOOP: loop_of(home)}, Operations.open(home).store, away)
    with pytest.raises(NotFound, match="Take an id from a reply"):
        why.told("nobody", None)
    with pytest.raises(NotFound, match="visits"):
        why.told("nobody", None, loop="visit")


def test_the_command_asks_for_little_before_it_answers(home: Home) -> None:
    heavy = "mlflow sklearn duckdb polars fastapi dbos scipy lightgbm"
    code = (
        "import sys\nfrom homeostat.cli.main import app\n"
        f"app(['why', {name(home, 0)!r}, '--home', {str(home.root)!r}, '--json'], standalone_mode=False)\n"
        f"print([one for one in {heavy.split()} if one in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]")
    assert json.loads(done.stdout)["version"]["version"] == "v2"


def test_a_home_of_several_loops_is_searched(home: Home) -> None:
    loop = loop_of(home)
    other = dataclasses.replace(loop, name="other")
    why = Why(home, {"other": other, LOOP: loop}, Operations.open(home).store, lambda: None)
    assert why.told(name(home, 2), ASKED)["loop"] == LOOP
    with pytest.raises(NotFound):
        why.told(name(home, 2), ASKED, loop="other")
