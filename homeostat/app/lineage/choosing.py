"""Where events of lineage go, if anywhere: a collector's URL, or a file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from homeostat.kernel.errors import InvalidInput

_MEND = "Give a collector as http://127.0.0.1:5000, or a file in a folder that is there."


def chosen_place(text: str | None) -> str | None:
    """The place as it is kept in the settings: a URL, or a file's whole path; None for nowhere.

    Raises: InvalidInput for a URL that is none or holds a secret, which belongs into OPENLINEAGE_API_KEY, and for a
    file whose folder is not there.

    >>> chosen_place("http://127.0.0.1:5000")
    'http://127.0.0.1:5000'
    """
    if text is None:
        return None
    if "://" in text:
        return _url(text)
    path = Path(text).resolve()
    if not text.strip() or path.is_dir() or not path.parent.is_dir():
        raise InvalidInput(f"--openlineage {text!r} is no file that can be written.", mend=_MEND)
    return str(path)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or set(text) & set(" ?#@"):
        mend = f"{_MEND} A key goes into the variable OPENLINEAGE_API_KEY."
        raise InvalidInput("--openlineage is no URL of a collector.", mend=mend)
    return text
