"""Parameters of the control API that several rooms of routes take, and the one shape of every error."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

Json = dict[str, Any]
LoopName = Annotated[str, Path(description="Name of the loop, as its file gives it.")]
TableName = Annotated[str, Path(description="Name of a table, as the loop file gives it.")]
Instant = Annotated[str, Field(description="ISO-8601 with its offset, such as 2013-02-01T05:00:00Z.")]


class Problem(BaseModel):
    """What every error says."""

    code: str = Field(description="Stable and safe to program against.")
    problem: str
    mend: str = Field(description="What to do about it.")
    facts: Json


class Failure(BaseModel):
    """The one shape of every error."""

    error: Problem
