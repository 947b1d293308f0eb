"""`equipoise forget`: no byte is left of who asked, and nobody else loses one."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline import lake, lineage, people
from pipeline.erase import run as erase
from tests.erase import world
from tests.erase.world import House

Emptied = tuple[House, dict[str, Any]]
TABLES = ("conversations", "messages", "feedback", "quarantine")


def rows_of_others(house: House, victims: list[str]) -> dict[str, list[str]]:
    """Every row of the lake and of the mined tables that is not the victims', as text."""
    hashes = {people.user_hash(house.settings, v) for v in victims}
    own = {f"conv-{v[7:10]}" for v in victims}
    found: dict[str, list[str]] = {}
    with lake.connect(house.settings) as con:
        for table in TABLES:
            cursor = con.execute(
                f"select * exclude (file_sha) from ingest.{table}"
                if table in ("conversations", "quarantine")
                else f"select * from ingest.{table}"
            )
            names = [c[0] for c in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            found[table] = sorted(repr(r) for r in rows if r.get("user_hash") not in hashes and str(r["conversation_id"])[:8] not in own)
    for path in [p for kind in ("pairs", "mix") for p in (house.settings.home / kind).rglob("*.parquet")]:
        rows = pq.read_table(path).to_pylist()
        kept = [r for r in rows if r["user_hash"] not in hashes and str(r["conversation_id"])[:8] not in own]
        found[path.name + path.parent.name] = [repr({k: v for k, v in r.items() if k != "evidence"}) for r in kept]
    return found


def test_no_byte_of_a_forgotten_user_is_left_in_home(original: House, emptied: Emptied) -> None:
    places = {n for victim in original.victims for n in world.holding(original.settings.home, world.traces(original.settings, victim))}
    rooms = {"inbox", "lake", "logs", "pairs", "mix", "scores", "report", "cache", "work"}
    assert {place.split("/")[0] for place in places} == rooms, "the world must hold what is to be erased"
    house, _ = emptied
    for victim in house.victims:
        assert world.holding(house.settings.home, world.traces(house.settings, victim)) == {}


def test_every_sealed_folder_fits_its_sums_again(emptied: Emptied) -> None:
    house, receipt = emptied
    assert receipt["folders"]
    for kind in ("logs", "pairs", "mix", "model", "scores", "verdict", "report"):
        for manifest in lineage.all_of(house.settings, kind):
            lineage.require(house.settings, manifest["id"], kind)


def test_nobody_else_loses_a_row_and_no_other_file_a_byte(house: House) -> None:
    victim = house.victims[0]
    before, rows = world.contents(house.settings.home), rows_of_others(house, [victim])
    receipt = erase.users(house.settings, [victim], "asked for by letter")
    assert rows_of_others(house, [victim]) == rows
    after = world.contents(house.settings.home)
    touched = {f"{id.split('-')[0]}/{id}/{name}" for id, files in receipt["folders"].items() for name in [*files, "manifest.json"]}
    touched |= {f"logs/{m['id']}/manifest.json" for m in lineage.all_of(house.settings, "logs")}
    rest = {n for n in before if n.split("/")[0] not in ("lake", "inbox", "work", "locks") and "00000000" not in n} - touched
    assert len(rest) > 10
    assert {n: after.get(n) for n in rest if n in after} == {n: before[n] for n in rest if n in after}
    gone = {n for n in rest - after.keys() if not n.startswith("cache/similar/")}
    assert gone < rest - after.keys(), "the keys of mined rows go too"
    assert all(n.startswith("cache/items/") and "heldout_mood" in n for n in gone), "nothing but a cache may go"


def test_the_receipt_says_what_was_done_and_names_nobody(emptied: Emptied) -> None:
    house, receipt = emptied
    path = house.settings.home / "erasures" / receipt["id"] / "receipt.json"
    assert json.loads(path.read_text()) == receipt and not (path.parent / "journal.jsonl").exists()
    # two conversations a victim, one more of the first on the second day; and the torn line's, which never got in
    assert receipt["erased"] | {"conversations": 5, "messages": 10} == receipt["erased"]
    assert receipt["asked"] == {"user": 2, "conversation": 6, "withdrawn": 0}
    assert receipt["reason"] == "asked for by letter" and receipt["by"]
    assert receipt["models"] == {house.model: house.mix} and not receipt["by_hand"]
    for id, files in receipt["folders"].items():
        note = lineage.manifest(house.settings, id)["erased"][-1]
        assert note["receipt"] == receipt["id"] and note["files"] == files
        for name, sums in files.items():
            assert sums["before"] != sums["after"] == lineage.sha256(lineage.folder(house.settings, id) / name)


def test_a_user_nobody_heard_of_is_remembered_all_the_same(house: House) -> None:
    before = world.contents(house.settings.home / "lake")
    receipt = erase.users(house.settings, ["stranger@example.org"], "asked for by letter")
    assert not any(receipt["erased"].values()) and not receipt["folders"]
    assert len(world.contents(house.settings.home / "lake")) - len(before) in (0, 1)
    line = world.talk(0, "stranger@example.org")
    found = world.ingest([world.write(house.settings.home.parent / "new_2026-11-22.jsonl", [line])], world.LESSON, house.settings)
    assert found["stored"] == 0 and found["reasons"] == {"user was forgotten": 1}


def test_forgetting_twice_is_forgetting_once(house: House) -> None:
    first = erase.users(house.settings, house.victims, "asked for by letter")
    before = world.contents(house.settings.home)
    assert erase.users(house.settings, house.victims, "asked again") == first
    assert world.contents(house.settings.home) == before


def test_what_two_users_said_of_one_conversation_is_told_apart(original: House, emptied: Emptied) -> None:
    """The victim edited a neighbour's answer and praised another: that goes, the neighbour's own words stay."""
    house, _ = emptied
    victim, neighbour = house.victims[0], house.neighbour
    own = f"conv-{neighbour[7:10]}"
    mine = [f"ev-{own}-0-{neighbour[7:10]}", f"th-{own}-1-{neighbour[7:10]}"]
    assert events(original, own) == sorted([*mine, f"ev-{own}-0-{victim[7:10]}", f"th-{own}-1-{victim[7:10]}"])
    assert events(house, own) == mine
    inbox = (house.settings.home / "inbox" / "log_2026-11-20.jsonl").read_bytes().split(b"\n")
    lines = [json.loads(x) for x in inbox if own.encode() in x and x.endswith(b"}")]
    assert [len(x["feedback"]) for x in lines] == [1, 1, 0], "the held-out victim's bad event went too"


def events(house: House, of: str) -> list[str]:
    with lake.connect(house.settings) as con:
        query = "select event_id from ingest.feedback where conversation_id like $of and current order by 1"
        return [e for (e,) in con.execute(query, {"of": f"{of}%"}).fetchall()]


def test_a_raw_log_in_home_keeps_its_line_numbers_and_is_not_read_twice(house: House) -> None:
    path = house.settings.home / "inbox" / "log_2026-11-20.jsonl"
    lines = path.read_bytes().count(b"\n")
    erase.users(house.settings, house.victims, "asked for by letter")
    assert path.read_bytes().count(b"\n") == lines
    again = world.ingest([path], world.LESSON, house.settings)
    assert (again["stored"], again["updated"], again["id"]) == (0, 0, house.logs)
    assert "user was forgotten" not in again["reasons"]


@pytest.mark.parametrize("kind", ["the conversation again", "a late event", "a word on a neighbour's answer", "a torn line"])
def test_a_forgotten_user_does_not_come_back(house: House, kind: str, tmp_path: Path) -> None:
    victim, neighbour = house.victims[0], house.neighbour
    erase.users(house.settings, [victim], "asked for by letter")
    late = world.edit(0, victim, neighbour) | {"conversation_id": f"conv-{victim[7:10]}-0"}
    lines = {
        "the conversation again": [world.talk(0, victim), world.talk(8, victim), world.talk(0, victim, user_id=None)],
        "a late event": [late, world.edit(0, neighbour, victim) | {"conversation_id": f"conv-{neighbour[7:10]}-0"}],
        "a word on a neighbour's answer": [
            world.talk(6, neighbour, world.edit(6, neighbour, victim), world.thumb(6, neighbour, neighbour))
        ],
        "a torn line": [json.dumps(world.talk(0, victim)).encode()[:-30]],
    }[kind]
    found = world.ingest([world.write(tmp_path / "outside" / "late_2026-11-22.jsonl", lines)], world.LESSON, house.settings)
    assert world.holding(house.settings.home, [*world.traces(house.settings, victim)[:3], b"aunt number " + victim[7:10].encode()]) == {}
    assert set(found["reasons"]) <= {"user was forgotten", "conversation was erased"}
    assert found["quarantined"] + found["quarantined_events"] == (
        1 if kind in ("a word on a neighbour's answer", "a torn line") else len(lines)
    )
    assert found["stored"] == (1 if kind == "a word on a neighbour's answer" else 0)
