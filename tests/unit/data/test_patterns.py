"""Patterns mean what they mean in every engine, and no text makes one slow."""

from __future__ import annotations

import re
import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.data.patterns import MOST_STATES, compile_pattern
from homeostat.kernel.errors import InvalidInput

ATOMS = st.sampled_from(["a", "b", "1", ".", "[ab]", "[^a]", "[a-c1]", r"\d", r"\w", r"\S", r"\.", "É", r"[\d.]"])
COUNTS = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,2}", "{2,}", "{0}"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    groups = st.tuples(inner, COUNTS).map(lambda both: f"({both[0]}){both[1]}")
    return st.one_of(groups, pairs.map("".join), pairs.map(lambda both: f"(?:{both[0]}|{both[1]})"))


PATTERNS = st.recursive(st.tuples(ATOMS, COUNTS).map("".join), grown, max_leaves=6)
TEXTS = st.text(st.sampled_from("ab1.É \n"), max_size=8)


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=8))
def test_a_pattern_matches_what_python_and_polars_match(pattern: str, texts: list[str]) -> None:
    compiled = compile_pattern(pattern)
    ours = [compiled.matches(text) for text in texts]
    assert ours == [re.fullmatch(pattern, text, re.ASCII) is not None for text in texts]
    assert ours == pl.Series(texts).str.contains(compiled.portable).to_list()


def test_anchors_around_a_pattern_change_nothing() -> None:
    assert compile_pattern("^ab$").matches("ab")
    assert not compile_pattern("^ab$").matches("ab\n")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "leaves a group open"),
        ("a)", "never opened"),
        ("*a", "counts nothing"),
        ("a**", "counts a count"),
        ("a+?", "counts a count"),
        ("a{2", "is no count"),
        ("a{3,2}", "from small to great"),
        ("a{1,2000}", "at most 1000"),
        ("[", "leaves a class open"),
        ("[z-a]", "range"),
        ("[[a]]", "may not stand in a class"),
        (r"[\D]", "negated escape"),
        ("(?=a)b", "special group"),
        ("(?i)a", "special group"),
        ("(?P<n>a)", "special group"),
        (r"(a)\1", "no escape"),
        (r"\bword", "no escape"),
        (r"\p{L}", "no escape"),
        ("a^b", "inside the pattern"),
        ("\\", "no escape"),
        ("(" * 5_000 + ")" * 5_000, "nested too deep"),
        ("((a{1,50}){1,50})", "too large"),
    ],
)
def test_what_not_every_engine_reads_alike_is_refused_at_its_place(pattern: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)) as refused:
        compile_pattern(pattern)
    assert refused.value.mend


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+b", "a*a*a*a*a*b", "(.*)(.*)(.*)b"])
def test_no_text_makes_a_pattern_slow(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    began = time.process_time()
    assert not compiled.matches("a" * 65_000)
    assert time.process_time() - began < 1.0


def test_an_automaton_of_many_states_and_characters_stays_small() -> None:
    compiled = compile_pattern("(a|b|[^a])*a(a|b|[^b]){12}")
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(30_000))
    assert compiled.matches(text + "a" + "b" * 12)
    assert MOST_STATES == 2_000
