"""The page on features shows what really happens."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_every_example_of_the_page_gives_what_it_shows():
    found = doctest.DocTestParser().get_doctest(PAGE.read_text().replace("```", ""), {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL | doctest.ELLIPSIS)
    told: list[str] = []
    runner.run(found, out=told.append, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, "".join(told)
    assert runner.tries > 20
