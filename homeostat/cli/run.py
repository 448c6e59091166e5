"""The command that runs loops.

Heavy parts are imported inside the commands: help and addresses are there at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from homeostat.app.lineage.choosing import chosen_place
from homeostat.app.loops.loop_file import check_loop_file
from homeostat.app.tracing.choosing import chosen_traces
from homeostat.app.versions.registering import REGISTRY, chosen_registry
from homeostat.cli.options import DEFAULT_HOME, DEFAULT_PORT, HomeOption, JsonOption, PortOption
from homeostat.cli.output import errors_shown, show, talk
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.app.settings import Settings


def up(
    loop_file: Annotated[
        Path, typer.Argument(metavar="LOOP_FILE", help="Python file that makes the loop or loops, or its folder.")
    ] = Path("loop.py"),
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = DEFAULT_PORT,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Take the time from the header Homeostat-Now instead of the machine's clock."),
    ] = False,
    skew_share: Annotated[
        float,
        typer.Option("--skew-share", metavar="SHARE", help="Share of served rows whose features are recomputed."),
    ] = 0.01,
    grpc_port: Annotated[
        int | None,
        typer.Option("--grpc-port", metavar="N", help="Also speak the Open Inference Protocol over gRPC, there."),
    ] = None,
    replicas: Annotated[
        int, typer.Option("--replicas", metavar="N", min=1, max=64, help="Gateway processes that share the port.")
    ] = 1,
    hourly_price: Annotated[
        float | None,
        typer.Option("--hourly-price", metavar="AMOUNT", min=0, help="What one replica costs an hour; shows a cost."),
    ] = None,
    durability: Annotated[
        Literal["group", "record", "system"],
        typer.Option("--durability", help="What a reply waits for: docs/serving.md says what each survives."),
    ] = "group",
    spool_mib: Annotated[
        int, typer.Option("--spool-mib", metavar="MIB", min=1, help="Predictions that may wait for the recorder.")
    ] = 2_048,
    reserve_mib: Annotated[
        int, typer.Option("--reserve-mib", metavar="MIB", min=0, help="Room on the disk that predictions leave.")
    ] = 256,
    otlp_endpoint: Annotated[
        str | None,
        typer.Option("--otlp-endpoint", metavar="URL", help="Send traces to this collector, by OTLP over HTTP."),
    ] = None,
    trace_share: Annotated[
        float | None,
        typer.Option("--trace-share", metavar="SHARE", help="Share of traces to keep where no caller has decided."),
    ] = None,
    signatures: Annotated[
        Literal["require", "warn"],
        typer.Option(
            "--signatures", envvar="HOMEOSTAT_SIGNATURES", help="Whether versions that nobody has signed are refused."
        ),
    ] = "require",
    openlineage: Annotated[
        str | None,
        typer.Option("--openlineage", metavar="PLACE", help="Send OpenLineage events to this URL, or to a file."),
    ] = None,
    train_seconds: Annotated[
        float, typer.Option("--train-seconds", metavar="N", min=1, help="A training that takes longer is ended.")
    ] = 3_600.0,
    train_memory_mib: Annotated[
        int, typer.Option("--train-memory-mib", metavar="MIB", min=256, help="One that holds more is ended.")
    ] = 4_096,
    train_threads: Annotated[
        int, typer.Option("--train-threads", metavar="N", min=1, help="Threads and cores that it runs on.")
    ] = 1,
    registry: Annotated[
        str | None,
        typer.Option(
            "--registry", envvar=REGISTRY, metavar="URL", help="Register versions on this MLflow server, not in --home."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the loops of a file, with doors and dashboard.

    Opens the doors for predictions and events on --port, and the dashboard with the control API on the port
    after it, on 127.0.0.1 only. Tells each decision as it is made. What dies is started again; Ctrl-C stops all of
    it. State is kept in --home: run again, it goes on. Of a folder, loop.py is run, with its own .homeostat unless
    --home names another.
    """
    with errors_shown(as_json):
        loop_file, home = in_folder(loop_file, home)
        check_loop_file(loop_file.resolve())
        os.environ["HOMEOSTAT_SIGNATURES"] = signatures
        traces = chosen_traces(otlp_endpoint, trace_share, os.environ)
        place, server = chosen_place(openlineage), chosen_registry(registry, os.environ)
        say_addresses(port, grpc_port)
        from homeostat.app.processes.installation import Installation
        from homeostat.cli.up_watch import News

        chosen = {
            "replicas": replicas,
            "grpc_port": grpc_port,
            "hourly_price": hourly_price,
            "durability": durability,
            "spool_bytes": spool_mib << 20,
            "disk_reserve_bytes": reserve_mib << 20,
            "traces": traces,
            "openlineage": place,
            "registry": server,
            "training_timeout_seconds": train_seconds,
            "training_memory_bytes": train_memory_mib << 20,
            "training_threads": train_threads,
        }
        settings = settings_of(loop_file, home, port, replay, skew_share).model_copy(update=chosen)
        with Installation(settings, notice) as running:
            told = {"dashboard": settings.control_url, "doors": settings.doors_url, "home": str(settings.home)}
            told |= {"grpc": settings.grpc_address} if settings.grpc_address else {}
            if traces:
                text = f"traces     {traces.endpoint}  ({traces.share:g} of those that begin here)"
                talk.print(text, markup=False, soft_wrap=True)
                told |= {"traces": traces.endpoint}
            if place:
                talk.print(f"lineage    {place}  (OpenLineage)", markup=False, soft_wrap=True)
                told |= {"openlineage": place}
            if server:
                talk.print(f"registry   {server}  (MLflow)", markup=False, soft_wrap=True)
                told |= {"registry": server}
            show(told, as_json, lambda _: talk.print(f"state      {settings.home}    stop with Ctrl-C", soft_wrap=True))
            running.watch(News(settings.control_url).look)
            talk.print("stopping …")


def in_folder(named: Path, home: Path) -> tuple[Path, Path]:
    """The loop file and the home that are meant by a folder; a file and its home as they are."""
    if not named.is_dir():
        return named, home
    return named / "loop.py", named / DEFAULT_HOME if home == DEFAULT_HOME else home


def say_addresses(port: int, grpc_port: int | None = None) -> None:
    """Tell where the dashboard and the doors will be. Raises: InvalidInput for an impossible port."""
    if not 1024 <= port <= 65_534:
        raise InvalidInput(f"Port {port} cannot be used.", mend="Choose one from 1024 to 65534.", port=port)
    talk.print(f"dashboard  [bold]http://127.0.0.1:{port + 1}[/]")
    talk.print(f"doors      [bold]http://127.0.0.1:{port}[/]  (predictions and events)")
    if grpc_port is not None:
        talk.print(f"gRPC       [bold]127.0.0.1:{grpc_port}[/]  (Open Inference Protocol)")


def settings_of(loop_file: Path, home: Path, port: int, replay: bool, skew_share: float = 0.01) -> Settings:
    """Settings with absolute paths. Raises: InvalidInput for a share outside 0 to 1."""
    from homeostat.app.settings import Settings

    if not 0 <= skew_share <= 1:
        mend = "Give a number from 0 (recompute nothing) to 1 (every row), such as 0.01."
        raise InvalidInput(f"--skew-share {skew_share} is no share of rows.", mend=mend, share=skew_share)
    return Settings(
        home=home.resolve(),
        loop_file=loop_file.resolve(),
        port=port,
        clock="replay" if replay else "system",
        skew_share=skew_share,
    )


def notice(text: str) -> None:
    """Tell what the supervisor did."""
    talk.print("[yellow]notice[/]: ", end="")
    talk.print(text, markup=False)
