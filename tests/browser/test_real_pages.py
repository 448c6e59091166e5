"""The pages for tables, features and predictions on a real control server, with a fact corrected twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from homeostat.kernel.clock import format_instant
from tests.browser.real import Seen, tab
from tests.harness.first import FIRST, first_home
from tests.harness.running import Running, started
from tests.harness.world import HOUR, LOOP_FILE, World, day, write_loop

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(600)]

NOW = 8
TEXT = LOOP_FILE.replace('"spent": hs.number(0, 1000)},\n', '"spent": hs.number(0, 1000)},\n    freshness="3h",\n')
SPENT = "shop_spent_6h"


@dataclass
class Home:
    """A running loop and the prediction that saw a corrected fact."""

    running: Running
    prediction: str
    read: int


Open = Callable[[str], Seen]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """v1 serves for two days; a purchase is corrected before a prediction reads it, and again after."""
    folder, world = tmp_path_factory.mktemp("pages"), World()
    with started(first_home(folder / "home"), write_loop(folder, text=TEXT)) as running:
        running.live(world, FIRST, NOW)
        now, visits, purchases = next(iter(world.span(NOW * 24, NOW * 24 + 1)))
        running.send("purchases", purchases, now).raise_for_status()
        one = next(each for each in purchases if each["shop"] == "north")
        running.send("purchases", [{**one, "spent": 900.0}], now).raise_for_status()
        asked = {**visits[-1], "shop": "north"}
        reply = running.ask([asked], now).raise_for_status().json()["predictions"][0]
        running.send("purchases", [{**one, "spent": 11.0}], now).raise_for_status()
        running.send("purchases", [{**one, "spent": -1.0}], now)
        running.barrier(now + HOUR)
        told = {"start": day(0), "until": day(20), "at": now}
        body = {**{name: format_instant(at) for name, at in told.items()}, "phase": "serving"}
        running.control.post("/api/replay", json=body).raise_for_status()
        made = api(running, f"loops/{running.loop}/predictions/{reply['prediction_id']}")
        yield Home(running, reply["prediction_id"], made["prediction"]["read_sequence"])


@pytest.fixture(scope="module")
def opened(browser: Browser, home: Home) -> Iterator[Open]:
    """Open one of its pages as a person does, in the tab of the page before; complaints are of all of them."""
    with tab(browser) as found:
        yield lambda path: found.open(f"{home.running.control.base_url}{path}")


def api(running: Running, what: str) -> Any:
    """What the control API says."""
    return running.control.get(f"/api/{what}").raise_for_status().json()


@pytest.mark.parametrize("path", ["/tables", "/features", "/prediction"])
def test_a_page_shows_real_data_without_complaint(opened: Open, home: Home, path: str) -> None:
    seen = opened(path)
    assert seen.complaints == []
    assert seen.hosts == {urlsplit(str(home.running.control.base_url)).netloc}
    assert re.findall(r"\b(?:null|undefined|NaN|Invalid Date)\b", seen.page.inner_text("main")) == []


def test_tables_show_volume_freshness_and_what_was_kept_apart(opened: Open, home: Home) -> None:
    page = opened("/tables?table=purchases").page
    told = api(home.running, "tables/purchases")
    assert sum(one["rows"] for one in told["volume"]) == told["rows"]
    assert [one["day"] for one in told["volume"]][:2] == ["2024-01-01", "2024-01-02"]
    assert page.locator("#list tr.chosen td.n").all_inner_texts()[2] == f"{told['rows']:,}"
    assert page.locator("#list tr.chosen .pill").inner_text() == "Fresh"
    assert "below minimum\n1" in page.inner_text("#apart .chips")
    assert '"spent": -1' in page.inner_text("#apart tbody")
    assert "Silence at the day's end; objective 3 h dotted" in page.locator(".panel-name").all_text_contents()


def test_features_show_each_day_against_the_training_of_v1(opened: Open, home: Home) -> None:
    page = opened(f"/features?feature={SPENT}").page
    told = api(home.running, f"loops/{home.running.loop}/features/{SPENT}")
    assert list(told["references"]) == ["v1"]
    assert [sum(one["counts"]) for one in told["days"]] == [one["rows"] for one in told["days"]] == [288, 288]
    assert page.locator("#detail .ref-line").count() == 1
    assert (page.get_attribute("#detail path.line.live >> nth=0", "d") or "").count("L") == 1
    names = page.locator("#list tbody th").all_inner_texts()
    assert sorted(names) == ["shop", "shop_bought_6h", SPENT, "x"]


def test_a_prediction_shows_the_corrected_fact_as_it_was_known_then(opened: Open, home: Home) -> None:
    page = opened(f"/prediction?id={home.prediction}").page
    assert "Every served value is what the rows known then give." in page.inner_text("#status")
    made = page.locator(f".made[data-feature={SPENT}]")
    made.locator("summary").click()
    made.get_by_role("button", name="Show all").click()
    corrected = made.locator("tr", has_text=re.compile("Corrected before, by "))
    expect(corrected).to_have_count(1)
    counted = made.locator("tr", has_text=re.compile(r"Counted, corrected since by .*900$"))
    expect(counted).to_have_count(1)
    unknown = made.locator("tr[data-standing=unknown]")
    expect(unknown).to_contain_text("11")
    assert int(unknown.locator("td.n").first.inner_text()) > home.read


def test_the_command_tells_the_same(home: Home) -> None:
    made = home.running.command("explain", home.prediction, "--feature", SPENT)
    told = api(home.running, f"loops/{home.running.loop}/predictions/{home.prediction}?feature={SPENT}")
    assert made == told
    listed = home.running.command("explain", "--limit", "1")
    assert listed[0]["prediction_id"] == home.prediction


def test_every_route_is_described(home: Home) -> None:
    paths = api(home.running, "openapi.json")["paths"]
    shown = [path for path in paths if "/features" in path or "/predictions" in path or path.startswith("/api/tables")]
    assert len(shown) >= 6
    assert all(told["summary"] and told["description"] for path in shown for told in paths[path].values())
    assert "Failure" in str(paths["/api/tables"]["get"]["responses"]["4XX"])
