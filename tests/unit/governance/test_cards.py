"""A card says what was known when its version was registered, always the same, and nothing that data could inject."""

from __future__ import annotations

from typing import Any

from homeostat.governance.cards import Subject, card_of
from homeostat.registry.models import Form, Proof, TrainingPin, Variant

DAY = 86_400_000_000
PIN = TrainingPin({"done": 3, "asked": 2}, 9, 1 * DAY, 9 * DAY, 20 * DAY, 1_234, 1 * DAY, 8 * DAY, "f" * 64)
FORM = Form("lightgbm", "model.txt", "It has no ONNX form.", Proof(99, 2.5e-7, 1e-5))
INTERVAL = {"value": 0.5, "low": 0.4, "high": 0.6, "blocks": 5, "rows": 100, "confidence": 0.95}
UNKNOWN = {"unknown": "too_few_rows"}


def subject(**changes: Any) -> Subject:
    told = {
        "loop": "late",
        "version": "v3",
        "purpose": "Tells passengers. Not for staffing.",
        "owner": "the delays team",
        "question": "asked",
        "gives": "the probability of `delay > 15`",
        "loss": "log-loss",
        "matures": "24h after due",
        "inputs": (("hour", "number"),),
        "promises": ("a gate", "a person's answer"),
    }
    return Subject(**{**told, **changes})  # type: ignore[arg-type]


def measured(slices: int = 1, champion: dict[str, Any] | None = None, name: str = "origin = EWR") -> dict[str, Any]:
    one = {"name": name, "rows": 70, "figures": {"log_loss": INTERVAL, "base_rate": UNKNOWN}}
    seen = {"rows": 100, "days": 5, "first": 9 * DAY, "last": 14 * DAY, "champion": champion, "difference": None}
    return {"figures": {"log_loss": INTERVAL, "auc_within_days": UNKNOWN}, "slices": [one] * slices, "evaluation": seen}


def test_a_card_tells_purpose_data_figures_slices_limits_owner_and_what_has_to_happen() -> None:
    text = card_of(subject(), PIN, FORM, measured())
    for part in (
        "# late v3",
        "Tells passengers. Not for staffing.",
        "probability of `delay > 15`, which is known 24h after due",
        "1,234 rows asked from 1970-01-02T00:00:00Z to 1970-01-09T00:00:00Z, not before 1970-01-02T00:00:00Z",
        "`asked` at version 2, `done` at version 3",
        "`hour` (number)",
        "| log-loss | 0.5 | 0.4 | 0.6 |",
        "| auc within days | too few rows | too few rows | too few rows |",
        "| origin = EWR | 70 | 0.5 | 0.4 | 0.6 | too few rows |",
        "by 2.5e-07 at most (1e-05 is allowed). It has no ONNX form.",
        "Owner: the delays team.",
        "- a person's answer",
    ):
        assert part in text
    assert text == card_of(subject(), PIN, FORM, measured())


def test_what_a_loop_file_does_not_say_is_said_to_be_missing() -> None:
    text = card_of(subject(purpose="", owner=""), PIN, FORM, measured(slices=0))
    assert "hs.Loop(purpose=...)" in text
    assert "hs.Loop(owner=...)" in text
    assert "no text features" in text


def test_steps_that_chose_among_the_rows_are_named() -> None:
    assert "Among these `known`, `large` chose" in card_of(subject(chosen_by=("known", "large")), PIN, FORM, measured())


def test_a_variant_names_its_original_and_a_champion_is_compared_with() -> None:
    champion = {"version": "v2", "log_loss": 0.6}
    told = measured(champion=champion)
    told["evaluation"]["difference"] = {"low": -0.2, "high": -0.05}
    text = card_of(subject(variant=Variant("v1", "int8")), PIN, FORM, told)
    assert "Made of v1, with int8 weights." in text
    assert "Beside champion v2 on the same rows: log-loss 0.6" in text
    assert "-0.2 to -0.05 nats" in text
    assert "is not known nats" not in text
    told["evaluation"]["difference"] = None
    assert "not known" in card_of(subject(), PIN, FORM, told)


def test_values_of_the_data_stay_in_their_cells() -> None:
    text = card_of(subject(), PIN, FORM, measured(name="shop = a | b\n# v9 <script>alert(1)</script>"))
    [line] = [line for line in text.splitlines() if line.startswith("| shop")]
    assert line.count(" | ") == 5
    assert "<script>" not in text
    assert "\n# v9" not in text


def test_many_slices_are_counted_not_listed() -> None:
    text = card_of(subject(), PIN, FORM, measured(slices=45))
    assert text.count("| origin = EWR |") == 30
    assert "15 more are in `metrics.json`" in text
