"""Keys are their owner's alone, one signs, and what was revoked stays so."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from homeostat.adapters.signing.keyring import Keyring
from homeostat.app.signing.trust import keyring, prepared
from homeostat.kernel.errors import Conflict, IntegrityError, InvalidInput, NotFound, Refused, Unavailable


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "config" / "keys")


def public_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_everything_is_readable_by_its_owner_only(keys: Keyring) -> None:
    keys.make(1)
    keys.make(2)
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.folder.iterdir() if path.name != ".lock"}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 2, "the book and one private key: that of the former key is gone"


def test_one_key_signs_and_the_former_ones_are_trusted(keys: Keyring) -> None:
    assert keys.known() == []
    made = [keys.make(at) for at in (1, 2, 3)]
    assert [one.standing for one in keys.known()] == ["trusted", "trusted", "signing"]
    assert [one.id for one in keys.known()] == [one.id for one in made]
    assert keys.signing_key()[0] == made[-1]


def test_a_revoked_key_signs_nothing_and_stays_revoked(keys: Keyring) -> None:
    made = keys.make(1)
    revoked = keys.revoke(made.id[:12], "lost", 5)
    assert (revoked.standing, revoked.since, revoked.reason) == ("revoked", 5, "lost")
    assert keys.revoke(made.id, "again", 6) == revoked
    with pytest.raises(Refused, match="no key to sign with"):
        keys.signing_key()
    with pytest.raises(Conflict, match="was revoked: lost"):
        keys.trust(made.public.encode(), 7)
    assert keys.make(8).standing == "signing"


def test_keys_of_others_are_trusted_beside_ours_and_sign_nothing_here(keys: Keyring) -> None:
    ours = keys.make(1)
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        pem = public_pem(ec.generate_private_key(curve))
        assert keys.trust(pem, 2) == keys.trust(pem, 3)
    assert [one.standing for one in keys.known()] == ["signing", "trusted", "trusted", "trusted"]
    assert keys.signing_key()[0] == ours


@pytest.mark.parametrize("kind", ["nothing", "text", "rsa", "another curve"])
def test_what_is_no_key_for_models_is_refused(keys: Keyring, kind: str) -> None:
    made = {
        "nothing": b"",
        "text": b"not a key",
        "rsa": public_pem(rsa.generate_private_key(65537, 1024)),
        "another curve": public_pem(ec.generate_private_key(ec.SECP256K1())),
    }
    with pytest.raises(InvalidInput, match="no public key that signs models"):
        keys.trust(made[kind], 1)
    assert keys.known() == []


def test_a_key_is_named_by_how_its_id_begins(keys: Keyring) -> None:
    made = keys.make(1)
    for wrong in ("0" * 12, made.id[:4], ""):
        with pytest.raises(NotFound, match="There is no key"):
            keys.revoke(wrong, "x", 2)
    assert keys.known() == [made]


@pytest.mark.parametrize("name", ["", "keys.json", "private"])
def test_keys_that_others_may_read_are_not_used(keys: Keyring, name: str) -> None:
    private = f"{keys.make(1).id}.pem"
    place = keys.folder / (private if name == "private" else name)
    place.chmod(place.stat().st_mode | 0o044)
    with pytest.raises(IntegrityError, match="may read or change") as refused:
        keys.signing_key()
    assert "chmod go=" in refused.value.mend


@pytest.mark.parametrize("book", ["{", "[" * 100_000, '{"keys": [{}]}', '{"keys": [{"id": 1}]}', '{"keys": null}'])
def test_a_book_that_cannot_be_read_is_said_and_nothing_is_believed(keys: Keyring, book: str) -> None:
    keys.make(1)
    (keys.folder / "keys.json").write_text(book)
    with pytest.raises(IntegrityError, match="holds no keys"):
        keys.known()


def test_a_full_disk_leaves_the_keys_as_they_were(keys: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    made = keys.make(1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("homeostat.adapters.signing.secrets.os.replace", full)
        with pytest.raises(Unavailable, match="No space left"):
            keys.make(2)
    assert keys.known() == [made]
    assert keys.signing_key()[0] == made


def test_keys_are_made_once_and_never_in_the_home(keys: Keyring, tmp_path: Path) -> None:
    made = prepared(keys, tmp_path / "home", 1)
    assert made is not None
    assert prepared(keys, tmp_path / "home", 2) is None
    with pytest.raises(InvalidInput, match="lie in the state folder"):
        prepared(Keyring(tmp_path / "home" / "keys"), tmp_path / "home", 3)


def test_the_environment_says_where_keys_are_and_what_is_refused(tmp_path: Path) -> None:
    assert keyring({"HOMEOSTAT_KEYS": "/a/b"}).folder == Path("/a/b")
    assert keyring({"XDG_CONFIG_HOME": "/c"}).folder == Path("/c/homeostat/keys")
    assert keyring({}).folder == Path.home() / ".config" / "homeostat" / "keys"
    assert keyring({}).required
    assert not keyring({"HOMEOSTAT_SIGNATURES": "warn"}).required
    with pytest.raises(InvalidInput, match="HOMEOSTAT_SIGNATURES=off"):
        keyring({"HOMEOSTAT_SIGNATURES": "off"})
