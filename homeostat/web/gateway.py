"""The gateway process: ``python -m homeostat.web.gateway HOME [REPLICA]``."""

from __future__ import annotations

import sys
from pathlib import Path

from homeostat.app.processes.process import process_main

_PATIENT_SECONDS = 30.0
"""What a candidate's answer may take in a replay: who answers must not depend on how busy the machine is. Nor must the
last digit of an answer: there each request is predicted by itself."""


def main(home: Path) -> None:
    """Serve the loops of a home until told to stop."""
    from homeostat.app.gateway.door_parts import GatewaySettings
    from homeostat.app.gateway.process import run
    from homeostat.app.loops.loader import load_started
    from homeostat.app.settings import Settings
    from homeostat.serving.plans import ServingPlan
    from homeostat.web.doors.wiring import open_doors

    settings = Settings.load(home)
    loops = load_started(settings).values()
    plans = [
        ServingPlan(
            loop.name,
            loop.question,
            loop.feature_set,
            loop.threshold,
            loop.tables,
            loop.unit,
            loop.label,
            loop.kept_rows,
            loop.log,
            loop.batching if settings.clock == "system" else "off",
            loop.feedback,
            loop.task,
        )
        for loop in loops
    ]
    told = GatewaySettings(
        home=settings.home,
        port=settings.port,
        recorder_socket=settings.recorder_socket,
        control_url=settings.control_url,
        clock=settings.clock,
        durability=settings.durability,
        max_body_bytes=settings.max_body_bytes,
        replica=sys.argv[2] if len(sys.argv) > 2 else "r1",
        shared=settings.replicas > 1,
        arm_seconds=settings.arm_seconds if settings.clock == "system" else _PATIENT_SECONDS,
        arm_memory_bytes=settings.arm_memory_bytes,
        grpc_port=settings.grpc_port,
        spool_bytes=settings.spool_bytes,
        disk_reserve_bytes=settings.disk_reserve_bytes,
        traces=settings.traces,
    )
    run(told, plans, open_doors)


if __name__ == "__main__":
    sys.exit(process_main(main))
