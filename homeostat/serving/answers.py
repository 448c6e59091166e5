"""What a version's answer to a row says, by the loop's task: yes or no, a number, or one of several classes."""

from __future__ import annotations

from homeostat.stats.tasks import Multiclass, Regression, Task

Score = float | list[float]
"""A row's answer as a version gives it: a probability, a number, or a chance for each class."""
Prediction = bool | float | str


def said(task: Task, threshold: float, score: Score) -> tuple[Prediction, Score | None]:
    """What is predicted, and the chances on which that stands; a number stands on none.

    >>> from homeostat.stats.tasks import BINARY
    >>> said(BINARY, 0.5, 0.75), said(Regression(), 0.5, 12.5), said(Multiclass(("a", "b")), 0.5, [0.25, 0.75])
    ((True, 0.75), (12.5, None), ('b', [0.25, 0.75]))
    """
    if isinstance(score, list):
        assert isinstance(task, Multiclass)
        return task.classes[score.index(max(score))], score
    if isinstance(task, Regression):
        return score, None
    return score >= threshold, score
