"""Which rows of the prediction log were answers."""

from __future__ import annotations

import pyarrow.compute as pc

from homeostat.serving.routing import BESIDE

ANSWERED = ~pc.field("arm").isin(BESIDE)
"""Holds for rows somebody got as an answer; not for what a shadow or a pinned version said beside it."""
