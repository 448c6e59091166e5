"""What depends on data, definitions and versions: all of it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.gateway.consumers import Consumers
from homeostat.app.home import Home
from homeostat.app.lineage.depends import Lineage
from homeostat.app.lineage.impact import impact
from homeostat.app.lineage.rows import impact_of_rows, rows_of
from homeostat.app.lineage.targets import target_of
from homeostat.app.lineage.usage import Usage
from homeostat.kernel.errors import InvalidInput, NotFound
from homeostat.registry.lineage import Edge, Graph, Node
from tests.harness.served import loop_of, record
from tests.harness.traced import traced_home
from tests.harness.world import LOOP

Json = dict[str, Any]
VIEW = "purchases_window_by_shop"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return traced_home(tmp_path_factory.mktemp("traced"))


@pytest.fixture(scope="module")
def lineage(home: Home) -> Lineage:
    return Lineage(home, {LOOP: loop_of(home)}, Operations.open(home).store, Consumers.open(home).store)


def versions(found: Json) -> dict[str, list[str]]:
    return {one["version"]: one["because"] for one in found["versions"]}


def counts(found: Json) -> dict[str, int]:
    return {one["version"]: sum(each["predictions"] for each in one["predictions"]) for one in found["versions"]}


def test_a_table_leads_to_versions_by_their_roles_predictions_and_readers(lineage: Lineage) -> None:
    found = impact(lineage, "purchases")
    assert versions(found) == {
        "v1": [f"trained on purchases@1: view {VIEW}, labels"],
        "v2": [f"trained on purchases@2: view {VIEW}, labels"],
    }
    assert counts(found) == {"v1": 0, "v2": 5}
    assert (found["predictions"]["count"], found["consumers"][0]["consumer"]) == (5, "tills")
    assert versions(impact(lineage, "visits"))["v2"] == ["trained on visits@1: questions"]


def test_a_version_of_a_table_leads_to_what_was_built_on_it_since(lineage: Lineage) -> None:
    assert set(versions(impact(lineage, "purchases@2"))) == {"v2"}
    assert set(versions(impact(lineage, "purchases@1"))) == {"v1", "v2"}
    with pytest.raises(NotFound, match="newest version is 2"):
        impact(lineage, "purchases@3")


def test_predictions_depend_on_what_came_after_their_version_was_trained(
    home: Home, lineage: Lineage, tmp_path: Path
) -> None:
    again = traced_home(tmp_path)
    (again.versions / LOOP / "v2" / "manifest.json").unlink()
    loop = loop_of(again)
    old = Lineage(again, {LOOP: loop}, Operations.open(again).store, Consumers.open(again).store)
    assert impact(old, "purchases@2")["versions"] == []  # v1 answered nothing, and v2 is not here
    assert versions(impact(old, "v2")) == {"v2": ["itself; its folder is not here"]}
    assert counts(impact(old, "v2")) == {"v2": 5}


def test_a_definition_leads_to_versions_that_have_it_and_a_version_to_itself(lineage: Lineage) -> None:
    found = impact(lineage, VIEW)
    assert set(versions(found)) == {"v1", "v2"}
    assert versions(found)["v2"][0].endswith("as it is now")
    assert versions(impact(lineage, f"{LOOP}/v2")) == {"v2": ["itself"]}
    assert counts(impact(lineage, "v2")) == {"v2": 5}


def test_a_column_leads_to_the_versions_that_read_it_and_a_feature_to_those_that_have_it(lineage: Lineage) -> None:
    spent = impact(lineage, "purchases.spent")
    assert spent["of"] == {"kind": "column", "name": "purchases.spent"}
    assert versions(spent) == {
        "v1": [f"trained on spent of purchases@1: view {VIEW}, labels"],
        "v2": [f"trained on spent of purchases@2: view {VIEW}, labels"],
    }
    assert counts(spent) == {"v1": 0, "v2": 5}
    assert versions(impact(lineage, "purchases.shop"))["v2"] == [f"trained on shop of purchases@2: view {VIEW}"]
    assert versions(impact(lineage, "visits.x"))["v2"] == ["trained on x of visits@1: questions"]
    assert impact(lineage, "x")["of"] == {"kind": "feature", "name": "x"}
    assert versions(impact(lineage, "x"))["v2"] == ["trained with x: a column of visits"]
    (made,) = (name for name in loop_of(lineage.home).feature_set.names if name.startswith("shop_spent"))
    assert versions(impact(lineage, f"feature:{made}"))["v2"] == [f"trained with {made}: view {VIEW}"]
    with pytest.raises(NotFound, match=r"purchases\.spent"):
        impact(lineage, "purchases.spend")


def named(lineage: Lineage, folder: Path, table: str, *keys: str) -> Json:
    path = folder / "rows.csv"
    path.write_text("\n".join(["visit,more", *(f"{key},1" for key in keys)]))
    return impact_of_rows(lineage, rows_of(lineage, path, table))


def test_facts_lead_to_the_training_rows_and_predictions_whose_features_counted_them(
    lineage: Lineage, tmp_path: Path
) -> None:
    found = named(lineage, tmp_path, "purchases", "plain", "nobody")
    assert found["of"] == {"kind": "rows", "name": "purchases", "rows": 2, "known": 1}
    assert versions(found)["v2"] == [f"features of 2 training rows by {VIEW}"]
    assert {"v2": 5, "v3": 2}.items() <= counts(found).items()
    assert "v1" not in versions(found)


@pytest.mark.parametrize("fact", ["late", "long ago"])
def test_facts_that_were_not_known_or_too_old_lead_nowhere(lineage: Lineage, tmp_path: Path, fact: str) -> None:
    found = named(lineage, tmp_path, "purchases", fact)
    assert sum(counts(found).values()) == 0


def test_questions_and_labels_lead_to_the_training_rows_that_they_are(lineage: Lineage, tmp_path: Path) -> None:
    found = named(lineage, tmp_path, "visits", "v0", "v4")
    assert versions(found)["v2"] == ["1 of its training rows"]
    assert counts(found) == {"v2": 2}
    ids = [one for each in found["versions"][0]["predictions"] for one in each["ids"]]
    assert ids == [record(number, loop_of(lineage.home)).prediction_id for number in (0, 4)]
    assert versions(named(lineage, tmp_path, "purchases", "v0"))["v2"] == ["labels of 1 of its training rows"]


def test_a_question_that_only_its_request_told_of_leads_to_its_predictions(
    home: Home, lineage: Lineage, tmp_path: Path
) -> None:
    unknown = Lineage(home, lineage.loops, lineage.store, lineage.consumers)
    unknown.tables = DeltaTables(tmp_path / "tables")
    found = named(unknown, tmp_path, "visits", "v0", "v4", "nobody")
    assert found["of"] == {"kind": "rows", "name": "visits", "rows": 3, "known": 0}
    assert counts(found) == {"v2": 2}
    assert versions(found) == {"v2": []}
    assert named(unknown, tmp_path, "purchases", "plain")["versions"] == []


def test_rows_of_parquet_are_read_and_a_file_that_names_none_says_what_it_needs(
    lineage: Lineage, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"visit": ["v1"]}), tmp_path / "rows.parquet")
    assert counts(impact_of_rows(lineage, rows_of(lineage, tmp_path / "rows.parquet", "visits"))) == {"v2": 1}
    with pytest.raises(InvalidInput, match=r"may name rows of purchases, visits.*Name the table"):
        rows_of(lineage, tmp_path / "rows.parquet", None)
    (tmp_path / "other.csv").write_text("flight\n1\n")
    with pytest.raises(InvalidInput, match="has the key of no table"):
        rows_of(lineage, tmp_path / "other.csv", None)
    with pytest.raises(InvalidInput, match="has a row without visit"):
        rows_of(lineage, tmp_path / "other.csv", "visits")
    (tmp_path / "empty.csv").write_text("visit\n")
    with pytest.raises(InvalidInput, match="names no row"):
        rows_of(lineage, tmp_path / "empty.csv", "visits")
    with pytest.raises(NotFound, match="purchases"):
        rows_of(lineage, tmp_path / "other.csv", "purchase")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("purchase", NotFound, "purchases"),
        ("purchases@", InvalidInput, "names no version of a table"),
        ("purchases@x", InvalidInput, "names no version of a table"),
        ("v3", InvalidInput, "a/v3 or b/v3"),
        ("both", InvalidInput, "table:both and view:both"),
    ],
)
def test_what_cannot_be_meant_is_answered_with_what_can(text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        target_of(text, ["purchases", "both"], ["both"], {"a": ["v3"], "b": ["v3"]})


def test_what_is_two_things_can_be_told_apart() -> None:
    assert target_of("view:both", ["both"], ["both"], {}).kind == "view"
    assert target_of("table:both@3", ["both"], ["both"], {}).version == 3


def test_files_that_were_counted_are_not_read_again(home: Home) -> None:
    log = DeltaTables(home.log)
    usage = Usage(log)
    first = usage.of(LOOP)
    assert {(one["version"], one["arm"]): one["predictions"] for one in first} == {
        ("v2", "champion"): 5,
        ("v3", "canary"): 2,
    }
    assert first[0]["first_id"] == record(0, loop_of(home)).prediction_id
    log.scan = None  # type: ignore[assignment, method-assign]
    with pytest.raises(TypeError):
        usage.of(LOOP)
    assert Usage(DeltaTables(home.root / "nothing")).of(LOOP) == []


def test_the_graph_of_a_version_leads_from_its_tables_to_who_reads_it(lineage: Lineage) -> None:
    told = lineage.graph(LOOP)
    assert (told["version"], [one["version"] for one in told["versions"]]) == ("v2", ["v2", "v1"])
    graph = Graph(tuple(Node(**one) for one in told["nodes"]), tuple(Edge(**one) for one in told["edges"]))
    assert {"training_set", "version", "predictions:champion", "consumer:tills"} <= graph.after("table:purchases@2")
    assert graph.before("version") == {
        *("table:purchases@2", "table:visits@1", "definition:question", f"definition:{VIEW}", "training_set"),
        *("leg:code", "leg:config", "leg:environment"),
    }
    titles = [one["label"] for one in told["nodes"] if one["kind"] == "decision"]
    assert titles == ["v2 passed the gate", "v2 takes 5% of the traffic", "v2 is champion; v1 stands by"]
    assert "predictions:champion" in graph.after(f"decision:{len(titles) + 4}")


def test_a_version_or_loop_that_there_is_not_is_answered_with_what_there_is(lineage: Lineage) -> None:
    with pytest.raises(NotFound, match="v2"):
        lineage.graph(LOOP, "v22")
    with pytest.raises(NotFound, match=LOOP):
        lineage.graph("visit")


def test_a_graph_leads_nowhere_but_to_its_nodes() -> None:
    with pytest.raises(InvalidInput, match="leads out of the graph"):
        Graph((Node("a", "table", "a"),), (Edge("a", "b", "reads"),))
    ring = Graph((Node("a", "table", "a"), Node("b", "table", "b")), (Edge("a", "b", "x"), Edge("b", "a", "x")))
    assert ring.after("a") == {"a", "b"}
