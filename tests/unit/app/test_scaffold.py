"""A loop is started from rows as people have them; what they do not tell is asked for, or assumed and said."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from homeostat.app.loops.loader import load_loop
from homeostat.app.scaffold.cleaning import cleaned, times_in
from homeostat.app.scaffold.dates import written_dates
from homeostat.app.scaffold.loop_text import loop_file
from homeostat.app.scaffold.past import past_of
from homeostat.app.scaffold.plan import Asked
from homeostat.app.scaffold.starting import Place, start_from_rows
from homeostat.data.labels import Answers
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.errors import HomeostatError, InvalidInput, NotEnoughData

NOW = parse_instant("2026-03-01T00:00:00Z")
ASKED = Asked("churn", "rows.csv", "left")
ROWS = 400


def rows(**more: object) -> pl.DataFrame:
    """Rows of forty days, two numbers and a text, and an outcome that depends on them."""
    drawn = np.random.default_rng(1)
    x = drawn.normal(size=ROWS)
    columns = {
        "x": x,
        "shop": drawn.choice(["north", "south"], ROWS),
        "at": [f"2026-01-{1 + place * 30 // ROWS:02d}" for place in range(ROWS)],
        "left": drawn.random(ROWS) < 1 / (1 + np.exp(-x)),
    }
    return pl.DataFrame({**columns, **more})


def problem(frame: pl.DataFrame, asked: Asked = ASKED) -> HomeostatError:
    with pytest.raises(HomeostatError) as found:
        past_of(frame, asked, NOW)
    return found.value


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["1", " 2.5 ", "", None], [1.0, 2.5, None, None]),
        (["00501", "1", "2", "3"], ["00501", "1", "2", "3"]),
        (["1", "2", "x", " "], ["1", "2", "x", None]),
        ([1.0, float("nan"), float("inf"), None], [1.0, None, None, None]),
    ],
)
def test_empty_texts_and_what_is_no_number_are_missing_and_numbers_among_texts_are_numbers(
    values: list[object], told: list[object]
) -> None:
    found = cleaned(pl.Series("a", values))
    assert found is not None
    assert found.to_list() == told


@pytest.mark.parametrize(
    ("text", "instant", "zoned"),
    [
        ("2024-01-31", "2024-01-31T00:00:00Z", False),
        ("2024-01-31 12:30", "2024-01-31T12:30:00Z", False),
        ("2024-01-31T12:30:05.5", "2024-01-31T12:30:05.5Z", False),
        ("2024-01-31T12:30:05Z", "2024-01-31T12:30:05Z", True),
        ("2024-01-31T12:30:05+02:00", "2024-01-31T10:30:05Z", True),
    ],
)
def test_times_are_read_in_every_usual_form(text: str, instant: str, zoned: bool) -> None:
    found = times_in(pl.Series("at", [text, None]))
    assert found is not None
    assert found[0].dt.timestamp("us").to_list() == [parse_instant(instant), None]
    assert found[1] is zoned


def test_what_holds_no_times_is_no_column_of_times() -> None:
    assert times_in(pl.Series("a", ["2024-01-31", "soon"])) is None
    assert times_in(pl.Series("a", [20240131])) is None


@pytest.mark.parametrize(
    ("texts", "instants", "order"),
    [
        (["31.01.2024", None, "1.2.2024"], ["2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z"], "day, month, year"),
        (["01.02.2024 12:30"], ["2024-02-01T12:30:00Z"], "day, month, year"),
        (["1/31/2024 07:05:09"], ["2024-01-31T07:05:09Z"], "month, day, year"),
        (["31-01-2024", "01-02-2024"], ["2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z"], "day, month, year"),
        (["2/2/2024"], ["2024-02-02T00:00:00Z"], "day, month, year"),
    ],
)
def test_dates_are_read_as_people_write_them(texts: list[str | None], instants: list[str], order: str) -> None:
    found = written_dates(pl.Series("at", texts))
    assert found is not None
    assert found[0].drop_nulls().dt.timestamp("us").to_list() == [parse_instant(one) for one in instants]
    assert found[1] == order


def test_a_column_named_as_the_time_is_read_whatever_it_is_called_and_it_is_told() -> None:
    counted = rows().with_columns(pl.col("at").str.to_datetime("%Y-%m-%d", time_zone="UTC").dt.epoch("s").alias("when"))
    plan = past_of(counted.drop("at"), replace(ASKED, time="when"), NOW).plan
    assert plan.time == "when"
    assert "Numbers in 'when' are read as times: seconds since 1970, in UTC." in plan.assumed
    assert past_of(counted.drop("at"), ASKED, NOW).plan.time != "when"


def test_a_sentence_identifies_no_row() -> None:
    told = rows(remark=[f"call number {n} was short" for n in range(ROWS)])
    assert past_of(told, ASKED, NOW).plan.key == (("row_id", "text"),)
    assert past_of(rows(name=[f"Shop {n}" for n in range(ROWS)]), ASKED, NOW).plan.key == (("name", "text"),)


@pytest.mark.parametrize("texts", [["31.01.2024", "soon"], ["1.2.3.4"], ["31/31/2024"], [None], ["2024-01-31"], []])
def test_what_is_no_date_stays_a_text(texts: list[str | None]) -> None:
    assert written_dates(pl.Series("at", texts, dtype=pl.String)) is None


def test_dates_whose_month_nobody_can_tell_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Of dates such as 01/02/2024 in 'at' it cannot be told"):
        written_dates(pl.Series("at", ["01/02/2024", "03/04/2024"]))


def test_names_kinds_key_time_and_features_are_inferred_and_said() -> None:
    frame = rows(**{"Customer ID": [f"c{n}" for n in range(ROWS)], "note": [f"n {n}" for n in range(ROWS)]})
    plan = past_of(frame, ASKED, NOW).plan
    assert [name for name, _ in plan.key] == ["customer_id"]
    assert plan.time == "at"
    assert [(one.name, one.column.kind) for one in plan.features] == [("x", "number"), ("shop", "text")]
    assert set(plan.left_out) == {"note"}
    assert plan.renamed == {"Customer ID": "customer_id"}
    assert any("UTC" in text for text in plan.assumed)


def test_an_outcome_is_known_after_its_maturity_and_never_after_now() -> None:
    past = past_of(rows(), replace(ASKED, matures="40d"), NOW)
    both = past.questions.join(past.outcomes, on="row_id")
    delays = both["told_at"].dt.timestamp("us") - both["at"].dt.timestamp("us")
    assert delays.max() == 40 * 86_400_000_000
    assert both["told_at"].dt.timestamp("us").max() == NOW


def test_rows_without_times_are_taken_in_their_order() -> None:
    past = past_of(rows().drop("at"), ASKED, NOW)
    assert past.questions["asked_at"].is_sorted()
    assert past.questions["row_id"].to_list() == [f"row-{n}" for n in range(1, ROWS + 1)]
    assert "order" in past.plan.assumed[0]


def test_rows_sorted_by_their_target_have_no_order_to_go_by() -> None:
    past = past_of(rows().drop("at").sort("left"), ASKED, NOW)
    assert past.questions["row_id"].to_list() != [f"row-{n}" for n in range(1, ROWS + 1)]
    assert "at random" in past.plan.assumed[0]


@pytest.mark.parametrize(
    ("values", "positive", "condition"),
    [
        (["no", "Yes"], None, 'left == "Yes"'),
        ([0, 1], None, "left == 1"),
        ([-1.0, 1.0], None, "left == 1.0"),
        ([True, False], None, "left"),
        ([True, False], "false", "not left"),
        (["gone", "here"], "here", 'left == "here"'),
        ([1, 2], "2", "left == 2"),
        (["a", "b", "c"], "b", 'left == "b"'),
    ],
)
def test_the_condition_of_the_label_says_which_value_counts(
    values: list[object], positive: str | None, condition: str
) -> None:
    drawn = np.random.default_rng(2).integers(0, len(values), ROWS)
    frame = rows(left=[values[place] for place in drawn])
    past = past_of(frame, replace(ASKED, positive=positive), NOW)
    assert past.plan.target.condition == condition
    assert 0 < past.plan.spread["true"] < ROWS


@pytest.mark.parametrize("values", [["gone", "here"], [1, 2]])
def test_values_of_which_none_says_yes_are_asked_about(values: list[object]) -> None:
    frame = rows(left=[values[place % len(values)] for place in range(ROWS)])
    assert "--positive" in problem(frame).mend


@pytest.mark.parametrize(
    ("values", "kind", "answers", "classes"),
    [
        (["c", "a", "b"], None, "multiclass", ("a", "b", "c")),
        ([1, 2, 10], None, "multiclass", ("1", "2", "10")),
        ([1.0, 2.0, None, 3.0], None, "multiclass", ("1", "2", "3")),
        ([1, 2, 10], "regression", "regression", ()),
        ([True, False], "multiclass", "multiclass", ("false", "true")),
        (["gone", "here"], "multiclass", "multiclass", ("gone", "here")),
        ([0.5 * n for n in range(20)], None, "regression", ()),
        (list(range(20)), None, "regression", ()),
    ],
)
def test_numbers_are_predicted_and_few_texts_or_whole_numbers_are_classes_unless_told_otherwise(
    values: list[object], kind: Any, answers: str, classes: tuple[str, ...], tmp_path: Path
) -> None:
    drawn = np.random.default_rng(2).integers(0, len(values), ROWS)
    past = past_of(rows(left=[values[place] for place in drawn]), replace(ASKED, answers=kind), NOW)
    target = past.plan.target
    assert (target.answers, target.classes) == (answers, classes)
    assert kind is not None or any("left" in text for text in past.plan.assumed)
    (tmp_path / "loop.py").write_text(loop_file(past.plan))
    label = load_loop(tmp_path / "loop.py", "churn").label
    truth = label.truth({"left": past.outcomes["left"].to_numpy()})
    assert (label.answers, label.classes) == (answers, classes)
    assert np.isfinite(truth).all()
    assert set(past.plan.spread) == set(classes or ("least", "median", "greatest"))


@pytest.mark.parametrize(
    ("left", "kind", "said"),
    [
        ([f"t {n}" for n in range(ROWS)], None, "400 different texts"),
        ([f"2026-01-{1 + n % 20:02d}" for n in range(ROWS)], None, "holds times"),
        (["a", "b"] * (ROWS // 2), "regression", "holds no numbers"),
        ([0.5, 1.0] * (ROWS // 2), "multiclass", "fractions"),
        (list(range(ROWS)), "multiclass", "400 different values"),
        ([1, 2, 3, 4] * (ROWS // 4), "binary", "one of 4 values"),
        ([f"c{n}" for n in range(20)] * (ROWS // 20), None, "two are the least"),
    ],
)
def test_a_target_that_is_of_no_use_is_refused_with_the_reason(left: list[object], kind: Any, said: str) -> None:
    assert said in problem(rows(left=left), replace(ASKED, answers=kind)).problem


@pytest.mark.parametrize(
    ("many", "times", "said"),
    [(201, 5, "200 are the most; group the rare ones"), (201, 4, "hardly repeat"), (3, 200, "")],
)
def test_texts_are_left_out_for_their_number_or_because_they_hardly_repeat(many: int, times: int, said: str) -> None:
    shop = [f"shop {n % many}" for n in range(many * times)]
    frame = pl.DataFrame({"shop": shop, "amount": range(len(shop)), "left": [n % 7 == 0 for n in range(len(shop))]})
    left_out = past_of(frame, ASKED, NOW).plan.left_out
    assert said in left_out["shop"] if said else "shop" not in left_out


def test_a_target_that_identifies_rows_is_none() -> None:
    assert "identifies rows" in problem(rows(order_id=range(ROWS)), replace(ASKED, target="order_id")).problem


def test_a_class_of_hardly_a_row_is_told() -> None:
    frame = rows(left=["a" if n % 2 else "b" if n > 2 else "c" for n in range(ROWS)])
    assert past_of(frame, ASKED, NOW).plan.assumed[-1].startswith("Of c there are fewer")


def test_numbers_in_rising_order_have_no_order_to_go_by() -> None:
    frame = rows(left=[n / 7 for n in range(ROWS)]).drop("at")
    assert any("at random" in text for text in past_of(frame, ASKED, NOW).plan.assumed)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (replace(ASKED, positive="yes", answers="regression"), "out"),
        (replace(ASKED, target=None), "--target"),
        (replace(ASKED, target="lefd"), "left"),
        (replace(ASKED, time="x"), "--time"),
        (replace(ASKED, key=("shop",)), "--key"),
        (replace(ASKED, positive="maybe"), "--positive"),
    ],
)
def test_what_cannot_be_is_refused_with_the_option_that_decides_it(asked: Asked, said: str) -> None:
    assert said in problem(rows(), asked).mend


def test_several_columns_of_times_are_asked_about_and_later_ones_are_refused() -> None:
    assert "--time at" in problem(rows(seen=["2026-01-01"] * ROWS)).mend
    ahead = problem(rows(at=["2026-02-01"] * (ROWS - 1) + ["2027-01-01"]))
    assert ahead.facts == {"column": "at", "rows": 1}


def test_a_key_that_repeats_over_time_is_completed_by_the_time() -> None:
    frame = rows(
        customer=[f"c{n % 20}" for n in range(ROWS)],
        at=[f"2026-01-{1 + n // 20:02d}T{n % 20:02d}:00:00Z" for n in range(ROWS)],
    )
    plan = past_of(frame, replace(ASKED, key=("customer",)), NOW).plan
    assert [name for name, _ in plan.key] == ["customer", "at"]


def test_too_few_rows_days_or_outcomes_are_told() -> None:
    assert isinstance(problem(rows().head(0)), InvalidInput)
    assert isinstance(problem(rows(at=["2026-01-01"] * ROWS)), NotEnoughData)
    assert isinstance(problem(rows(left=[n < 3 or n > 390 for n in range(ROWS)])), NotEnoughData)
    assert "always" in problem(rows(left=[True] * ROWS)).problem


@pytest.mark.parametrize("holdout_from", ["2026-03-01T00:00:00Z", "2031-03-01T00:00:00Z"])
def test_the_loop_file_says_what_was_planned_however_old_the_rows_are(tmp_path: Path, holdout_from: str) -> None:
    now = parse_instant(holdout_from)
    frame = rows(**{'odd "name" \'\\': np.arange(ROWS), "Kind": (['"a"', "b'c"] * ROWS)[:ROWS]})
    past = past_of(frame, ASKED, now)
    (tmp_path / "loop.py").write_text(loop_file(past.plan))
    loop = load_loop(tmp_path / "loop.py", "churn")
    assert loop.feature_set.names == tuple(one.name for one in past.plan.features)
    _, cutoff = loop.training_span(now, first=True)
    at = past.questions["at"].dt.timestamp("us")
    assert 5 <= at.filter(at >= cutoff).cast(pl.Datetime("us")).dt.date().n_unique() <= 7
    assert int((at < cutoff).sum()) >= loop.retrain.min_rows


def test_a_command_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from homeostat.cli.main import app

    file = tmp_path / "rows.csv"
    rows().write_csv(file)
    folder = tmp_path / "made"
    words = ["init", "churn", "--from", str(file), "--folder", str(folder), "--json"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["code"] == "invalid_input"
    assert not folder.exists()
    made = CliRunner().invoke(app, [*words, "--target", "left"])
    assert made.exit_code == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["rows"], told["features"]) == (ROWS, ["x", "shop"])
    again = CliRunner().invoke(app, [*words, "--target", "left"])
    assert json.loads(again.stdout)["error"]["code"] == "conflict"
    assert (folder / "loop.py").exists()


@pytest.mark.parametrize("answers", ["binary", "regression", "multiclass"])
def test_the_tests_that_are_made_pass_on_made_up_rows(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = start_from_rows(Asked("made", "", answers=answers), None, place(tmp_path), NOW, lambda *_: None)
    assert made["answers"] == answers
    assert sum(made["outcomes"].values()) == made["labelled"] or answers == "regression"
    monkeypatch.syspath_prepend(str(tmp_path / "made"))
    monkeypatch.delitem(sys.modules, "loop", raising=False)
    tests = runpy.run_path(str(tmp_path / "made" / "tests" / "test_loop.py"))
    monkeypatch.delitem(sys.modules, "loop")
    object.__setattr__(tests["loop"], "config", {**tests["loop"].config, "trees": 20})
    named = [name for name in tests if name.startswith("test_")]
    assert len(named) == 4
    for name in named:
        tests[name]()


def test_options_that_tell_of_rows_are_refused_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--target, --key tell of rows"):
        start_from_rows(Asked("made", "", target="x", key=("y",)), None, place(tmp_path), NOW, lambda *_: None)


def place(folder: Path) -> Place:
    return Place(folder / "made", folder / "made" / ".homeostat")
