"""Only what somebody trusted has signed is loaded, and exactly those bytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from homeostat.adapters.signing.keyring import Keyring
from homeostat.adapters.signing.openssf import sign_folder
from homeostat.app.signing.signer import sign as sign_version
from homeostat.app.signing.trust import keyring
from homeostat.app.versions.runtimes import load_runtime, load_sealed
from homeostat.kernel.errors import IntegrityError, NotFound, Refused, Unavailable, Untrusted
from homeostat.registry.manifest import SIGNATURE, hash_files, read_manifest, write_manifest
from homeostat.registry.sealed import open_sealed
from tests.harness import signed
from tests.unit.serving.parts import model, save_version


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Version v1 of the loop late, signed by the key of this test run."""
    return save_version(tmp_path, "v1", model(-1.0))


def forged(folder: Path, name: str, content: bytes) -> None:
    """Put a file in place and make the manifest agree with it; only the signature does not."""
    (folder / name).write_bytes(content)
    version = read_manifest(folder)
    write_manifest(type(version)(**{**_fields(version), "files": hash_files(folder)}), folder)


def _fields(version: object) -> dict[str, object]:
    return {name: getattr(version, name) for name in version.__slots__}  # type: ignore[attr-defined]


def renamed(folder: Path) -> None:
    (folder / "model.onnx").rename(folder / "model.bin")


def linked(folder: Path) -> None:
    outside = shutil.copy(folder / "model.onnx", folder.parent / "outside.onnx")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to(outside)


def linked_folder(folder: Path) -> None:
    (folder / "more").symlink_to(folder.parent)


def endless(file: Path) -> None:
    """As large as it takes to notice whoever reads it, and no room on the disk."""
    with file.open("wb") as made:
        made.truncate(1 << 40)


def cut(folder: Path) -> None:
    (folder / SIGNATURE).write_bytes((folder / SIGNATURE).read_bytes()[:200])


def of_nothing(folder: Path) -> None:
    told = json.loads((folder / SIGNATURE).read_text())
    told["dsseEnvelope"]["signatures"] = []
    (folder / SIGNATURE).write_text(json.dumps(told))


def of_another_model(folder: Path) -> None:
    """A signature that holds, by the right key, of other files."""
    other = save_version(folder.parent / "other", "v1", model(1.0))
    shutil.copy(other / SIGNATURE, folder / SIGNATURE)


def by_a_stranger_under_our_name(folder: Path) -> None:
    ours = json.loads((folder / SIGNATURE).read_text())["verificationMaterial"]
    signed.sign(folder, ec.generate_private_key(ec.SECP256R1()))
    told = {**json.loads((folder / SIGNATURE).read_text()), "verificationMaterial": ours}
    (folder / SIGNATURE).write_text(json.dumps(told))


