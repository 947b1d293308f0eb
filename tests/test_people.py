"""The key of the user hashes is made once, belongs to its owner alone, and is never guessed anew."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pipeline import people
from pipeline.errors import Permanent
from pipeline.settings import Settings


def test_the_key_file_is_made_once_with_mode_0600(home: Settings) -> None:
    unset = replace(home, user_key=None)
    first = people.user_hash(unset, "u-1")
    path = home.home / "keys" / "users.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert people.user_hash(unset, "u-1") == first
    assert list(path.parent.iterdir()) == [path]


def test_a_number_and_its_text_are_one_user(home: Settings) -> None:
    assert people.user_hash(home, 7) == people.user_hash(home, "7")


def test_another_key_gives_another_hash(home: Settings) -> None:
    assert people.user_hash(replace(home, user_key="1" * 64), "u-1") != people.user_hash(home, "u-1")


def test_two_that_make_the_key_at_once_agree(home: Settings) -> None:
    path = home.home / "keys" / "users.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: people._key_file(path), range(8)))
    assert len(keys) == 1


def test_a_broken_key_file_is_told_and_not_replaced(home: Settings) -> None:
    path = home.home / "keys" / "users.key"
    path.parent.mkdir(parents=True)
    path.write_text("short")
    with pytest.raises(Permanent, match="restore it"):
        people.user_hash(replace(home, user_key=None), "u-1")
    assert path.read_text() == "short"
