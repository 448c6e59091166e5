"""Keys by hand: made, changed, trusted, revoked, with what that means for the versions of a home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.signing.keyring import Keyring
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.keys_on_record import ACTOR, KeysOnRecord
from homeostat.app.signing.keys import Keys, warn_of_unsigned
from homeostat.app.signing.trust import keyring
from tests.harness.grown import grown_home
from tests.harness.signed import Lying, sign
from tests.harness.world import LOOP
from tests.unit.cli.conftest import Command
from tests.unit.serving.parts import model, save_version


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that was never used, and no keys yet."""
    monkeypatch.setenv("HOMEOSTAT_KEYS", str(tmp_path / "config" / "keys"))
    return tmp_path / "home"


def told(command: Command, place: Path, *words: object) -> Any:
    done = command("keys", *words, "--json", "--home", place)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_key_is_made_changed_and_listed(command: Command, place: Path) -> None:
    assert "keys init" in command("keys", "list", "--home", place).stdout
    first = told(command, place, "init")
    assert (first["standing"], first["versions"]) == ("signing", [])
    again = command("keys", "init", "--home", place)
    assert again.exit_code == 1
    assert "keys rotate" in again.stderr
    second = told(command, place, "rotate")
    assert [(one["key"], one["standing"]) for one in told(command, place, "list")] == [
        (first["key"], "trusted"),
        (second["key"], "signing"),
    ]
    shown = command("keys", "list", "--home", place).stdout
    assert first["key"][:16] in shown
    assert "signing" in shown


def test_revoking_asks_first_and_names_the_versions_that_are_concerned(command: Command, place: Path) -> None:
    key = told(command, place, "init")["key"]
    folder = save_version(place / "versions", "v1", model(-1.0))
    assert told(command, place, "list")[0]["versions"] == ["late/v1"]
    refused = command("keys", "revoke", key[:10], "--reason", "stolen", "--home", place, answer="n\n")
    assert refused.exit_code == 1
    assert "which signed 1 version here" in refused.stderr
    assert keyring().known()[0].standing == "signing"
    done = command("keys", "revoke", key[:10], "--reason", "stolen", "--home", place, "--yes")
    assert "It signed late/v1" in done.stdout
    assert "stolen" in keyring().known()[0].reason
    assert (folder / "model.sig").exists()


def test_somebody_elses_key_is_trusted_from_a_file(command: Command, place: Path, tmp_path: Path) -> None:
    theirs = Keyring(tmp_path / "theirs").make(1)
    (tmp_path / "their.pub").write_text(theirs.public)
    assert told(command, place, "trust", tmp_path / "their.pub")["standing"] == "trusted"
    for wrong in (tmp_path / "nowhere.pub", tmp_path / "theirs" / "keys.json"):
        refused = command("keys", "trust", wrong, "--home", place)
        assert refused.exit_code == 1
        assert "mend" in refused.stderr


def test_keys_within_the_home_are_refused(command: Command, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEOSTAT_KEYS", str(place / "keys"))
    refused = command("keys", "init", "--home", place)
    assert refused.exit_code == 1
    assert "lie in the state folder" in refused.stderr
    assert not place.exists()


def test_what_nobody_trusted_has_signed_is_found_and_said_at_the_start(place: Path, tmp_path: Path) -> None:
    home, said = grown_home(tmp_path), list[str]()
    keyring().make(1)
    folders = [save_version(home.versions, f"v{number}", model(-1.0)) for number in (1, 2, 10)]
    (folders[1] / "model.sig").unlink()
    (folders[2] / "model.onnx").write_bytes(b"changed")
    found = Keys(keyring(), home, "ann").untrusted("late")
    assert list(found) == ["v2", "v10"]
    assert "nobody has signed it" in found["v2"]
    warn_of_unsigned(keyring(), home, {"late": {"v1", "v2"}}, said.append)
    assert said == ["nobody has signed v2 of late: it is not loaded; 'homeostat keys sign v2' vouches for it"]
    sign(folders[1])
    assert list(Keys(keyring(), home, "ann").untrusted("late")) == ["v10"]


def test_signing_needs_a_name_and_asks_first(command: Command, place: Path, tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    nothing = command("keys", "sign", "--home", home.root)
    assert nothing.exit_code == 1
    assert "--all" in nothing.stderr
    refused = command("keys", "sign", "v1", "--home", home.root, answer="n\n")
    assert refused.exit_code == 1
    assert "Vouch for v1 of" in refused.stderr
    assert told(command, home.root, "sign", "--all") == []


def test_keys_from_before_the_first_decision_are_in_the_ledger_once(place: Path, tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    first, theirs = keyring().make(1), Keyring(tmp_path / "theirs").make(2)
    keyring().trust(theirs.public.encode(), 3)
    store = Operations.open(home).store
    for _ in range(2):
        record = KeysOnRecord(keyring(), store)
        record.look(LOOP)
        record.look("never-decided")
    told = [one.draft for one in store.entries() if one.draft.actor == ACTOR]
    assert [(one.kind, one.loop, one.evidence["key"]) for one in told] == [
        ("rotate_key", LOOP, first.id),
        ("trust_key", LOOP, theirs.id),
    ]
    assert told[0].evidence["done_at"] == "1970-01-01T00:00:00.000001Z"
    save_version(home.versions, "v1", model(-1.0), loop=LOOP)
    Keys(keyring(), home, "ann").rotate()
    KeysOnRecord(keyring(), store).look(LOOP)
    assert [one.draft for one in store.entries() if one.draft.actor == ACTOR] == told, "who rotated told it"
    assert Operations.open(home).verify_ledger()["intact"]


def test_what_is_done_to_keys_is_in_the_ledger_of_each_loop_that_they_prove(place: Path, tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    keys = Keys(keyring(), home, "ann")
    first = keys.init()["key"]
    save_version(home.versions, "v1", model(-1.0), loop=LOOP)
    save_version(home.versions, "v1", model(-1.0), loop="never-decided")
    second = keys.rotate()["key"]
    theirs = Keyring(tmp_path / "theirs").make(1)
    (tmp_path / "their.pub").write_text(theirs.public)
    for _ in range(2):
        keys.trust(tmp_path / "their.pub")
        keys.revoke(first[:12], "stolen")
    (home.versions / LOOP / "v1" / "model.sig").unlink()
    keys.sign(LOOP, "v1", Lying(home.versions), "looked at it")  # type: ignore[arg-type]
    operations = Operations.open(home)
    drafts = [entry.draft for entry in operations.store.entries() if entry.draft.actor == "ann"]
    assert [(one.kind, one.loop, one.evidence["key"]) for one in drafts] == [
        ("rotate_key", LOOP, second),
        ("trust_key", LOOP, theirs.id),
        ("revoke_key", LOOP, first),
        ("sign", LOOP, second),
    ]
    assert (drafts[2].reasons, drafts[3].reasons, drafts[3].version) == (("stolen",), ("looked at it",), "v1")
    assert all(str(one.evidence["done_at"]) > "2026" for one in drafts)
    assert operations.verify_ledger()["intact"]
