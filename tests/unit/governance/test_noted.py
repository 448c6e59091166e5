"""Who holds database, heads and key can make another ledger that holds together; an end noted elsewhere tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.governance.audit import audit, ends_wrongly, sign_head
from homeostat.governance.noted import Noted, noted_problems, read_noted
from homeostat.kernel.errors import InvalidInput
from tests.unit.governance.test_audit import ATTACKS, SIGNER, edit, ledger, reseal


@pytest.mark.parametrize("attack", sorted(ATTACKS.keys() - {"extended"}))
@given(data=st.data())
def test_another_history_signed_with_the_same_key_does_not_have_the_noted_end(attack: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    entries, _ = ledger(count)
    noted = [Noted(one.seq, one.hash) for one in entries[-1:]]
    forged = reseal(ATTACKS[attack](entries, data.draw(st.integers(0, count - 1))))
    heads = [sign_head(one, SIGNER, sealed=True) for one in forged]
    inserted_after = attack == "inserted" and forged[count - 1].hash == entries[-1].hash
    assert audit(forged, heads, SIGNER).intact, "nothing here tells"
    assert bool(noted_problems(forged, noted)) != inserted_after


@given(st.integers(1, 8), st.integers(0, 8))
def test_a_ledger_that_only_grew_still_has_every_end_it_had(many: int, more: int) -> None:
    entries, _ = ledger(many + more)
    ends = "\n".join(f"{Noted(one.seq, one.hash)} noted by cron" for one in entries[:many])
    assert noted_problems(entries, read_noted(f"# ends\n\n{ends}\n")) == []


def test_what_was_cut_or_rewritten_is_told_by_place() -> None:
    entries, _ = ledger(4)
    noted = [Noted(one.seq, one.hash) for one in entries[1:]]
    cut, rewritten = noted_problems(entries[:3], noted), noted_problems(reseal([edit(entries[0]), *entries[1:]]), noted)
    assert cut == ["The ledger was cut: it ends at entry 3, but entry 4 was noted."]
    assert [one.split(",")[0] for one in rewritten] == ["Entry 2", "Entry 3", "Entry 4"]


@pytest.mark.parametrize("text", ["x", "0 " + "a" * 64, "1 abc", "1" + "a" * 64, "1 " + "A" * 64, "\0"])
def test_what_is_no_end_of_a_ledger_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Line 1 is no end of a ledger"):
        read_noted(text)


@pytest.mark.parametrize("text", ["", "\n# nothing\n"])
def test_where_no_end_is_noted_it_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match="No end of a ledger is noted there"):
        read_noted(text)


def test_only_an_end_that_was_written_and_signed_is_worth_noting() -> None:
    entries, heads = ledger(4)
    last, before = heads[-1], heads[-3]
    assert not ends_wrongly(entries[3:], last)
    assert not ends_wrongly(entries[2:], before), "committed, and a crash before it was sealed"
    assert not ends_wrongly(entries, None)
    assert ends_wrongly([edit(entries[3])], last)
    assert ends_wrongly(entries[2:3], last)
    assert ends_wrongly([entries[2], edit(entries[3])], before)
    assert ends_wrongly([entries[0], entries[2]], None)
