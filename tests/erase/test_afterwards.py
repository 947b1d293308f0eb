"""After an erasure: the next lesson leaves the rows out, what had learnt from them goes no further, and people can see why."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import lake, lineage, people, service
from pipeline import recipe as recipes
from pipeline.commands import status, trace
from pipeline.commands.forget import command as forget
from pipeline.erase import asked, journal, pause
from pipeline.erase import run as erase
from pipeline.errors import BadInput, Permanent, Transient
from pipeline.mine.run import run as mine
from pipeline.mix.run import run as mix
from pipeline.promote import run as promote
from pipeline.settings import Settings
from tests.erase import world
from tests.erase.world import House


def arguments(**given: object) -> object:
    from pipeline.__main__ import parser

    words = [x for k, v in given.items() for x in (f"--{k}", *([] if v is True else [str(v)]))]
    return parser().parse_args(["forget", *words])


def test_the_same_pairs_make_another_lesson_without_the_rows(house: House) -> None:
    assert mix(house.pairs, world.LESSON, house.settings)["id"] == house.mix
    erase.users(house.settings, house.victims, "asked for by letter")
    again = mix(house.pairs, world.LESSON, house.settings)["id"]
    assert again != house.mix, "another lesson is another id, and so another model"
    hashes = {people.user_hash(house.settings, v) for v in house.victims}
    rows = pq.read_table(lineage.folder(house.settings, again) / "sft.parquet").to_pylist()
    assert rows and not hashes & {r["user_hash"] for r in rows}
    assert mix(house.pairs, world.LESSON, house.settings)["id"] == again


def test_todays_logs_can_be_mined_after_an_erasure(house: House) -> None:
    """Their version of the lake has expired: they name the one that is left, and give the rows of everybody else."""
    other = world.LESSON.model_copy(update={"mining": world.LESSON.mining.model_copy(update={"min_edit_chars": 2})})
    victim = people.user_hash(house.settings, house.victims[0])
    whole = pq.read_table(lineage.folder(house.settings, house.pairs) / "sft.parquet").to_pylist()
    erase.users(house.settings, [house.victims[0]], "asked for by letter")
    found = mine(house.logs, other, house.settings)
    assert found["id"] != house.pairs
    rows = pq.read_table(lineage.folder(house.settings, found["id"]) / "sft.parquet").to_pylist()
    assert {r["example_id"] for r in rows} == {
        r["example_id"] for r in whole if r["user_hash"] != victim and "-000-" not in r["conversation_id"]
    }


def test_a_tainted_candidate_is_not_promoted_by_anybody(house: House) -> None:
    erase.users(house.settings, [house.victims[0]], "asked for by letter")
    with pytest.raises(Permanent, match=r"has learnt from .* rows that were erased since .* run the day again"):
        promote.run(house.report, world.LESSON, house.settings, by="ann", note="please")
    assert service.champion(house.settings) == "origin"


def test_a_model_that_never_saw_the_user_is_not_tainted(house: House) -> None:
    receipt = erase.users(house.settings, ["stranger@example.org"], "asked for by letter")
    assert receipt["models"] == {} and service.taints(house.settings) == {}
    promote.run(house.report, world.LESSON, house.settings, by="ann", note="please")
    assert service.champion(house.settings) == house.model


def test_a_model_in_service_is_shown_as_tainted_and_so_is_what_continues_it(house: House) -> None:
    promote.run(house.report, world.LESSON, house.settings, by="ann", note="please")
    child = lineage.name("model", world.DAY, "a hotfix on top")
    with lineage.making(house.settings, child, parents=[house.mix, house.model], recipe={}) as work:
        assert work
    receipt = erase.users(house.settings, [house.victims[0]], "asked for by letter")
    assert receipt["champion_tainted"] and set(receipt["models"]) == {house.model, child}
    found = status.run(house.settings)
    assert found["erasures"]["tainted"][0]["model"] == house.model
    assert "tainted      model-" in status.text(found)
    assert trace.run(house.settings, house.model)["tainted"] and trace.run(house.settings, child)["tainted"]


def test_an_erased_conversation_is_traced_to_its_receipt_and_nothing_more(original: House, emptied: tuple[House, dict[str, Any]]) -> None:
    house, receipt = emptied
    own = f"conv-{house.victims[0][7:10]}-0"
    assert trace.run(original.settings, own)["models"] == [house.model]
    found = trace.run(house.settings, own)
    assert found == {"conversation": {"conversation_id": own, "erased": True, "receipt": receipt["id"], "messages": []}}


def test_a_stage_waits_for_no_half_done_erasure(house: House) -> None:
    with lake.connect(house.settings) as con:
        request = asked.of_users(con, house.settings, ["stranger@example.org"])
    open_one = journal.begin(house.settings, request.marks, asked.about(request, "asked for by letter", "ann"))
    with (
        pytest.raises(Transient, match=f"{open_one.id} was begun and not finished: run `equipoise forget --finish`"),
        pause.beside_others(house.settings),
    ):
        pass
    assert "equipoise forget --finish" in status.text(status.run(house.settings))
    assert forget(arguments(finish=True), house.settings)["id"] == open_one.id
    with pause.beside_others(house.settings):
        pass


def test_a_list_of_names_inside_home_is_deleted_with_the_rest(house: House) -> None:
    path = house.settings.home / "requests" / "november.txt"
    path.parent.mkdir()
    path.write_text("\n".join(house.victims) + "\n")
    found = forget(arguments(users=path), house.settings)
    assert found["asked"]["user"] == 2 and not path.exists()
    assert found["by_hand"] == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "say what is to be forgotten"),
        ({"user": "a", "due": True}, "say what is to be forgotten"),
        ({"users": "/nowhere.txt"}, "one user id a line"),
        ({"user": " "}, "--user is empty"),
        ({"user": "ann-7", "reason": "ann-7 asked"}, "not who"),
    ],
    ids=["nothing", "two at once", "no such list", "no name", "a name in the reason"],
)
def test_a_request_that_makes_no_sense_is_refused_in_one_sentence(given: dict[str, object], says: str, home: Settings) -> None:
    with pytest.raises(BadInput, match=says):
        forget(arguments(**given), home)
    assert not (home.home / "erasures").exists()


def test_what_no_rule_can_clean_is_listed_for_a_person(house: House) -> None:
    book = house.settings.home / "decisions.jsonl"
    book.write_text(json.dumps({"note": f"{house.victims[0]} complained"}) + "\n")
    (house.settings.home / "inbox" / "notes.csv").write_text(f"user,text\n{house.victims[0]},hello\n")
    receipt = erase.users(house.settings, [house.victims[0]], "asked for by letter")
    assert receipt["by_hand"] == ["decisions.jsonl", "inbox/notes.csv"]
    assert house.victims[0] not in json.dumps(receipt)


def test_copies_of_a_log_in_an_archive_and_as_a_table_are_cleaned_too(house: House) -> None:
    inbox = house.settings.home / "inbox"
    log = (inbox / f"log_{world.DAY}.jsonl").read_bytes()
    with zipfile.ZipFile(inbox / "old.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("2025/log.jsonl", log)
    talks = [one for line in log.splitlines() if (one := _talk(line))]
    pq.write_table(pa.Table.from_pylist(talks), inbox / "old.parquet")
    receipt = erase.users(house.settings, house.victims, "asked for by letter")
    assert receipt["by_hand"] == [] and receipt["erased"]["raw_lines"] > len(house.victims)
    with zipfile.ZipFile(inbox / "old.zip") as packed:
        left = packed.read("2025/log.jsonl") + repr(pq.read_table(inbox / "old.parquet").to_pylist()).encode()
    assert house.neighbour.encode() in left
    for victim in house.victims:
        assert not [trace for trace in world.traces(house.settings, victim) if trace in left]


def _talk(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found | {"feedback": json.dumps(found["feedback"])} if "messages" in found else None


def test_the_daily_recipe_keeps_everything_until_somebody_asks(house: House, tmp_path: Path) -> None:
    assert recipes.Recipe().retention is None
    assert forget(arguments(due=True), house.settings)["id"] is None
