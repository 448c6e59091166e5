"""Candidates that are made of another version's model: quantised, not trained."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from homeostat.adapters.onnx.quantise import Feed, quantise, weights_of
from homeostat.adapters.onnx.runtime import OnnxRuntime, tensor
from homeostat.app.pipeline.material import Material, Trainable
from homeostat.app.signing.trust import keyring
from homeostat.app.versions.runtimes import load_sealed
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import ACCEPT
from homeostat.kernel.words import plural
from homeostat.registry.binding import Binding, binding_of, judge_binding
from homeostat.registry.manifest import CONFIG, MODEL, read_manifest
from homeostat.registry.models import Form, Proof, Variant, Version
from homeostat.registry.sealed import Sealed, open_sealed
from homeostat.serving.batching import row_seconds
from homeostat.serving.runtimes import Runtime
from homeostat.stats.tasks import Task
from homeostat.training.formats import FILES, VALUES, Measured, Values
from homeostat.training.jobs import TOGETHER, Burden
from homeostat.training.proof import TOLERANCE, scale_of, scores_of
from homeostat.training.steps import Format, Notes, Step
from homeostat.training.training_set import LabelledRows

_CALIBRATED_ON = 1_024
_BATCH = 256
_COMPANY = 64
_ANY_DIFFERENCE = 1.0
_BURDENS = Measured(lambda told: (Burden(**told[0]), Burden(**told[1])))


def _model_of(folder: Path, loop: str, version: str) -> Sealed:
    """A version that may be quantised.

    Raises: Refused where it is not served as ONNX; Untrusted when its files are not those that were signed.
    """
    sealed = open_sealed(folder, loop, version, keyring())
    manifest = sealed.version
    if manifest.runtime != "onnx" or manifest.variant is not None:
        how = f"is served by {manifest.runtime}" if manifest.variant is None else "is a variant itself"
        raise Refused(
            f"{version} cannot be quantised: it {how}.",
            mend="Name a trained version that is served as ONNX; trees gain nothing by it.",
            version=version,
        )
    return sealed


def check_quantisable(folder: Path, loop: str, version: str) -> None:
    """Say at once what the maker would.

    Raises: Refused where nothing is to be gained, or it is not served as ONNX; Untrusted when its files are not those
    that were signed.
    """
    weights_of(_model_of(folder, loop, version).read(MODEL), version)


def variant_steps(material: Material, variant: Variant) -> list[Step]:
    """quantise: the model of ``variant.of`` with narrower weights, calibrated on the rows that it was trained on.

    It gives what training would, and the ``burdens`` of both. It is not held to equality with anything: the gate judges
    it. Only what it says of a row must not depend on the rows beside it. The step raises: Refused where nothing is to
    be gained, or the loop has other definitions by now.
    """
    job, folder = material.job, Path(str(material.job.source))

    def work(notes: Notes, training: LabelledRows, held_out: LabelledRows) -> dict[str, Any]:
        rows, later = material.rows(training).features, material.rows(held_out).features
        sealed = _model_of(folder, job.loop, variant.of)
        source, model, config = sealed.version, sealed.read(MODEL), sealed.read(CONFIG)
        _must_be_fed(source, material.loop)
        count = min(len(rows), _CALIBRATED_ON)
        notes.say(f"making {variant.precision} weights of {variant.of}, calibrated on {plural(count, 'row')}")
        content = quantise(model, variant.of, variant.precision, _feeds(rows, source))
        runtime = OnnxRuntime(job.version, source.inputs, content)
        original = load_sealed(sealed)
        _must_not_depend_on_company(runtime, rows, job.version, binding_of(source).task)
        notes.say("comparing it with its original")
        form = Form("onnx", MODEL, "", _apart(runtime, original, [rows, later]))
        burdens = (_burden(job.version, content, runtime), _burden(variant.of, model, original))
        code = material.recording.code()
        made = {"form": form, "model": {MODEL: content}, "config": json.loads(config), "code": code}
        return {**made, "burdens": burdens}

    decided_by = {
        "variant": plain(variant),
        "source": digest(read_manifest(folder).to_json()),
        "version": job.version,
        "features": material.loop.feature_set.hash,
        "environment": material.recording.environment.hash,
    }
    gives: dict[str, Format] = {
        "form": Values(Form.from_json),
        "model": FILES,
        "config": VALUES,
        "code": FILES,
        "burdens": _BURDENS,
    }
    return [Step("quantise", work, gives, ("training", "held_out"), decided_by)]


def _must_be_fed(source: Version, loop: Trainable) -> None:
    found = judge_binding(binding_of(source), Binding.of(loop.feature_set))
    if found.name != ACCEPT:
        raise Refused(
            f"{source.version} was trained with other definitions than the loop file has: {'; '.join(found.texts)}.",
            mend="Quantise a version that was trained with the present ones.",
            version=source.version,
        )


def _feeds(frame: pd.DataFrame, source: Version) -> Iterator[Feed]:
    """Rows spread over the frame, in batches, as the model takes them."""
    few = frame.iloc[:: -(-len(frame) // _CALIBRATED_ON)]
    for start in range(0, len(few), _BATCH):
        part = few.iloc[start : start + _BATCH]
        yield {name: tensor(part[name].tolist(), kind) for name, kind in source.inputs}


def _must_not_depend_on_company(runtime: Runtime, frame: pd.DataFrame, version: str, task: Task) -> None:
    few = frame.iloc[:_COMPANY]
    together = scores_of(runtime.predict, few)
    alone = np.concatenate([scores_of(runtime.predict, few.iloc[[row]]) for row in range(len(few))])
    worst = float(np.abs(together - alone).max(initial=0.0)) / scale_of(together, task)
    if not worst <= TOLERANCE:
        raise Refused(
            f"What {version} says of a row depends on the rows beside it: by up to {worst:.2g}.",
            mend="Try the other precision, or report this with the library versions of environment.json.",
            version=version,
        )


def _apart(runtime: Runtime, original: Runtime, frames: list[pd.DataFrame]) -> Proof:
    """How far its answers are from its original's, which is told and judged by the gate, not limited here."""
    mine, its = (np.concatenate([scores_of(one.predict, frame) for frame in frames]) for one in (runtime, original))
    worst = float(np.abs(mine - its).max(initial=0.0)) / scale_of(its, original.binding.task)
    return Proof(len(its), worst, _ANY_DIFFERENCE)


def _burden(version: str, model: bytes, runtime: Runtime) -> Burden:
    alone, together = (row_seconds(runtime, rows, time.perf_counter) for rows in (1, TOGETHER))
    return Burden(version, len(model), alone, together)
