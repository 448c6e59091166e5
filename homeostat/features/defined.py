"""What a definition meant when a model was trained with it: the little of features that readers of versions need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

QUESTION = "question"
"""The name under which a feature set lists the question's own definition."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What one definition means: equal hashes compute equal values; ``meaning`` says what differs if not."""

    kind: Literal["question", "view", "transform"]
    hash: str
    meaning: Mapping[str, Any]
