"""A shadow that is not what somebody trusted has signed sees nothing, and that is told until it is put right."""

from __future__ import annotations

import asyncio
from pathlib import Path

from homeostat.adapters.files.routes import write_route
from homeostat.app.arms.shadow import ShadowConfig
from homeostat.app.arms.shadows import Shadows
from homeostat.serving.live import LiveRoutes, Serving
from homeostat.serving.replicas import ReplicaState, served_by, untrusted
from homeostat.serving.routing import Route, Shadow
from tests.unit.serving.late import PLAN
from tests.unit.serving.parts import FEATURES, model, save_version

ROUTE = Route("late", 1, "v1", shadows=(Shadow("v2"),))


def test_one_that_was_changed_is_told_as_what_a_replica_refuses_until_it_is_put_back(tmp_path: Path) -> None:
    asyncio.run(_refused_then_put_back(tmp_path))


async def _refused_then_put_back(root: Path) -> None:
    changed, genuine = save_version(root, "v2", model(-1.0)) / "model.onnx", model(-1.0)
    changed.write_bytes(model(1.0))
    write_route(root / "routes", ROUTE)

    def config(loop: str, version: str) -> ShadowConfig:
        places = {name: str(root / name) for name in ("routes", "read", "write")}
        names, definitions = FEATURES.names, FEATURES.hash
        return ShadowConfig(
            loop, version, str(root / loop / version), **places, names=names, definitions=definitions, threshold=0.5
        )

    live = LiveRoutes([PLAN], _never, _never)
    live.take(Serving(ROUTE))
    shadows = Shadows(live, config, root / "logs" / "shadows.log")
    shadows.follow()

    def said() -> list[str]:
        return untrusted([ReplicaState("r1", 1, 0, True, served_by(live, shadows.refused))], "late", 0)

    async with asyncio.timeout(120):
        while not said():
            await asyncio.sleep(0)
        assert said() == ["Version late/v2 is not loaded: model.onnx is not what was registered."]
        changed.write_bytes(genuine)
        while said():
            await asyncio.sleep(0)
    assert shadows.refused("other") == []
    await shadows.close()


def _never(loop: str, version: str) -> object:
    raise AssertionError(f"{loop} {version} is not loaded here.")
