"""A fitted estimator as model.skops: no pickle, only trusted types, and the same bytes for the same estimator."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from skops.io import dumps

from homeostat.adapters.skops.runtime import MODEL
from homeostat.adapters.skops.trusted import must_be_trusted
from homeostat.kernel.errors import HomeostatError, Refused
from homeostat.registry.models import Kind
from homeostat.training.fitted import named

_SCHEMA = "schema.json"
_NAMES_AN_OBJECT = "__id__"


def export(estimator: Any, kinds: Mapping[str, Kind]) -> dict[str, bytes]:
    """The one file of its skops form.

    Raises: Refused that names every type which is not trusted, or why it cannot be written.
    """
    try:
        model = _steady(dumps(estimator))
        must_be_trusted(named(estimator), model)
    except HomeostatError:
        raise
    except Exception as error:  # functions without a name, objects that cannot be taken apart
        raise Refused(
            f"{named(estimator)} has no skops form: {type(error).__name__}: {str(error)[:300]}.",
            mend="Build it of scikit-learn's own estimators and NumPy's functions, without lambdas.",
            estimator=named(estimator),
        ) from error
    return {MODEL: model}


def _steady(written: bytes) -> bytes:
    """Without what differs from one process to the next: addresses of objects, and when it was written."""
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop(_SCHEMA))
    names: dict[str, str] = {}
    _rename(schema, {}, names)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(_SCHEMA), json.dumps(schema))
        for old, new in names.items():
            archive.writestr(zipfile.ZipInfo(new), files[old])
    return made.getvalue()


def _rename(node: Any, numbers: dict[int, int], names: dict[str, str]) -> None:
    """Number objects and their files in the order in which they are met."""
    if isinstance(node, list):
        for one in node:
            _rename(one, numbers, names)
    if not isinstance(node, dict):
        return
    if _NAMES_AN_OBJECT in node:
        node[_NAMES_AN_OBJECT] = numbers.setdefault(node[_NAMES_AN_OBJECT], len(numbers) + 1)
    if isinstance(file := node.get("file"), str):
        node["file"] = names.setdefault(file, f"{len(names) + 1}.{file.rpartition('.')[2]}")
    for one in node.values():
        _rename(one, numbers, names)
