"""What an installation is told: written once by its supervisor, read by every process it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homeostat.app.home import Home, write_whole
from homeostat.app.tracing.choosing import Traces


class Settings(BaseModel):
    """Settings of one installation. ``port`` carries the doors; the dashboard and ``/api`` are on the next one.

    ``definitions`` is the hash of each loop's features as the installation was started: all its processes run
    with these or not at all. ``stateful`` names the loops that declare state, as it was started.
    ``replicas`` gateway processes share the port. A candidate's answer may take ``arm_seconds``, then the champion
    answers; in a replay it has all the time it needs, since who answers must not depend on the machine.
    ``grpc_port`` carries the Open Inference Protocol over gRPC; without it, nothing of gRPC is loaded.
    ``spool_bytes`` of predictions may wait in each spool to be moved to the log, and ``disk_reserve_bytes`` of the disk
    are left to others: over either, replies are 503.
    A training may take ``training_timeout_seconds``, and hold ``training_memory_bytes`` with all that it starts, on
    ``training_threads``.
    ``kept_steps_bytes`` of what steps of training came to are kept, so that a later run need not do them again.
    ``skew_share`` is the share of each day's served rows whose features are recomputed from the tables.
    ``traces`` says where traces go, and which share of those that begin here; None for none.
    ``openlineage`` is where events of trainings and releases go, a URL or a file; None for nowhere.
    ``registry`` is the URL of the MLflow server where versions are registered; None for the one in the home.
    ``hourly_price`` is what one replica costs an hour, in any currency; with it, what predictions cost is shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    loop_file: Path
    port: int = Field(default=8400, ge=1024, le=65_534)
    grpc_port: int | None = Field(default=None, ge=1024, le=65_535)
    clock: Literal["system", "replay"] = "system"
    durability: Literal["group", "record", "system"] = "group"
    replicas: int = Field(default=1, ge=1, le=64)
    arm_seconds: float = Field(default=0.25, gt=0)
    arm_memory_bytes: int = Field(default=2 << 30, ge=0)
    spool_bytes: int = Field(default=2 << 30, ge=64 * 1024)
    disk_reserve_bytes: int = Field(default=256 << 20, ge=0)
    max_body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    tick_seconds: float = Field(default=5.0, gt=0)
    training_timeout_seconds: float = Field(default=3_600.0, gt=0)
    training_memory_bytes: int = Field(default=4 << 30, ge=0)
    training_threads: int = Field(default=1, ge=1)
    kept_steps_bytes: int = Field(default=2 << 30, ge=0)
    join_memory_bytes: int = Field(default=2 << 30, ge=256 << 20)
    skew_share: float = Field(default=0.01, ge=0, le=1)
    hourly_price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    traces: Traces | None = None
    openlineage: str | None = None
    registry: str | None = None
    recorder_socket: str = ""
    definitions: dict[str, str] = Field(default_factory=dict)
    stateful: tuple[str, ...] = ()

    @property
    def paths(self) -> Home:
        """The home folder's paths."""
        return Home(self.home)

    @property
    def doors_url(self) -> str:
        """Where predictions are asked for and events are sent."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def grpc_address(self) -> str | None:
        """Where predictions are asked for over gRPC, if they are."""
        return None if self.grpc_port is None else f"127.0.0.1:{self.grpc_port}"

    @property
    def control_url(self) -> str:
        """Where the dashboard and the control API are."""
        return f"http://127.0.0.1:{self.port + 1}"

    def save(self) -> None:
        """Write them for the processes of this installation."""
        write_whole(self.paths.settings_file, self.model_dump_json(indent=1).encode())

    @classmethod
    def load(cls, home: Path) -> Settings:
        """Read what the supervisor wrote in this folder.

        In one that was moved or copied since, it is this folder that is meant, and nobody records for it.
        Raises: NotFound; IntegrityError for what is damaged; Unavailable for what cannot be read.
        """
        try:
            found = cls.model_validate_json(Home(home).told_text())
        except ValidationError as error:
            first = error.errors()[0]
            raise Home(home).untold(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        if _same(found.home, home):
            return found
        return found.model_copy(update={"home": home.absolute(), "recorder_socket": ""})


def _same(one: Path, other: Path) -> bool:
    """Not the same is also what is gone, or may not be looked at."""
    try:
        return one.samefile(other)
    except OSError:
        return False
