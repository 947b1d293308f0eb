"""Ids and sealed folders: equal inputs give the equal id, a kill leaves nothing sealed, and what was sealed is checked."""

import json
import multiprocessing
import os
import stat
from datetime import date

import pytest

from pipeline import lineage
from pipeline.errors import BadInput, Permanent
from pipeline.settings import Settings

DAY = date(2026, 11, 20)
ID = lineage.name("logs", DAY, "a", 1)


def make(home: Settings, id: str = ID, parents: tuple[str, ...] = (), text: str = "hello") -> bool:
    with lineage.making(home, id, parents=list(parents), recipe={"name": "daily"}) as work:
        if work is None:
            return False
        (work.folder / "a.txt").write_text(text)
        work.counts["rows"] = 1
        work.extra["snapshot"] = 3
    return True


def test_equal_inputs_give_the_equal_id_whatever_the_order_of_keys() -> None:
    assert lineage.name("mix", DAY, {"a": 1, "b": [2]}) == lineage.name("mix", DAY, {"b": [2], "a": 1})
    assert lineage.name("mix", DAY, {"a": 1}) != lineage.name("mix", DAY, {"a": 2})
    assert ID.startswith("logs-20261120-") and lineage.day_of(ID) == DAY and lineage.kind_of(ID) == "logs"


def test_an_input_that_no_json_can_hold_is_refused() -> None:
    for bad in ({1, 2}, float("nan"), object()):
        with pytest.raises((TypeError, ValueError)):
            lineage.name("mix", DAY, bad)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "logs",
        "logs-2026-11-20",
        "../logs-20261120-12345678",
        "logs-20261120-1234567",
        "boss-20261120-12345678",
        "logs-20261120-12345678/x",
    ],
)
def test_what_is_no_id_never_becomes_a_path(text: str, home: Settings) -> None:
    with pytest.raises(BadInput):
        lineage.folder(home, text)


def test_a_sealed_folder_holds_its_facts_and_is_made_once(home: Settings) -> None:
    assert make(home) is True and make(home, text="other") is False
    found = lineage.require(home, ID, "logs")
    assert found["counts"] == {"rows": 1} and found["snapshot"] == 3 and set(found["files"]) == {"a.txt"}
    assert found["day"] == "2026-11-20" and found["recipe"] == {"name": "daily"} and found["versions"]["duckdb"]


def test_a_failed_run_seals_nothing_and_the_next_one_starts_clean(home: Settings) -> None:
    with pytest.raises(RuntimeError):
        with lineage.making(home, ID, parents=[], recipe={}) as work:
            assert work is not None
            (work.folder / "half.txt").write_text("half")
            raise RuntimeError
    assert not lineage.sealed(home, ID)
    make(home)
    assert set(lineage.manifest(home, ID)["files"]) == {"a.txt"}


def test_a_changed_file_is_not_what_was_sealed(home: Settings) -> None:
    make(home)
    (lineage.folder(home, ID) / "a.txt").write_text("changed")
    with pytest.raises(Permanent, match=r"a\.txt is not what was sealed"):
        lineage.require(home, ID, "logs")


def test_a_parent_of_another_kind_is_refused(home: Settings) -> None:
    make(home)
    with pytest.raises(BadInput, match="is of kind logs; this stage takes a pairs"):
        lineage.require(home, ID, "pairs")


def test_lineage_is_followed_both_ways(home: Settings) -> None:
    pairs, mix = lineage.name("pairs", DAY, ID), lineage.name("mix", DAY, ID)
    make(home)
    make(home, pairs, (ID,))
    make(home, mix, (pairs,))
    assert lineage.ancestors(home, mix) == [pairs, ID] and lineage.descendants(home, ID) == [pairs, mix]


def _make_in_child(home: Settings, results: "multiprocessing.Queue[bool]") -> None:
    results.put(make(home))


def test_two_processes_make_one_artefact_once(home: Settings) -> None:
    spawn = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[bool] = spawn.Queue()
    children = [spawn.Process(target=_make_in_child, args=(home, results)) for _ in range(2)]
    for child in children:
        child.start()
    assert sorted(results.get(timeout=60) for _ in children) == [False, True]
    for child in children:
        child.join()


def test_scratch_is_for_this_user_alone(home: Settings) -> None:
    assert stat.S_IMODE(os.stat(lineage.scratch(home, ID)).st_mode) == 0o700


def test_json_is_written_whole_or_not_at_all(home: Settings) -> None:
    path = home.home / "x.json"
    home.home.mkdir(parents=True)
    lineage.write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        lineage.write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
