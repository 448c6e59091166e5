"""A version's card: what a person reads before they trust it, made of what is known when it is registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.kernel.clock import format_instant
from homeostat.kernel.verdicts import figure
from homeostat.kernel.words import plural
from homeostat.registry.models import Form, TrainingPin, Variant

Json = Mapping[str, Any]
_MOST_SLICES = 30


@dataclass(frozen=True, slots=True)
class Subject:
    """What a loop's file says of the model. ``promises`` are its gate and its rollout, in words.

    ``gives`` says what it answers of each row, ``loss`` the loss it is judged by. ``chosen_by`` are the loop's own
    steps that choose among the rows to train on.
    """

    loop: str
    version: str
    purpose: str
    owner: str
    question: str
    gives: str
    loss: str
    matures: str
    inputs: Sequence[tuple[str, str]]
    promises: Sequence[str]
    variant: Variant | None = None
    chosen_by: Sequence[str] = ()


def card_of(subject: Subject, pin: TrainingPin, form: Form, measured: Json) -> str:
    """Markdown: purpose, data, metrics, slices, limits, owner and approvals; ``measured`` as in ``metrics.json``.

    The same version always gives the same text.
    """
    parts = [
        [f"# {subject.loop} {subject.version}"],
        _purpose(subject),
        _data(subject, pin),
        _metrics(measured, subject.loss),
        list(_slices(measured["slices"], subject.loss)),
        _limits(form, subject.variant),
        _owner(subject),
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts)


def _purpose(subject: Subject) -> list[str]:
    said = subject.purpose or "The loop's file does not say what it is for: `hs.Loop(purpose=...)` does."
    asked = f"For each row of `{subject.question}` it gives {subject.gives},"
    made = (
        [] if subject.variant is None else [f"Made of {subject.variant.of}, with {subject.variant.precision} weights."]
    )
    return ["## Purpose", "", said, "", f"{asked} which is known {subject.matures}.", *made]


def _data(subject: Subject, pin: TrainingPin) -> list[str]:
    tables = ", ".join(f"`{name}` at version {version}" for name, version in sorted(pin.table_versions.items()))
    since = f", not before {format_instant(pin.since)}" if pin.since is not None else ""
    inputs = ", ".join(f"`{name}` ({kind})" for name, kind in subject.inputs)
    names = ", ".join(f"`{name}`" for name in subject.chosen_by)
    chosen = f" Among these {names} chose; `steps.json` tells how many." if names else ""
    return [
        "## Data",
        "",
        f"Trained on {plural(pin.rows, 'row')} asked from {format_instant(pin.first)} to"
        f" {format_instant(pin.last)}{since}, as"
        f" they were known at {format_instant(pin.as_of)}: {tables or 'no tables'}.{chosen}",
        "",
        f"Inputs: {inputs}. Training distributions of all of them: `profile.json`.",
    ]


def _metrics(measured: Json, loss: str) -> list[str]:
    seen = measured["evaluation"]
    lines = [
        "## Metrics",
        "",
        f"On {plural(seen['rows'], 'held-out row')} of {plural(seen['days'], 'day')},"
        f" {format_instant(seen['first'])} to"
        f" {format_instant(seen['last'])}, later than its training and its champion's. Bounds are of 95 %, by day.",
        "",
        "| figure | value | low | high |",
        "|---|--:|--:|--:|",
        *(_row(_named(name, loss), one) for name, one in measured["figures"].items()),
    ]
    if seen["champion"] is not None:
        against, difference = seen["champion"], seen["difference"]
        told = "not known" if difference is None else f"{figure(difference['low'])} to {figure(difference['high'])}"
        known = against["log_loss"] is not None
        told_loss = f"{loss} {figure(against['log_loss'])}" if known else f"its {loss}"
        lines += ["", f"Beside champion {against['version']} on the same rows: {told_loss};"]
        unit = "nats a row" if known else "of what the best constant costs"
        lines += [f"the difference, its own less the champion's, is {told} {unit}."]
    return lines


def _slices(slices: Sequence[Json], loss_name: str) -> Iterator[str]:
    yield from ("## Slices", "")
    if not slices:
        yield "It has no text features, and the loop declares no `slices`."
        return
    yield from (f"| slice | rows | {loss_name} | low | high | {_true_of(slices)} |", "|---|--:|--:|--:|--:|--:|")
    for one in slices[:_MOST_SLICES]:
        told = one["figures"]
        loss = told["log_loss"] if "log_loss" in told else told["loss"]
        rate = next(told[name] for name in ("base_rate", "mean", "accuracy") if name in told)
        cells = [_value(loss, part) for part in ("value", "low", "high")]
        yield f"| {_cell(one['name'])} | {one['rows']:,} | {' | '.join(cells)} | {_value(rate, 'value')} |"
    if len(slices) > _MOST_SLICES:
        yield f"\n{len(slices) - _MOST_SLICES} more are in `metrics.json`."


def _named(name: str, loss: str) -> str:
    """A figure as people call it."""
    return {"loss": loss, "log_loss": loss, "mean": "mean truth"}.get(name, name.replace("_", " "))


def _true_of(slices: Sequence[Json]) -> str:
    figures = slices[0]["figures"]
    return "true" if "base_rate" in figures else "mean truth" if "mean" in figures else "accuracy"


def _limits(form: Form, variant: Variant | None) -> list[str]:
    proof = form.proof
    of, allowed = ("the trained estimator's", f"{proof.tolerance:g} is allowed")
    if variant is not None:
        of, allowed = f"those of {variant.of}", "the gate judges what that costs"
    return [
        "## Limits",
        "",
        "- Its figures are of the span above; what it meets later: `homeostat performance`, `homeostat drift`.",
        "- Days, not rows, are what its bounds count: rows of one day share what happened on it.",
        f"- Served by {form.runtime}: on {plural(proof.rows, 'row')} its answers differ from {of} by"
        f" {proof.worst:.2g} at most ({allowed}).{' ' + form.why if form.why else ''}",
        "- What the steps of its training warned of, if anything, is in `steps.json`.",
    ]


def _owner(subject: Subject) -> list[str]:
    return [
        "## Owner and approvals",
        "",
        f"Owner: {subject.owner or 'nobody is named in the loop file (`hs.Loop(owner=...)`)'}.",
        "",
        "Nobody had been asked when this was written, before it was registered. What has to happen before it serves:",
        "",
        *(f"- {text}" for text in subject.promises),
        "",
        f"What was decided and answered since is in the ledger: `homeostat decisions {subject.loop}`. Who signed it is"
        " in `model.sig` beside this file.",
    ]


def _row(name: str, one: Json) -> str:
    return f"| {name} | {' | '.join(_value(one, part) for part in ('value', 'low', 'high'))} |"


def _value(one: Json, part: str) -> str:
    return str(one["unknown"]).replace("_", " ") if "unknown" in one else figure(one[part])


def _cell(text: str) -> str:
    """A value of the data in a table of Markdown: it is text, and stays in its cell."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
