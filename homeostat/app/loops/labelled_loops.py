"""What training and auditing need of a loop: less than all that it declares."""

from __future__ import annotations

from typing import Protocol

from homeostat.data.feedback import Feedback
from homeostat.data.labels import Label
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.stats.tasks import Task


class LabelledLoop(Protocol):
    """Questions, their features and their labels."""

    @property
    def name(self) -> str: ...
    @property
    def question(self) -> Table: ...
    @property
    def feature_set(self) -> FeatureSet: ...
    @property
    def label(self) -> Label: ...
    @property
    def timezone(self) -> str: ...
    @property
    def task(self) -> Task: ...
    @property
    def feedback(self) -> Feedback | None: ...
