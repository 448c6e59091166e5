"""Tables can be looked into while they are written: facts as they were known, and what each table holds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from homeostat.app.recorder import stopped
from homeostat.app.recorder.drain import Drain
from homeostat.app.recorder.main import sole_writer
from homeostat.app.recorder.opening import open_stores
from homeostat.app.settings import Settings
from homeostat.app.tables.stored_tables import Asked, StoredTables
from homeostat.data.intake import Intake
from homeostat.kernel.clock import format_instant, parse_instant
from homeostat.kernel.errors import Conflict, IntegrityError, InvalidInput, NotFound

LOOP_FILE = """
import homeostat as hs

asked = hs.Table(
    "asked", key="place", event_time="at", contract={"place": hs.text(), "at": hs.instant(), "n": hs.number()}
)
sky = hs.Table(
    "sky",
    key=("place", "hour"),
    event_time="at",
    contract={"place": hs.text(), "hour": hs.integer(), "at": hs.instant(), "wind": hs.number(WIND, nullable=True)},
    freshness="2h",
)
loop = hs.Loop(
    name="one",
    question=asked,
    features=[asked["n"], hs.Latest(sky, by="place", columns=["wind"])],
    label=hs.Label(sky, "wind > 3", matures="1h after at"),
    train=lambda rows, config: None,
)
"""
T0 = parse_instant("2024-01-01T00:00:00Z")
HOUR = 3_600_000_000


def at(hours):
    return format_instant(T0 + int(hours * HOUR))


def sky(place, hour, hours, wind):
    return {"place": place, "hour": hour, "at": at(hours), "wind": wind}


class Home:
    """A stopped home, and its tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.declare("0, 50")
        self.settings = Settings(home=folder / "home", loop_file=folder / "loop.py", clock="replay")
        self.settings.paths.prepare()
        self.settings.save()

    def declare(self, wind: str) -> None:
        (self.folder / "loop.py").write_text(LOOP_FILE.replace("WIND", wind))

    @property
    def tables(self) -> StoredTables:
        return StoredTables(self.settings.paths)

    def send(self, hours, *rows, store=True):
        tables = list(self.tables._tables.values())
        stores = open_stores(self.settings.home, tables)
        drain = Drain(stores, tables, [])
        intake = Intake(next(table for table in tables if table.name == "sky"))
        stores.journal.record([intake.sort(rows, T0 + int(hours * HOUR)).entry])
        if store:
            asyncio.run(drain.flush())
        drain.close()
        stores.journal.close()

    def wind(self, **asked):
        return [(fact["row"]["place"], fact["row"]["wind"]) for fact in self.tables.show("sky", Asked(**asked))["rows"]]


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path)
    made.send(1, sky("JFK", 0, 0.5, 3), sky("LGA", 0, 0.25, 4))
    made.send(2, sky("JFK", 0, 0.5, 7), sky("LGA", 1, 1.5, None))
    made.send(3, sky("EWR", 2, 2.5, 9), store=False)
    return made


def test_the_newest_fact_of_each_key_is_shown_latest_event_first_waiting_ones_too(home):
    assert home.wind() == [("EWR", 9.0), ("LGA", None), ("JFK", 7.0), ("LGA", 4.0)]
    assert home.wind(limit=1) == [("EWR", 9.0)]
    assert home.tables.show("sky", Asked(limit=1))["found"] == 4


