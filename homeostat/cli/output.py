"""How commands speak: data to stdout as text or JSON, talk and errors to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.exceptions import TyperException

from homeostat.kernel.errors import HomeostatError, Unavailable, refused_by_system


class Flowing(Console):
    """Breaks sentences between words, under their own beginning, on a terminal; what is piped keeps its lines whole.

    With ``soft_wrap`` a line stays whole on a terminal, too: a command that is copied from there, or code.
    """

    def print(self, *objects: Any, **how: Any) -> None:
        """Print as a console does."""
        whole = "soft_wrap" in how or "end" in how or not all(isinstance(one, str | Text) for one in objects)
        if whole or not objects or not self.is_terminal:
            super().print(*objects, **how)
            return
        markup = how.pop("markup", True)
        said = objects[0] if isinstance(objects[0], Text) else " ".join(objects)
        for line in said.split("\n"):
            text = line if isinstance(line, Text) else Text.from_markup(line) if markup else Text(line)
            indent = len(text.plain) - len(text.plain.lstrip(" "))
            if text.cell_len > self.width > 2 * indent:
                parts = text[indent:].wrap(self, self.width - indent)
                text = Text("\n").join(Text(" " * indent) + part for part in parts)
            super().print(text, **how)


data = Flowing(soft_wrap=True, highlight=False)
talk = Flowing(stderr=True, soft_wrap=True, highlight=False)
TRACE = "HOMEOSTAT_TRACE"
"""The variable under which a fault of ours ends in its stack trace."""


def show(value: Any, as_json: bool, text: Callable[[Any], None]) -> None:
    """Print a result as JSON, or as text for people."""
    if as_json:
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        text(value)


def headed(head: str, text: str, style: str = "bold") -> None:
    """Print a line whose beginning stands out; both are plain text, brackets too."""
    data.print(Text.assemble((head, style), text))


def bold(text: str, colour: str = "") -> Text:
    """A cell that stands out."""
    return Text(text, style=f"bold {colour}".strip())


def figure(value: float | None, digits: int = 4) -> str:
    """A figure, or a dash where it is unknown."""
    return "-" if value is None else f"{value:.{digits}f}"


def counted(counts: dict[str, int]) -> str:
    """Counts in one line, each after its name.

    >>> counted({"failed_requests": 0, "served": 17602})
    'failed requests 0   served 17,602'
    """
    return "   ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())


def when(instant: str) -> str:
    """An ISO-8601 UTC instant, as short as a person reads it.

    >>> when("2013-02-13T05:00:00Z")
    '2013-02-13 05:00'
    """
    return instant[:16].replace("T", " ")


@contextmanager
def errors_shown(as_json: bool = False) -> Iterator[None]:
    """Turn our errors into a message with its mend and exit code 1; never a stack trace."""
    try:
        yield
    except HomeostatError as error:
        _refuse(error, as_json)
    except ModuleNotFoundError as error:
        problem = f"A package that Homeostat needs is not installed: {error.name}."
        mend = "Install Homeostat again with its dependencies; in a clone, 'make setup'."
        _refuse(Unavailable(problem, mend=mend, package=error.name), as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except OSError as error:
        _refuse(refused_by_system(error), as_json)
    except (typer.Exit, typer.Abort, TyperException):
        raise
    except Exception as error:
        if os.environ.get(TRACE):
            raise
        _refuse(_own_fault(error), as_json)


def _own_fault(error: Exception) -> HomeostatError:
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return HomeostatError(
        f"Homeostat failed: {type(error).__name__}: {error} ({os.path.basename(last.filename)}:{last.lineno}).",
        mend=f"This is a fault of ours, or a file is damaged and was not known as such: {TRACE}=1 shows where.",
        kind=type(error).__name__,
    )


def _refuse(error: HomeostatError, as_json: bool) -> NoReturn:
    if as_json:
        print(json.dumps({"error": error.to_dict()}, indent=2, default=str))
    talk.print(f"[bold red]error[/]: {_plain(error.problem)}")
    talk.print(f"[bold]mend[/]:  {_plain(error.mend)}")
    raise typer.Exit(1) from None


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def one_line(text: str) -> str:
    """What people wrote, so that nothing in it can pose as another line of a list, or steer a terminal.

    >>> one_line("fine\\n  12  v3 passed the gate")
    'fine 12 v3 passed the gate'
    """
    return "".join(one if one.isprintable() else " " for one in " ".join(text.split()))


def known_facts(prediction: Mapping[str, Any]) -> str:
    """What was known when a prediction read its features; one of the question's own columns alone reads no facts."""
    sequence = prediction["read_sequence"]
    return f"knowing facts up to sequence {sequence}" if sequence >= 0 else "reading no facts"


def answered(prediction: Any) -> str:
    """Yes or no, a number, or a class."""
    if isinstance(prediction, bool):
        return "yes" if prediction else "no"
    return f"{prediction:.6g}" if isinstance(prediction, float) else str(prediction)
