"""A real S3 server on loopback: rclone's, which checks who signed a request and keeps objects as files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.harness.ports import free_ports
from tests.harness.running import until

KEY, SECRET = "homeostat", "only-of-these-tests"
BUCKET = "models"
_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """Where it listens, and the folder with its buckets."""

    port: int
    folder: Path

    @property
    def bucket(self) -> Path:
        """Where the objects of the one bucket lie."""
        return self.folder / BUCKET


def may_use(port: int, secret: str = SECRET) -> dict[str, str]:
    """The variables by which boto3, and so MLflow, knows the server at ``port`` and is known to it."""
    return {
        "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """`rclone serve s3` with one bucket."""
    (folder / BUCKET).mkdir(parents=True)
    port = free_ports()
    told = ["--addr", f"127.0.0.1:{port}", "--config", "", "--log-level", "ERROR"]
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("rclone")), "serve", "s3", str(folder), *told],
        env={**os.environ, "RCLONE_AUTH_KEY": f'"{KEY},{SECRET}"'},
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: process.poll() is not None or _listens(port), _SECONDS)
        assert process.poll() is None, "no S3 server"
        yield S3Server(port, folder)
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with suppress(ConnectionError), closing(socket.create_connection(("127.0.0.1", port))):
        return True
    return False
