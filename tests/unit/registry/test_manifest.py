from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.kernel.errors import IntegrityError, NotFound
from homeostat.registry.manifest import MANIFEST, hash_files, read_manifest, verify_files, write_manifest
from homeostat.registry.models import Form, Proof, Version
from tests.contract.test_registry import make_version


@pytest.fixture
def version(tmp_path: Path) -> Version:
    return make_version(tmp_path)


def test_a_manifest_is_read_as_it_was_written(version: Version, tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == version
    assert Version.from_json(json.loads(json.dumps(version.to_json()))) == version


def test_the_same_version_gives_the_same_bytes(version: Version, tmp_path: Path) -> None:
    before = (tmp_path / MANIFEST).read_bytes()
    write_manifest(Version.from_json(version.to_json()), tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_a_version_says_nothing_of_a_form_it_never_had(version: Version) -> None:
    """Its hash is then what it was when every version was ONNX."""
    assert "form" not in version.to_json()
    assert version.runtime == "onnx"


def test_the_form_in_which_a_version_is_served_is_read_as_it_was_written(version: Version, tmp_path: Path) -> None:
    form = Form("lightgbm", "model.txt", "no ONNX form", Proof(9, 1e-7, 1e-5, {"shop": {"a": 1e-7}}))
    write_manifest(replace(version, form=form), tmp_path)
    assert read_manifest(tmp_path).form == form
    assert read_manifest(tmp_path).runtime == "lightgbm"


def test_an_untouched_folder_is_verified(version: Version, tmp_path: Path) -> None:
    verify_files(version, tmp_path)


def test_a_changed_file_is_named(version: Version, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"another model")
    with pytest.raises(IntegrityError, match=r"model\.onnx is not what was registered"):
        verify_files(version, tmp_path)


def test_a_missing_file_is_named(version: Version, tmp_path: Path) -> None:
    (tmp_path / "profile.json").unlink()
    with pytest.raises(IntegrityError, match=r"profile\.json is missing"):
        verify_files(version, tmp_path)


def test_an_added_file_is_named(version: Version, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "extra.py").write_text("")
    with pytest.raises(IntegrityError, match=r"extra\.py does not belong to it"):
        verify_files(version, tmp_path)


def test_a_folder_without_a_manifest_holds_no_version(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"loop": "x"}', "\xff"])
def test_a_broken_manifest_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_bytes(content.encode("latin-1"))
    with pytest.raises(IntegrityError, match=MANIFEST):
        read_manifest(tmp_path)


def test_hashes_are_listed_by_relative_path_without_the_manifest(version: Version, tmp_path: Path) -> None:
    assert list(hash_files(tmp_path)) == ["config.json", "model.onnx", "profile.json"]


def test_a_version_knows_its_id_and_number(version: Version) -> None:
    assert (version.id, version.number) == ("late/v1", 1)
