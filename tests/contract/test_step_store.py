"""What every store of steps promises: an outcome whole, as it was kept, or none at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from homeostat.adapters.files.steps import StepFolder
from homeostat.training.steps import NothingKept, Past, StepStore

Open = Callable[[], StepStore]
KEYS = ("a" * 64, "b" * 64, "../outside", "with space/and.dots", "é")


@pytest.fixture(params=["folder", "small folder", "nothing"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the store, as each process of an installation does."""
    made: dict[str, Open] = {
        "folder": lambda: StepFolder(tmp_path / "steps", 1 << 20, "release"),
        "small folder": lambda: StepFolder(tmp_path / "steps", 2_000),
        "nothing": NothingKept,
    }
    return made[request.param]


def past(number: int) -> Past:
    return Past("train", {"out": f"{number}"}, {"out": 3}, ("odd",), 1.5, 10, {"/loop.py": "h"})


def keep(store: StepStore, key: str, number: int, size: int = 4) -> None:
    def write(file: Path) -> None:
        file.write_bytes(b"%d" % number * size)

    store.keep(key, past(number), {"out": write, "more": write})


def holds(store: StepStore, key: str, number: int, size: int = 4) -> bool:
    """Whether it is there; then it is what was kept, in every output that is not gone meanwhile."""
    found = store.find(key)
    if found is None:
        return False
    assert found == past(number)
    try:
        read = [store.file(key, name).read_bytes() for name in ("out", "more")]
    except OSError:
        return False
    assert read == [b"%d" % number * size] * 2
    return True


def test_what_was_never_kept_is_not_found(opened: Open) -> None:
    for key in KEYS:
        assert opened().find(key) is None
        assert not opened().file(key, "out").exists()


def test_what_is_found_is_what_was_kept_under_that_key_by_whatever_process(opened: Open, tmp_path: Path) -> None:
    for number, key in enumerate(KEYS):
        keep(opened(), key, number)
    found = [holds(opened(), key, number) for number, key in enumerate(KEYS)]
    assert all(found) or not isinstance(opened(), StepFolder) or opened().limit < 1 << 20  # type: ignore[attr-defined]
    assert {path.name for path in tmp_path.iterdir()} <= {"steps"}, "no key leads out of the store"


def test_the_last_outcome_under_a_key_is_the_one(opened: Open) -> None:
    keep(opened(), "key", 1)
    keep(opened(), "key", 2)
    holds(opened(), "key", 2)


def test_half_an_outcome_is_none(opened: Open) -> None:
    def full(file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    store = opened()
    if not isinstance(store, NothingKept):
        with pytest.raises(OSError, match="No space"):
            store.keep("key", past(1), {"out": full})
    assert store.find("key") is None


def test_what_is_damaged_or_gone_is_as_good_as_never_kept(opened: Open, tmp_path: Path) -> None:
    keep(opened(), "key", 1)
    for file in [*tmp_path.rglob("past.json")]:
        file.write_text('{"step": 3')
    assert opened().find("key") is None
    keep(opened(), "key", 2)
    holds(opened(), "key", 2)


def test_a_bound_is_kept_and_never_by_a_part_of_an_outcome(opened: Open, tmp_path: Path) -> None:
    store = opened()
    for number in range(8):
        keep(store, f"key{number}", number, size=200)
    kept = sum(holds(opened(), f"key{number}", number, size=200) for number in range(8))
    bound = getattr(store, "limit", 0)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) <= bound
    assert (kept == 8) == (bound > 8 * 400)


def test_many_at_once_leave_whole_outcomes(opened: Open) -> None:
    def work(number: int) -> None:
        for key in ("one", "other"):
            keep(opened(), key, 7)
            holds(opened(), f"own{number}", number)
            keep(opened(), f"own{number}{key}", number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for key in ("one", "other"):
        holds(opened(), key, 7)
