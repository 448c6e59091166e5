"""Tables of commands: on a terminal none is wider than it and none is cut; what is piped keeps its lines whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from homeostat.cli.output import data

Cell = str | Text
_GAP, _NARROWEST = 2, 24
"""Cells between columns, and to which a column of text may be wrapped."""


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], right: Sequence[str] = (), *, lead: int = 1
) -> None:
    """Print rows under headings; ``right`` names columns of figures, which are never wrapped.

    What has no room beside the others follows in a table below, behind the ``lead`` first columns again. A column
    without a heading and a cell is left out. A text is printed as it is, brackets too; what shall stand out is a Text,
    such as `bold` makes.
    """
    cells = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    widths = [max(len(name), *(row[n].cell_len for row in cells), 0) for n, name in enumerate(columns)]
    narrowest = [w if name in right else min(w, _NARROWEST) for w, name in zip(widths, columns, strict=True)]
    room = data.width if data.is_terminal else sum(widths) + _GAP * len(widths)
    for number, part in enumerate(folded(widths, narrowest, room, lead)):
        if number:
            data.print()
        _print(part, columns, cells, right, widths, room)


def folded(widths: Sequence[int], narrowest: Sequence[int], room: int, lead: int = 1) -> list[list[int]]:
    """Which columns stand beside each other; the ``lead`` first are in every part.

    >>> folded([6, 10, 10, 40], [6, 10, 10, 24], 30)
    [[0, 1, 2], [0, 3]]
    >>> folded([6, 10, 0, 40], [6, 10, 0, 24], 44)
    [[0, 1, 3]]
    """
    kept = [*range(lead)]
    first = sum(min(widths[place], room // 2) + _GAP for place in kept) - _GAP
    parts, used = [kept], first
    for place, width in enumerate(widths[lead:], lead):
        if width == 0:
            continue
        if used + _GAP + narrowest[place] > room and len(parts[-1]) > lead:
            parts.append(kept)
            used = first
        parts[-1] = [*parts[-1], place]
        used += _GAP + narrowest[place]
    return parts


def _print(
    part: Sequence[int],
    columns: Sequence[str],
    cells: Sequence[Sequence[Text]],
    right: Sequence[str],
    widths: Sequence[int],
    room: int,
) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    tight = sum(widths[place] + _GAP for place in part) - _GAP > room
    for place in part:
        figures = columns[place] in right
        most = max(room // 2, 1) if place == 0 and tight else None
        wraps = not figures and widths[place] > (most or _NARROWEST)
        table.add_column(
            columns[place], justify="right" if figures else "left", no_wrap=not wraps, overflow="fold", max_width=most
        )
    for row in cells:
        table.add_row(*(row[place] for place in part))
    Console(file=data.file, width=room, soft_wrap=True, highlight=False).print(table)