def with_another_payload(folder: Path) -> None:
    forged(folder, "model.onnx", model(1.0))
    told = json.loads((folder / SIGNATURE).read_text())
    fresh = signed.bundle(json.dumps(signed.statement(signed.hashed(folder))).encode(), signed.signing_key())
    told["dsseEnvelope"]["payload"] = fresh["dsseEnvelope"]["payload"]
    (folder / SIGNATURE).write_text(json.dumps(told))


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed file": (lambda one: (one / "model.onnx").write_bytes(model(1.0)), "model.onnx is not what was"),
    "a changed file and manifest": (lambda one: forged(one, "model.onnx", model(1.0)), "manifest.json is not what was"),
    "an added file": (lambda one: (one / "notes.txt").write_text("hello"), "notes.txt was added"),
    "an added file and manifest": (lambda one: forged(one, "notes.txt", b"hello"), "notes.txt was added"),
    "a manifest that is none": (lambda one: (one / "manifest.json").write_text("[" * 100_000), "manifest.json is not"),
    "a file without end": (lambda one: endless(one / "more"), "more was added"),
    "a signature without end": (lambda one: endless(one / SIGNATURE), "model.sig has more than"),
    "a manifest without end": (lambda one: endless(one / "manifest.json"), "manifest.json has more than"),
    "a name of two lines": (lambda one: (one / "a\nb").write_text(""), r"'a\nb' was added"),
    "a name that is no text": (lambda one: (one / "\udcff").write_text(""), r"'\udcff' was added"),
    "a hidden file": (lambda one: (one / ".hidden").write_text("hello"), ".hidden was added"),
    "a removed file": (lambda one: (one / "model.onnx").unlink(), "model.onnx is missing"),
    "a renamed file": (renamed, "model.bin was added"),
    "a link out of the folder": (linked, "is a link"),
    "a linked folder": (linked_folder, "is a link"),
    "a pipe": (lambda one: os.mkfifo(one / "pipe"), "is no file"),
    "no signature": (lambda one: (one / SIGNATURE).unlink(), "nobody has signed it"),
    "half a signature": (cut, "its signature cannot be read: it is no bundle"),
    "an empty signature": (lambda one: (one / SIGNATURE).write_bytes(b""), "its signature cannot be read"),
    "a bundle without a signature": (of_nothing, "its signature cannot be read"),
    "an unknown key": (
        lambda one: signed.sign(one, ec.generate_private_key(ec.SECP256R1())),
        "a key that is not known",
    ),
    "an unknown key under a known name": (by_a_stranger_under_our_name, "its signature does not hold"),
    "another payload under the signature": (with_another_payload, "its signature does not hold"),
    "the signature of another model": (of_another_model, "is not what was registered"),
    "another statement": (lambda one: signed.sign(one, predicateType="x"), "it is no statement about a model"),
    "no subject": (lambda one: signed.sign(one, subject=[]), "its statement cannot be read"),
    "a root that is not that of the files": (
        lambda one: signed.sign(one, subject=[{"name": "m", "digest": {"sha256": "0" * 64}}]),
        "it contradicts itself",
    ),
    "a file outside of the folder": (
        lambda one: signed.sign(one, files={**signed.hashed(one), "../../loop.py": "0" * 64}),
        "which is no file of a folder",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_not_exactly_what_was_signed_is_refused_and_said(name: str, folder: Path) -> None:
    assert load_runtime(folder, "late", "v1").version == "v1"
    attack, said = ATTACKS[name]
    attack(folder)
    with pytest.raises(Untrusted) as refused:
        load_runtime(folder, "late", "v1")
    assert said in refused.value.problem
    assert json.dumps(refused.value.to_dict(), ensure_ascii=False).encode()
    assert refused.value.mend


@pytest.mark.parametrize(("loop", "version"), [("late", "v2"), ("other", "v1")])
def test_another_version_or_loop_than_the_one_named_is_refused(folder: Path, loop: str, version: str) -> None:
    with pytest.raises(Untrusted, match="its folder holds late/v1"):
        load_runtime(folder, loop, version)


def test_a_file_swapped_after_it_was_proven_is_never_loaded(folder: Path) -> None:
    sealed = open_sealed(folder, "late", "v1", keyring())
    genuine = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(model(1.0))
    with pytest.raises(Untrusted, match=r"model\.onnx was changed while it was loaded"):
        load_sealed(sealed)
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to(save_version(folder.parent / "x", "v1", model(-1.0)) / "model.onnx")
    with pytest.raises(Unavailable, match="cannot be read"):
        sealed.read("model.onnx")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").write_bytes(genuine)
    assert sealed.read("model.onnx") == genuine
    with pytest.raises(Untrusted):
        sealed.read(SIGNATURE)


def test_a_folder_without_a_version_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_runtime(tmp_path, "late", "v1")


def test_without_a_signature_a_version_is_loaded_only_where_that_was_allowed_and_only_if_it_has_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEOSTAT_SIGNATURES", "warn")
    (folder / SIGNATURE).unlink()
    assert load_runtime(folder, "late", "v1").version == "v1"
    assert open_sealed(folder, "late", "v1", keyring()).signer is None
    (folder / "model.onnx").write_bytes(model(1.0))
    with pytest.raises(Untrusted, match=r"model\.onnx is not what was registered"):
        load_runtime(folder, "late", "v1")
    (folder / "model.onnx").write_bytes(model(-1.0))
    signed.sign(folder, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(Untrusted, match="a key that is not known"):
        load_runtime(folder, "late", "v1")


def test_one_revoked_key_is_enough_of_its_signatures_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    keys = Keyring(tmp_path / "keys")
    first = keys.make(1)
    sign_folder(folder, keys.signing_key()[1])
    assert open_sealed(folder, "late", "v1", keys).signer == first.id
    keys.make(2)
    assert open_sealed(folder, "late", "v1", keys).signer == first.id, "a key that was followed is still believed"
    keys.revoke(first.short, "its laptop was stolen", 3)
    with pytest.raises(Untrusted, match="its key was revoked: its laptop was stolen"):
        open_sealed(folder, "late", "v1", keys)
    again = sign_version(read_manifest(folder), folder, keys)
    assert again.signer != first.id


def test_signing_writes_nothing_where_it_cannot_and_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="no key to sign with"):
        sign_version(read_manifest(folder), _unsigned(folder), Keyring(tmp_path / "none"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("homeostat.adapters.signing.openssf.os.replace", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        sign_version(read_manifest(folder), folder, keyring())
    assert sorted(path.name for path in folder.parent.rglob("*")) == ["manifest.json", "model.onnx", "v1"]


def test_a_folder_that_is_not_what_its_version_says_is_not_signed(folder: Path) -> None:
    version = read_manifest(folder)
    (_unsigned(folder) / "model.onnx").write_bytes(model(1.0))
    with pytest.raises(IntegrityError):
        sign_version(version, folder, keyring())
    assert not (folder / SIGNATURE).exists()


def _unsigned(folder: Path) -> Path:
    (folder / SIGNATURE).unlink()
    return folder


def test_the_tool_of_openssf_verifies_what_is_signed_here_and_the_other_way_round(folder: Path, tmp_path: Path) -> None:
    from model_signing import hashing, verifying

    public = tmp_path / "key.pub"
    public.write_text(keyring().signing_key()[0].public)

    def verified() -> None:
        place = folder / SIGNATURE
        ignored = hashing.Config().set_ignored_paths(paths=[place], ignore_git_paths=False)
        verifying.Config().use_elliptic_key_verifier(public_key=public).set_hashing_config(ignored).verify(
            folder, place
        )

    verified()
    (folder / SIGNATURE).unlink()
    before = hash_files(folder)
    assert sign_version(read_manifest(folder), folder, keyring()).signer == keyring().signing_key()[0].id
    verified()
    assert hash_files(folder) == before
    written = (folder / SIGNATURE).read_bytes()
    sign_version(read_manifest(folder), folder, keyring())
    assert (folder / SIGNATURE).read_bytes() == written, "what is signed is not signed again"
    (folder / "model.onnx").write_bytes(model(1.0))
    with pytest.raises(ValueError, match="mismatch"):
        verified()


def test_verifying_loads_nothing_of_the_library_that_signs(folder: Path) -> None:
    script = """
import sys
from pathlib import Path
from homeostat.app.versions.runtimes import load_runtime
load_runtime(Path(sys.argv[1]), "late", "v1")
print(*sorted({"model_signing", "sigstore", "tuf", "OpenSSL", "google.protobuf", "requests"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script, str(folder)], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
