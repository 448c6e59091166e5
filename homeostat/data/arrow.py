"""Arrow's datasets without pandas, which Arrow loads where it is installed: half a second and 45 MB in each process.

Take ``ds`` from here. Whoever imports pandas has it as ever, and Arrow knows of it from then on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ds"]


class _Later(MetaPathFinder):
    """Hides pandas from Arrow while Arrow is loaded, and tells it of pandas once somebody imports that."""

    hides = True

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """pandas as other finders find it. Raises: ModuleNotFoundError while it is hidden."""
        if name != "pandas":
            return None
        if self.hides:
            raise ModuleNotFoundError(name, name=name)
        sys.meta_path.remove(self)
        found = find_spec(name)
        return found and _telling(found)


def _telling(spec: ModuleSpec) -> ModuleSpec:
    """The same module, of which Arrow is told when it is loaded."""
    loader = spec.loader
    if isinstance(loader, Loader):
        load = loader.exec_module

        def loaded(module: ModuleType) -> None:
            load(module)
            pa.table({}).to_pandas()  # Arrow looks again where it needs a frame

        loader.exec_module = loaded  # type: ignore[method-assign]
    return spec


@contextmanager
def _without_pandas() -> Iterator[None]:
    if "pandas" in sys.modules:
        yield
        return
    finder = _Later()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.hides = False


with _without_pandas():
    import pyarrow.dataset as ds  # it makes a scalar, and with the first of them Arrow looks for pandas
