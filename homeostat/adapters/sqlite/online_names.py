"""Names in the online store's file, and the pieces of SQL that are made of them.

Names of tables and columns keep to small letters, digits and '_' (``Table`` sees to it), so quoting is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from homeostat.data.tables import Table
from homeostat.features.views import View


def facts(table: Table) -> str:
    """The SQL table of a source table's facts."""
    return quoted(f"facts_{table.name}")


def index(view: View) -> str:
    """The SQL index that answers a view."""
    return quoted(f"by_{view.hash[:24]}")


def residue(view: View) -> str:
    """The SQL table of the newest pruned event time per entity of a view."""
    return quoted(f"residue_{view.hash[:24]}")


def tile_table(view: View) -> str:
    """The SQL table of a window's tiles."""
    return quoted(f"tiles_{view.hash[:24]}")


def newest_index(table: Table) -> str:
    """The SQL index that tells how long a table has been silent."""
    return quoted(f"newest_{table.name}")


def about(view: View) -> str:
    """Selects from the facts of one entity, through the view's index."""
    return f"FROM {facts(view.table)} INDEXED BY {index(view)} WHERE {matches(view.entity)}"


def matches(entity: Sequence[str]) -> str:
    """Where columns have given values."""
    return " AND ".join(f"{quoted(name)} = ?" for name in entity)


def known(entity: Sequence[str], prefix: str = "") -> str:
    """Where none of some columns is null."""
    return " AND ".join(f"{prefix}{quoted(name)} IS NOT NULL" for name in entity)


def listed(names: Iterable[str]) -> str:
    """Columns, separated."""
    return ", ".join(quoted(name) for name in names)


def quoted(name: str) -> str:
    """A name that may also be a word of SQL."""
    return f'"{name}"'
