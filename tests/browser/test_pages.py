"""The pages beside the overview: complete, quiet, self-contained, readable, and usable by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LAPTOP, PHONE, Open
from tests.browser.fixtures.shown import IDS
from tests.browser.looks import complaints, faint, fits

pytestmark = pytest.mark.browser
PAGES = (
    *("/alerts", "/tables", "/tables?table=weather", "/features", "/features?feature=carrier", "/prediction"),
    *("/diagnosis", "/economics", "/backtest", "/lineage", "/lineage?node=decision:31"),
)
ONE = f"/prediction?id={IDS[7]}"
OPEN_ALL = "document.querySelectorAll('details').forEach(each => (each.open = true))"
BEFORE = {
    "/tables": ["Nothing has come in yet.", "No rows yet", "Nothing kept apart"],
    "/features": ["No feature is measured yet.", "No day is measured yet"],
    "/prediction": ["No prediction was served yet.", "No prediction yet"],
    "/diagnosis": [
        *("Nothing to diagnose yet.", "Nothing to ask yet", "Nothing to tell apart yet", "No retraining was asked for"),
    ],
    "/alerts": ["Nothing is wrong that is watched.", "No alert is open", "No address is configured"],
    "/lineage": ["No version is here yet.", "No version yet", "Nothing is chosen"],
    "/backtest": ["No back-test was run yet.", "Nothing to compare yet", "No picture yet"],
    "/economics": ["No version serves yet.", "not said: training_hour", "what an hour of people's work costs"],
}
"""What a page says before anything has happened."""


@pytest.mark.parametrize("path", [*PAGES, ONE])
def test_a_page_renders_without_complaint_fits_and_stands_out(
    opened: Open, script: Callable[[str], str], path: str
) -> None:
    seen = opened("full", path=path)
    seen.page.evaluate(OPEN_ALL)
    assert complaints(seen, "main") == []
    for theme in ("light", "dark"):
        assert faint(seen, theme, script) == []
    for size in (LAPTOP, PHONE):
        fits(seen, size)


@pytest.mark.parametrize("path", [*PAGES, ONE])
def test_before_anything_happened_a_page_says_what_will_come_without_complaint(opened: Open, path: str) -> None:
    seen = opened("empty", path=path)
    shown = seen.page.inner_text("main")
    assert [text for text in BEFORE.get(path, []) if text not in shown] == []
    seen.page.evaluate(OPEN_ALL)
    unknown = 1 if path == ONE else 0  # of a prediction that nobody knows, the browser notes the 404 by itself
    assert len(complaints(seen, "main")) == unknown


def test_the_pages_lead_to_each_other_and_say_where_one_is(opened: Open) -> None:
    page = opened("mid").page
    pages = page.get_by_role("navigation", name="Pages")
    for name in (
        "Alerts",
        "Tables",
        "Features",
        "Prediction",
        "Lineage",
        "Diagnosis",
        "Economics",
        "Back-test",
        "Overview",
    ):
        pages.get_by_role("link", name=name).click()
        page.wait_for_selector("body[data-ready]")
        assert page.locator("nav [aria-current=page]").inner_text() == name
    assert page.title() == "late-arrival \N{MIDDLE DOT} Homeostat"


def test_economics_draws_how_skill_falls_and_the_interval_that_costs_least(looked: Open) -> None:
    page = looked("full", path="/economics").page
    expect(page.locator("#costs svg")).to_have_attribute("aria-label", re.compile("^A day costs least, "))
    expect(page.locator("#costs .rule-at.best text")).to_have_text(re.compile("^least at "))
    expect(page.locator("#decay .dot-seen").nth(5)).to_be_attached()


def test_a_back_test_shows_every_policy_with_its_regret_a_picture_and_what_was_asked_for(looked: Open) -> None:
    page = looked("full", path="/backtest").page
    rows = page.locator("#policies tbody tr")
    assert rows.first.locator("th").inner_text() == "oracle"
    assert {"own", "monthly", "never"} <= {*rows.locator("th").all_inner_texts()}
    assert "0 is the oracle, 1 is never retraining" in page.inner_text(".headline-main")
    assert page.evaluate("document.querySelector('#sawtooth img').naturalWidth") == 960
    assert "promoted" in page.inner_text("#asked tbody")
    assert re.search(r"; could not tell in \d+ of 2\d weeks", page.inner_text("#policies"))
    frame = page.locator("#policies .table-frame")
    assert frame.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_tables_tell_which_is_late_and_what_was_kept_apart(looked: Open) -> None:
    page = looked("full", path="/tables?table=weather").page
    assert page.inner_text(".headline-main") == "weather is late: 4 h old, limit 3 h."
    assert page.locator("#list tr.chosen .pill").inner_text() == "Late"
    assert "9 rows kept apart." in page.inner_text("#status")
    assert "above maximum\n9" in page.inner_text("#apart .chips")
    assert "taken in since\n3" in page.inner_text("#apart .chips")
    assert "4.8 MB\n7 files, 210 versions" in page.inner_text("#detail .readout")
    assert "Column 'temp' is 900.0, above 130. Send at most 130." in page.inner_text("#apart tbody")
    panels = page.locator("#detail .panel-name").all_text_contents()
    assert panels == [
        "Rows by event day",
        "Silence at the day's end; objective 3 h dotted",
        "Rows kept apart, by day of the loop",
    ]


def test_days_of_a_table_are_read_out_by_arrow_keys(looked: Open) -> None:
    page = looked("full", path="/tables?table=weather").page
    pad = page.get_by_role("slider")
    pad.focus()
    page.keyboard.press("ArrowLeft")
    expect(pad).to_have_attribute("aria-valuetext", re.compile(r"^Tue, 31 Dec 2013: \d+ rows, silent for \d+ (min|h)$"))
    expect(page.locator("#tooltip")).to_contain_text("Silent for")
    page.keyboard.press("Escape")
    expect(page.locator("#tooltip")).to_be_hidden()


def test_while_the_recorder_is_away_nothing_is_claimed_of_what_came_in(opened: Open) -> None:
    seen = opened("full", path="/tables?table=weather")
    seen.dashboard.loop.shown.away = True
    expect(seen.page.locator("#status")).to_contain_text("What has come in is not known now.")
    expect(seen.page.locator("#list tr.chosen")).to_contain_text("Not known")
    expect(seen.page.locator("#apart")).to_contain_text("The recorder is away")
    assert seen.page.locator("#list tr.chosen td.n").all_inner_texts() == ["\N{EN DASH}", "3 h", *["\N{EN DASH}"] * 2]


def test_another_table_is_chosen_without_loading_the_page_again_and_back_returns(opened: Open) -> None:
    page = opened("full", path="/tables").page
    page.evaluate("window.same = true")
    page.get_by_role("link", name="weather").click()
    expect(page.locator("#detail-title")).to_have_text("weather: volume and freshness")
    page.go_back()
    expect(page.locator("#detail-title")).to_have_text("departures: volume and freshness")
    assert page.evaluate("window.same") is True


def test_features_are_listed_by_drift_with_what_is_missing(looked: Open) -> None:
    page = looked("full", path="/features").page
    psi = [float(text) for text in page.locator("#list tbody td:nth-child(2)").all_inner_texts()]
    assert psi == sorted(psi, reverse=True)
    assert "More is missing than in training: origin_pressure." in page.inner_text("#status")
    assert page.locator("#list tbody tr").count() == 27


def test_a_number_is_shown_as_quantiles_over_the_training_ones(looked: Open) -> None:
    page = looked("full", path="/features?feature=distance").page
    assert (page.get_attribute("path.line.live >> nth=0", "d") or "").count("L") > 320
    assert page.locator(".ref-band").count() >= 2
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    expect(page.locator("#tooltip")).to_contain_text("Median")
    expect(page.locator("#tooltip")).to_contain_text("in training")


def test_a_text_is_shown_as_shares_of_its_categories(looked: Open) -> None:
    page = looked("full", path="/features?feature=carrier").page
    labels = page.locator("[data-panel^=Share] text.axis").all_text_contents()
    assert [label.split()[0] for label in labels] == ["UA", "EV", "DL", "B6", "AA", "9E", "others"]
    assert page.locator("path.shade").count() >= 3


def test_days_that_were_measured_before_counts_were_kept_still_show_their_drift(opened: Open) -> None:
    seen = opened("full", path="/features?feature=distance")
    seen.dashboard.loop.shown.old = True
    expect(seen.page.locator("#detail")).to_contain_text("measured before it was kept")
    assert seen.page.locator("#detail .panel-name").all_text_contents()[0] == "PSI against training; its limit dotted"
    assert seen.complaints == []


def test_a_feature_tells_how_often_its_default_stood_in_and_how_often_serving_differs(looked: Open) -> None:
    page = looked("full", path="/features?feature=origin_pressure").page
    panels = page.locator("#detail .panel-name").all_text_contents()
    assert panels[3] == "Declared default used"
    assert panels[4] == "Skew: none of 60,120 recomputed rows differs"
    assert page.locator("#list tr.chosen td:nth-child(7)").inner_text() == "3.0 %"


def test_skew_is_told_first_with_its_cause(opened: Open) -> None:
    seen = opened("full", path="/features?feature=origin_delay_3h")
    seen.dashboard.loop.shown.skewed = "origin_delay_3h"
    expect(seen.page.locator("#status")).to_contain_text("Serving and training disagree on origin_delay_3h.")
    expect(seen.page.locator("#detail .problem")).to_contain_text(
        "40.0 % of recomputed rows differ from what was served (31.0 % to 52.0 %): time cutoff. 71 of 72 equal"
    )


def test_sixty_features_of_a_year_are_shown_within_three_seconds(opened: Open) -> None:
    """Of the page's own processor time: others may hold the cores."""
    seen = opened("full", path="/prediction")
    seen.dashboard.loop.shown.extra = 33
    devtools = seen.page.context.new_cdp_session(seen.page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    seen.page.goto(f"{seen.dashboard.address}/features")
    expect(seen.page.locator("#list tbody tr")).to_have_count(60)
    spent = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    assert 0 < spent["ThreadTime"] < 3


def test_a_prediction_shows_how_each_value_was_made(looked: Open) -> None:
    page = looked("full", path=ONE).page
    assert "Every served value is what the rows known then give." in page.inner_text("#status")
    made = page.locator(".made[data-feature=origin_delay_3h]")
    assert "3 rows of arrivals, origin EWR; 4 did not count" in made.inner_text()
    made.locator("summary").focus()
    page.keyboard.press("Enter")
    standings = [
        "Not known yet",
        "Counted",
        "Corrected before, by 910",
        "Counted, corrected since by 999",
        "No value",
    ]
    expect(made.locator("tbody .pill")).to_have_text(standings)
    made.get_by_role("button", name="Show all 7").click()
    expect(made.locator("tbody tr")).to_have_count(7)
    assert "origin_landed_3h 40, origin_landed_24h missing" in page.inner_text(".made[data-feature=crowding]")


def test_a_default_says_why_it_stands_there(looked: Open) -> None:
    page = looked("full", path=ONE).page
    made = page.locator(".made[data-feature=origin_temp]")
    made.locator("summary").click()
    expect(made).to_contain_text("Its source had been silent for too long")


def test_a_prediction_tells_who_answered_what_each_feature_did_and_what_became_of_it(looked: Open) -> None:
    page = looked("full", path=ONE).page
    assert "It was wrong." in page.inner_text("#status")
    who = page.inner_text("#who")
    assert "champion: v6 is the champion; it answers whom no rollout or experiment takes." in who
    assert "arr_delay > 15 turned out yes: the answer was wrong" in who
    assert "v6 may take over from v5 by ada" in who
    rows = page.locator("#did tbody tr")
    assert rows.count() == 15
    assert "±" in rows.first.inner_text()
    assert "They are sampled on 12,800 rows" in page.inner_text("#did")
    drawn = rows.nth(1).get_by_role("img")
    assert " it by 0." in (drawn.get_attribute("aria-label") or "")
    page.get_by_role("link", name="its lineage").click()
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text(".headline-main").startswith("v6, champion, was made from 81,234 rows")


def test_a_value_that_its_rows_do_not_give_comes_first_and_is_marked(opened: Open) -> None:
    seen = opened("full", path="/prediction")
    seen.dashboard.loop.shown.differs = True
    seen.page.get_by_label("Prediction id").fill(IDS[3])
    seen.page.get_by_role("button", name="Show", exact=True).click()
    expect(seen.page.locator("#told .problem")).to_contain_text("Served under other definitions.")
    expect(seen.page.locator("#status")).to_contain_text("do not give what was served: origin_delay_3h.")
    first = seen.page.locator(".made").first
    expect(first.locator(".pill").first).to_have_text("Differs")
    first.locator("summary").click()
    expect(first).to_contain_text("Served 12.5; these rows give 14.")


def test_predictions_are_listed_and_filtered_by_key(opened: Open) -> None:
    page = opened("full", path="/prediction").page
    expect(page.locator("#list tbody tr")).to_have_count(50)
    page.get_by_label("Key of the question").fill("F3")
    page.keyboard.press("Enter")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.locator("#list tbody a").click()
    expect(page.locator("#status")).to_contain_text("v6 said no")


def test_an_unknown_id_is_answered_with_its_mend(opened: Open) -> None:
    page = opened("full", path="/prediction?id=nobody").page
    expect(page.get_by_role("alert")).to_have_text("There is no such prediction. Take an id from a reply.")
    expect(page.locator("#told")).to_be_hidden()


@pytest.mark.parametrize("path", ["/alerts", "/tables", "/features", ONE])
def test_a_page_keeps_what_it_knew_while_control_is_away(opened: Open, path: str) -> None:
    seen = opened("mid", path=path)
    before = seen.page.inner_text("main")
    with seen.dashboard.away():
        expect(seen.page.locator("#banner")).to_contain_text("Control does not answer.")
        assert seen.page.inner_text("main") == before
    expect(seen.page.locator("#banner")).to_be_empty()


def test_segments_are_shown_worst_first_beside_all_rows_each_with_its_bounds(looked: Open) -> None:
    page = looked("full", path="/diagnosis").page
    rows = page.locator("#segments tbody tr")
    assert rows.locator("th").all_inner_texts()[:2] == ["All rows", "site = small"]
    assert "worse: 0." in rows.nth(1).inner_text()
    drawn = rows.nth(1).get_by_role("img")
    assert "between" in (drawn.get_attribute("aria-label") or "")
    assert "segments compared grew worse than the rest" in page.inner_text("#segments")


def test_every_figure_stands_with_its_bounds_beside_its_estimate_and_what_estimates_were_worth(looked: Open) -> None:
    card = looked("full", path="/diagnosis").page.locator("#figures")
    rows = card.locator("tbody tr")
    names = ["skill", "roc auc", "log loss", "brier", "accuracy", "precision", "recall", "f1", "calibration error"]
    assert rows.locator("th").all_inner_texts() == [*names, "base rate"]
    cells = rows.nth(4).locator("td").all_inner_texts()
    assert [" to " in one for one in cells] == [True, True, False, False, False]
    assert cells[3].endswith("%")
    assert re.fullmatch(r"\d+ days 5-point drop", cells[4])
    assert "95 % of bounds are promised to hold" in card.inner_text()
    assert re.search(r"Labels: [\d,]+ in, [\d,]+ still maturing, [\d,]+ expected and missing", card.inner_text())
    assert "Rows without a label look" in card.inner_text()
    assert re.search(r"At every look together, over \d+ days since v1 came: accuracy 0\.\d+ \(", card.inner_text())


def test_figures_that_labels_shape_stand_beside_those_that_no_action_has_shaped(looked: Open) -> None:
    page = looked("full", path="/diagnosis").page
    card = page.locator("#feedback")
    expect(card.locator("tbody tr").first).to_contain_text("skill")
    assert card.locator("thead th").all_inner_texts() == ["Figure", "Every label", "Weighted", "Doubly robust"]
    assert "one in 20 is left alone by chance" in card.inner_text()
    assert "Why they differ: the naive figure lacks labels" in card.inner_text()
    assert "shop = d: log-loss +" in card.inner_text()


def test_what_callers_report_of_predictions_is_told_with_what_is_missing(opened: Open) -> None:
    card = opened("full", path="/diagnosis", reports=True).page.locator("#feedback")
    expect(card).to_contain_text(
        "Callers report in decisions what they did: acted on where blocked, to be left alone with the chance chance"
    )
    expect(card).to_contain_text("Left out, for want of a report that can be: 180 unreported (2.0 %)")


def test_the_diagnosis_says_the_cause_what_to_do_and_on_what_it_stands(looked: Open) -> None:
    page = looked("full", path="/diagnosis").page
    assert page.inner_text(".headline-main").startswith("Broken data. Fix the data")
    questions = page.locator("#steps h3").all_inner_texts()
    assert questions[0] == "Is the data broken? Yes."
    assert questions[-1].startswith("Covariate shift or changed relationship?")
    assert "load has no value in 100 % of the rows of a day" in page.inner_text("#steps")
    assert "No retraining: broken data" in page.inner_text("#asked")
    page.get_by_role("link", name="27 Apr 2013").click()
    expect(page.locator("#asked")).to_contain_text("Back to now")
    assert page.url.endswith("at=2013-04-27")


def test_what_cannot_be_told_of_a_prediction_says_why(opened: Open) -> None:
    seen = opened("full", path="/prediction")
    seen.dashboard.loop.shown.gone = True
    seen.page.get_by_label("Prediction id").fill(IDS[3])
    seen.page.get_by_role("button", name="Show", exact=True).click()
    expect(seen.page.locator("#did")).to_contain_text("No version lies here.")
    expect(seen.page.locator("#who")).to_contain_text("its folder is not here")
    assert seen.complaints == []


def test_the_lineage_is_walked_by_arrow_keys_from_tables_to_those_who_read(opened: Open) -> None:
    page = opened("full", path="/lineage").page
    assert page.inner_text(".headline-detail") == "83,413 predictions and 1 consumer depend on it."
    page.locator("[data-id='table:arrivals@412']").click()
    expect(page.locator("#detail strong").first).to_have_text("arrivals@412")
    assert "has labels of" in page.inner_text("#detail")
    walked = []
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        walked.append(page.evaluate("document.activeElement.dataset.id"))
    assert walked == [
        *("definition:arrivals_window_by_carrier", "training_set", "version", "decision:28", "decision:29"),
    ]
    page.keyboard.press("ArrowDown")
    assert page.url.endswith("node=decision%3A31")
    assert page.locator(".node.near").count() == 17
    assert page.locator(".node.far").count() == 1
    expect(page.locator("#detail")).to_contain_text("log-loss of v6 minus v5 at most -0.012 < 0.01")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_contain_text("Nothing is chosen")


def test_another_version_is_chosen_and_what_is_named_leads_on(opened: Open) -> None:
    page = opened("full", path="/lineage?node=predictions:champion").page
    expect(page.locator("#detail a").first).to_have_attribute("href", re.compile(r"^prediction\?id=013d572d-0100"))
    page.get_by_role("button", name=re.compile("boards")).last.click()
    expect(page.locator("#detail")).to_contain_text("the boards team")
    page.get_by_role("combobox", name="Version").select_option("v5")
    expect(page.locator(".headline-main")).to_contain_text("v5, standby, was made from")
