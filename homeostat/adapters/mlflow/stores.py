"""Where the registry's MLflow is: embedded in a home, or a server of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from homeostat.adapters.mlflow.client import client_of
from homeostat.adapters.mlflow.moved import follow

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Mark = dict[str, int | str]


class Store(Protocol):
    """One MLflow; ``name`` is what messages call it."""

    @property
    def name(self) -> str:
        """Its place, without any secret."""
        ...

    def open(self) -> MlflowClient:
        """A client of it."""
        ...

    def artifacts(self, loop: str) -> str | None:
        """Where files of a loop go, as a URI; None where MLflow decides."""
        ...

    def mark(self) -> Mark | None:
        """What differs as soon as anybody has written to it; None where that cannot be seen from here."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """MLflow without a server: tables in the SQLite file ``database``, files below ``folder``."""

    database: Path
    folder: Path

    @property
    def name(self) -> str:
        """The file."""
        return str(self.database)

    def open(self) -> MlflowClient:
        """A client of the file, which is made when it is not there."""
        for folder in (self.database.parent, self.folder):
            folder.mkdir(parents=True, exist_ok=True)
        if self.database.exists():
            follow(self.database, self.folder)
        return client_of(f"sqlite:///{self.database.resolve()}")

    def artifacts(self, loop: str) -> str | None:
        """A folder for each loop."""
        return (self.folder / loop).resolve().as_uri()

    def mark(self) -> Mark | None:
        """The file's size and time, and where the others lie."""
        seen = self.database.stat()
        return {"bytes": seen.st_size, "written_at": seen.st_mtime_ns, "files": str(self.folder.resolve())}


@dataclass(frozen=True, slots=True)
class Server:
    """An MLflow server at ``url``; who asks is told by MLflow's own variables, or its own file of credentials."""

    url: str

    @property
    def name(self) -> str:
        """The address, which holds no secret."""
        return self.url

    def open(self) -> MlflowClient:
        """A client of the server; nothing is asked of it yet."""
        return client_of(self.url)

    def artifacts(self, loop: str) -> str | None:
        """As the server is set up: through itself, or at a place that this machine reaches."""
        return None

    def mark(self) -> Mark | None:
        """Others write to it unseen."""
        return None