def test_facts_are_shown_as_they_were_known_and_had_happened(home):
    assert home.wind(known_at=T0 + HOUR) == [("JFK", 3.0), ("LGA", 4.0)]
    assert home.wind(known_at=T0 + HOUR - 1) == []
    assert home.wind(as_of=T0 + HOUR) == [("JFK", 7.0), ("LGA", 4.0)]
    assert home.wind(as_of=T0 + HOUR // 4, known_at=T0 + 9 * HOUR) == [("LGA", 4.0)]


def test_a_correction_that_moves_an_event_takes_its_key_along(home):
    home.send(4, sky("JFK", 0, 3.5, 8))
    assert ("JFK", 7.0) not in home.wind(as_of=T0 + HOUR)
    assert ("JFK", 7.0) in home.wind(as_of=T0 + HOUR, known_at=T0 + 3 * HOUR)


def test_facts_can_be_chosen_by_key_and_condition(home):
    assert home.wind(key=["place=LGA", "hour=0"]) == [("LGA", 4.0)]
    assert home.wind(where="wind > 5 and place != 'EWR'") == [("JFK", 7.0)]
    with pytest.raises(InvalidInput, match="no key of table 'sky'"):
        home.wind(key=["LGA"])
    with pytest.raises(InvalidInput, match="not a whole number"):
        home.wind(key=["place=LGA", "hour=noon"])
    with pytest.raises(InvalidInput, match="names 'wint'"):
        home.wind(where="wint > 5")


def test_the_history_of_a_key_tells_every_fact_and_when_it_was_known(home):
    found = home.tables.history("sky", ["place=JFK", "hour=0"], 10)["rows"]
    assert [(fact["row"]["wind"], fact["known_at"]) for fact in found] == [(3.0, at(1)), (7.0, at(2))]
    assert [fact["sequence"] for fact in found] == [0, 2]
    assert not any(fact["imported"] for fact in found)


def test_an_unknown_table_is_told_with_those_there_are(home):
    for look in (lambda: home.tables.show("sly", Asked()), lambda: home.tables.quarantined("sly", 1)):
        with pytest.raises(NotFound, match="Did you mean 'sky'"):
            look()


def test_the_overview_tells_what_each_table_holds(home):
    told = {one["table"]: one for one in home.tables.overview()}
    assert (told["sky"]["rows"], told["sky"]["waiting"], told["sky"]["versions"], told["sky"]["files"]) == (5, 1, 3, 2)
    assert (told["sky"]["newest_event"], told["sky"]["age_seconds"], told["sky"]["fresh"]) == (at(2.5), 1_800, True)
    assert told["sky"]["bytes"] > 1_000
    assert (told["asked"]["rows"], told["asked"]["versions"], told["asked"]["fresh"]) == (0, 0, None)
    home.send(9, sky("JFK", 9, 5, 1))
    assert home.tables.overview()[1]["fresh"] is False


def test_a_home_without_any_fact_shows_none(tmp_path):
    empty = Home(tmp_path)
    assert empty.wind() == []
    assert [one["rows"] for one in empty.tables.overview()] == [0, 0]
    assert empty.tables.quarantined("sky", 10) == []


def test_kept_rows_are_readmitted_while_stopped_once_the_contract_is_mended(home):
    home.send(4, sky("JFK", 4, 4, 60), sky("JFK", 5, 4, 99))
    assert {row["reason"] for row in home.tables.quarantined("sky", 10)} == {"above_maximum"}
    home.declare("-1, 80")
    with stopped.recorder_of(home.settings) as recorder:
        done = recorder.readmit("sky", None, reason="above_maximum")
        assert done == {"accepted": 1, "duplicates": 0, "outdated": 0, "broken": 1}
        assert recorder.readmit("sky", None, ids=[1])["accepted"] == 0
    [fact] = home.tables.history("sky", ["place=JFK", "hour=4"], 10)["rows"]
    assert (fact["row"]["wind"], fact["known_at"]) == (60.0, at(4))
    [one] = [one for one in home.tables.overview() if one["table"] == "sky"]
    assert (one["quarantined"], one["readmitted"]) == (1, 1)


def pin(home, version):
    folder = home.settings.paths.versions / "one" / "v1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"pin": {"table_versions": {"sky": version}}}))


def test_vacuum_keeps_what_a_registered_version_was_trained_on(home):
    store = home.tables._store
    store.compact("sky")
    home.send(4, sky("JFK", 4, 4, 6))
    pin(home, 1)
    told = stopped.vacuum(home.settings, 0, dry_run=True)
    assert (told["tables"]["sky"]["files"], told["kept"], told["removed"]) == (1, {"sky": [1]}, False)
    assert stopped.vacuum(home.settings, 0, dry_run=False)["tables"]["sky"]["files"] == 1
    assert store.read("sky", version=1).num_rows == 2
    with pytest.raises(NotFound, match="vacuumed"):
        store.read("sky", version=2)
    assert home.tables.overview()[1]["vacuumed_at"] is not None
    assert home.tables.overview()[1]["pinned"] == 1


def test_nothing_is_removed_while_a_manifest_cannot_be_read(home):
    pin(home, "many")
    with pytest.raises(IntegrityError, match="does not say which tables"):
        stopped.vacuum(home.settings, 0, dry_run=False)


def test_a_home_that_someone_else_writes_is_left_alone(home):
    with sole_writer(home.settings.home), pytest.raises(Conflict, match="Another recorder"):
        stopped.vacuum(home.settings, 0, dry_run=True)
