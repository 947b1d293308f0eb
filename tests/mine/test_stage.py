"""The stage over a real lake: states, late feedback, consent, snapshots, and twice is once."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline import lineage
from pipeline.errors import BadInput, Permanent
from pipeline.mine import run as stage
from pipeline.mine.reasons import REASONS
from pipeline.settings import Settings
from tests.mine.world import ALL, DAY, LABELS, Row, configured, mine, signals, table, take_in, talk, turn

NEXT = DAY + timedelta(days=1)


def event(id: str, kind: str = "thumb", minute: int = 0, **more: object) -> Row:
    known = {"event_id": id, "kind": kind, "message_id": "a", "created_at": f"2026-11-20T10:{minute:02}:00Z"}
    return known | {k: v for k, v in more.items() if v is not None}


def late(conversation: str, **more: object) -> Row:
    return {"conversation_id": conversation, "user_id": "ann"} | more


def test_rows_signals_and_manifest_are_sealed_and_a_second_run_makes_nothing_new(home: Settings) -> None:
    logs = take_in(home, talk("c1", feedback=[event("e1", "edit", text="blue")]), talk("c2", feedback=[event("e2", value="down")]))
    result = mine(home, logs)
    manifest = lineage.require(home, result["id"], "pairs")
    assert (result["examples"], result["pairs"], result["unpaired"], result["dropped"]) == (1, 1, 1, {})
    assert manifest["parents"] == [logs] and manifest["snapshot"] == lineage.manifest(home, logs)["snapshot"]
    assert set(manifest["files"]) == {f"{k}.parquet" for k in ("sft", "dpo", "kto", "heldout", "dropped")} | {"signals.jsonl"}
    assert mine(home, logs) == result and lineage.manifest(home, result["id"]) == manifest


def test_mining_again_from_nothing_gives_the_same_bytes(home: Settings) -> None:
    logs = take_in(home, *(talk(f"c{n}", feedback=[event(f"e{n}", "edit", text=f"blue {n}")]) for n in range(9)))
    first = lineage.manifest(home, mine(home, logs)["id"])
    (lineage.folder(home, first["id"]) / "manifest.json").unlink()
    assert lineage.manifest(home, mine(home, logs)["id"])["files"] == first["files"]


def test_signals_say_what_was_said_and_what_became_of_it(home: Settings) -> None:
    events = [event("e1", "edit", text="blue"), event("e2", value="up", user_id="eve"), event("e3", "comment", text="Hm.")]
    result = mine(home, take_in(home, talk("c1", feedback=events)))
    found = {s["signal"]: s for s in signals(home, result["id"])}
    assert result["signals_file"].endswith(f"{result['id']}/signals.jsonl")
    assert set(found["edit"]) == {"conversation_id", "message_id", "signal", "origin", "polarity", "weight", "evidence"}
    assert [(found[k]["polarity"], found[k]["weight"]) for k in ("edit", "thumb", "comment")] == [
        ("negative", 1.0),
        ("positive", 0.5),
        ("neutral", 0.0),
    ]
    assert {s["origin"] for s in found.values()} == {"explicit"}
    assert found["edit"]["evidence"]["outcome"] == ["dpo", "sft"] and found["comment"]["evidence"]["outcome"] == ["comment_alone"]


def test_the_last_state_of_a_vote_wins_by_time_then_arrival(home: Settings) -> None:
    by_time = [event("e1", value="down", minute=5), event("e2", value="up", minute=3)]
    by_arrival = [event("e3", value="up"), event("e4", value="down")]
    taken_back = [event("e5", value="up"), event("e6", value="none", minute=1)]
    lines = []
    for n, events in enumerate((by_time, by_arrival, taken_back)):
        lines.append(talk(f"c{n}", turn("q", None, "user", f"Which {n}?"), turn("a", "q", "assistant", "green"), feedback=events))
    result = mine(home, take_in(home, *lines))
    kept = {r["conversation_id"]: r["label"] for r in table(home, result["id"], "kto")}
    assert kept == {"c0": False, "c1": False} and result["dropped"] == {"superseded": 3, "withdrawn": 1}


def test_each_user_and_each_kind_has_a_state_of_its_own(home: Settings) -> None:
    events = [event("e1", value="down"), event("e2", value="down", user_id="eve"), event("e3", "edit", text="blue", user_id="joe")]
    result = mine(home, take_in(home, talk("c1", feedback=events)))
    assert (result["examples"], result["unpaired"], result["dropped"]) == (1, 1, {"duplicate": 1})


def test_a_pick_has_a_state_for_each_set_of_answers(home: Settings) -> None:
    turns = [turn("q", None, "user", "Which?"), *(turn(n, "q", "assistant", n) for n in ("a", "b", "c"))]
    events = [event("e1", "choose", over=["b"]), event("e2", "choose", minute=1, over=["b", "c"])]
    events.append(event("e3", "choose", minute=2, over=["a"]) | {"message_id": "b"})
    result = mine(home, take_in(home, talk("c1", *turns, feedback=events)))
    assert result["dropped"] == {"superseded": 1, "conflict": 2}  # b over a replaces a over b; a over {b, c} contradicts it
    assert [(r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in table(home, result["id"], "dpo")] == [("a", "c")]


def test_late_feedback_belongs_to_the_day_that_brought_it(home: Settings) -> None:
    first = mine(home, take_in(home, talk("c1")))
    logs = take_in(home, late("c1", **event("e1", "edit", text="blue")), day=NEXT)
    second = mine(home, logs)
    assert (first["examples"], second["examples"]) == (0, 1)
    assert table(home, second["id"], "sft")[0]["day"] == NEXT and second["id"].startswith("pairs-20261121-")
    assert mine(home, take_in(home, talk("c9"), day=NEXT + timedelta(days=1)))["examples"] == 0


def test_feedback_waits_for_its_conversation(home: Settings) -> None:
    first = mine(home, take_in(home, late("c1", **event("e1", "edit", text="blue"))))
    second = mine(home, take_in(home, talk("c1"), day=NEXT))
    assert (first["examples"], first["signals"], second["examples"]) == (0, 0, 1)


def test_an_earlier_day_is_mined_as_it_was_sealed(home: Settings) -> None:
    logs = take_in(home, talk("c1", feedback=[event("e1", value="up")]))
    take_in(home, late("c1", **event("e1", value="down")), day=NEXT)
    assert [r["label"] for r in table(home, mine(home, logs)["id"], "kto")] == [True]


def test_a_regenerate_is_proved_by_what_the_user_says_a_day_later(home: Settings) -> None:
    turns = [turn("q", None, "user", "Which?"), turn("a", "q", "assistant", "red"), turn("b", "q", "assistant", "blue")]
    first = mine(home, take_in(home, talk("c1", *turns, feedback=[event("e1", "regenerate")])))
    more = turn("q2", "b", "user", "And for the kitchen?", created_at="2026-11-20T11:00:00Z")
    second = mine(home, take_in(home, talk("c1", *turns, more, feedback=[event("e1", "regenerate")]), day=NEXT))
    assert (first["pairs"], first["dropped"], second["pairs"]) == (0, {"no_positive_act": 1}, 1)


def test_a_tombstone_is_never_mined(home: Settings) -> None:
    lines = [talk("c1", feedback=[event("e1", "edit", text="blue")]), {"conversation_id": "c1", "consent": False}]
    result = mine(home, take_in(home, *lines))
    assert (result["examples"], result["signals"]) == (0, 0) and set(result["dropped"]) <= {"no_consent"}


def test_an_automatic_score_neither_counts_nor_replaces_a_users_word(home: Settings) -> None:
    events = [event("e1", value="up"), event("e2", value="down", minute=9, source="automatic")]
    result = mine(home, take_in(home, talk("c1", feedback=events)))
    assert [r["label"] for r in table(home, result["id"], "kto")] == [True] and result["dropped"] == {"automatic": 1}
    assert [s["evidence"]["event_id"] for s in signals(home, result["id"])] == ["e1"]


def test_every_dropped_row_names_a_reason_of_the_list(home: Settings) -> None:
    result = mine(home, take_in(home, talk("c1", feedback=[event("e1", "edit", text="green"), event("e2", "copy", value="all")])))
    found = table(home, result["id"], "dropped")
    assert {(r["reason"], r["kind"], r["source"], r["text"]) for r in found} == {
        ("edit_equals_answer", "signal", "edit", "green"),
        ("copy_alone", "signal", "copy", "all"),
    }
    assert {r["reason"] for r in found} <= set(REASONS)


def test_a_dry_run_says_what_the_run_would_do_and_writes_nothing(home: Settings) -> None:
    logs = take_in(home, talk("c1", feedback=[event("e1", "edit", text="green"), event("e2", value="up")]))
    before = sorted((p, p.stat().st_mtime_ns) for p in home.home.rglob("*") if p.is_file())
    told = mine(home, logs, dry_run=True)
    assert sorted((p, p.stat().st_mtime_ns) for p in home.home.rglob("*") if p.is_file()) == before
    assert REASONS["edit_equals_answer"] in told["text"] and "nothing was written" in told["text"]
    real = mine(home, logs)
    assert {k: told[k] for k in ("id", "examples", "unpaired", "dropped")} == {
        k: real[k] for k in ("id", "examples", "unpaired", "dropped")
    }


def test_only_hotfixes_are_mined_where_the_recipe_says_so(home: Settings, tmp_path: Path) -> None:
    home = configured(home, tmp_path / "config", LABELS)
    take_in(home, talk("c2", feedback=[event("e2", "edit", text="red")], app="labels"))
    fix = {"task": "colour", "messages": [{"role": "user", "content": "Sky?"}], "answer": "blue", "rejected": "green"}
    logs = take_in(home, fix, format="hotfix")
    both, only = (mine(home, logs, m, tasks=["colour"]) for m in (ALL, ALL.model_copy(update={"only": "hotfix"})))
    assert (both["examples"], only["examples"], only["tasks"]) == (2, 1, {"colour": {"sft": 1, "dpo": 1}})


def test_the_id_covers_rules_cards_and_held_out_prompts(home: Settings, tmp_path: Path) -> None:
    logs = take_in(home, talk("c1", app="labels", feedback=[event("e1", "edit", text="blue")]))
    item = {"id": "h1", "prompt": "which  COLOUR?", "answer": "red"}
    plain, held = configured(home, tmp_path / "x", LABELS), configured(home, tmp_path / "y", LABELS, heldout={"colour": [item]})
    ids = [mine(s, logs, m, tasks=t)["id"] for s, m, t in ((plain, ALL, []), (plain, ALL, ["colour"]), (held, ALL, ["colour"]))]
    ids.append(mine(plain, logs, ALL.model_copy(update={"max_rows_per_user_day": 7}), tasks=["colour"])["id"])
    assert len(set(ids)) == 4
    assert mine(held, logs, tasks=["colour"])["dropped"] == {"held_out_prompt": 2}


def test_a_held_out_line_that_cannot_be_read_is_named(home: Settings, tmp_path: Path) -> None:
    broken = configured(home, tmp_path / "x", heldout={"colour": [{"id": "h1", "answer": "red"}]})
    with pytest.raises(BadInput, match=r"colour\.jsonl:1"):
        mine(broken, take_in(home, talk("c1")))


@pytest.mark.parametrize("id", ["logs-20261120-00000000", "mix-20261120-00000000", "../x"])
def test_an_id_that_is_no_sealed_logs_is_refused(home: Settings, id: str) -> None:
    with pytest.raises(Permanent):
        mine(home, id)


def test_a_broken_check_stops_the_stage_before_anything_is_sealed(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = take_in(home, talk("c1", feedback=[event("e1", "edit", text="blue")]))
    monkeypatch.setattr(stage.account, "outcomes", lambda found: {})
    with pytest.raises(Permanent, match="every event of the day ends in a row or a reason"):
        mine(home, logs)
    assert not list((home.home / "pairs").glob("*/manifest.json"))


def test_mining_never_loads_the_trainer(home: Settings) -> None:
    logs = take_in(home, talk("c1", feedback=[event("e1", "edit", text="blue")]))
    code = (
        "import sys; from pipeline import settings; from pipeline.recipe import Recipe; from pipeline.mine.run import run\n"
        f"run({logs!r}, Recipe(tasks=[]), settings.load())\n"
        "print(sorted({'torch', 'transformers', 'trl', 'peft', 'lm_eval', 'airflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_prints_the_id_or_one_json_object(home: Settings) -> None:
    logs = take_in(home, talk("c1", feedback=[event("e1", "edit", text="blue")]))
    words = [sys.executable, "-m", "pipeline", "mine", logs]
    plain, data = (subprocess.run([*words, *more], capture_output=True, text=True, check=True).stdout for more in ([], ["--json"]))
    found = json.loads(data)
    assert plain == found["id"] + "\n" and {"examples", "pairs", "unpaired", "dropped", "signals_file"} <= set(found)


def test_the_default_recipe_mines_with_the_shipped_cards(home: Settings) -> None:
    from pipeline import recipe
    from pipeline.mine.run import run

    question = turn("q", None, "user", "Predict the intent of the utterance. Book me a table.")
    line = talk(
        "c1", question, turn("a", "q", "assistant", "play_music"), feedback=[event("e1", "edit", text="book_restaurant")], app="helpdesk"
    )
    found = run(take_in(home, line), recipe.load(home), home)
    assert found["tasks"] in ({"intent": {"sft": 1, "dpo": 1}}, {"intent": {"heldout": 1}})
