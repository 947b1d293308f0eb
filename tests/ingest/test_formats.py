"""Every format: what comes out of its sample is what its folder says, and all of it reaches the lake."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.ingest import formats
from pipeline.ingest.formats import openai_finetune
from pipeline.ingest.formats.base import Reading
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.exports import NAMES, SAMPLES, bodies, differences, expected, lines, logs
from tests.ingest.world import rows, write

SHARED = {
    "open_webui": "open_webui", "langfuse": "langfuse", "openai_chat_log": "openai_chat", "openai_finetune": "openai_finetune",
    "langsmith": "langsmith", "otel_genai": "otel_genai", "wildchat": "wildchat", "lmsys_chat": "lmsys", "sharegpt": "sharegpt",
    "tensorzero": "tensorzero", "litellm": "litellm",
}  # fmt: skip
NATIVE = [n for n in NAMES if n != "openai_finetune"]


def check(folder: Path, found: list[dict], human_only: bool = False) -> None:
    wanted = expected(folder)
    by_id = {one["conversation_id"]: one for one in found}
    assert sorted(by_id) == sorted(one["conversation_id"] for one in wanted) and len(found) == len(wanted)
    for one in wanted:
        other = by_id[one["conversation_id"]]
        if human_only:
            other["feedback"] = [e for e in other["feedback"] if e.get("source") != "automatic"]
        assert list(differences(one, other)) == []


def test_every_format_has_a_sample_and_every_sample_a_format() -> None:
    assert NAMES and sorted(formats.foreign()) == NAMES


@pytest.mark.parametrize("name", NATIVE)
def test_a_sample_becomes_what_its_folder_says(name: str) -> None:
    check(SAMPLES / name, bodies(logs(SAMPLES / name)))


@pytest.mark.parametrize("folder", [f for f in SHARED if f != "openai_finetune"])
def test_a_shared_sample_becomes_what_its_folder_says(data: Path, folder: str) -> None:
    place = data / "formats" / folder
    check(place, bodies(logs(place)), human_only=True)
    check(place, bodies(logs(place), SHARED[folder]), human_only=True)


@pytest.mark.parametrize("shared", [False, True])
def test_fine_tuning_files_become_hotfix_examples(shared: bool, request: pytest.FixtureRequest) -> None:
    place = request.getfixturevalue("data") / "formats" / "openai_finetune" if shared else SAMPLES / "openai_finetune"
    found = [json.loads(line) for path in logs(place) for line in path.read_text(encoding="utf-8").splitlines()]
    examples = [openai_finetune.example(record, "@cli") for record in found]
    wanted = [json.loads(line) for line in (place / "expected_hotfix.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(map(json.dumps, examples)) == sorted(
        json.dumps({k: one[k] for k in ("task", "messages", "answer", "rejected") if k in one}) for one in wanted
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_in_comes_out_as_rows_once(home: Settings, tmp_path: Path, name: str) -> None:
    shutil.copytree(SAMPLES / name, tmp_path / "export", ignore=shutil.ignore_patterns("expected*"))
    said = bodies(logs(tmp_path / "export"))
    first = run([tmp_path / "export"], Recipe(), home, day="2026-11-20")
    assert (first["lines"], first["stored"], first["quarantined"], first["quarantined_events"]) == (len(said), len(said), 0, 0)
    whole = [line for line in said if "messages" in line]
    assert len(rows(home, "conversations")) == len(whole)
    assert len(rows(home, "messages")) == sum(len(line["messages"]) for line in whole)
    assert len(rows(home, "feedback")) == sum(len(line.get("feedback", [line])) for line in said)
    again = run([tmp_path / "export"], Recipe(), home, day="2026-11-20")
    assert (again["id"], again["stored"], again["updated"], again["unchanged"]) == (first["id"], 0, 0, len(said))


@pytest.mark.parametrize("folder", SHARED)
def test_every_alias_and_folder_name_is_a_format(folder: str) -> None:
    assert formats.named(folder) == SHARED[folder]
    assert formats.named(folder.replace("_", "-").upper()) == SHARED[folder]


def test_no_two_formats_have_one_name() -> None:
    said = [n for one in formats.foreign().values() for n in (one.name, *one.aliases)]
    assert len(said) == len(set(said)) and not set(said) & {*formats.OWN, "auto"}


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"--format klingon: unknown.*langfuse"):
        formats.named("klingon")


def test_records_that_hold_nothing_are_counted_and_are_no_lines(home: Settings) -> None:
    result = run(logs(SAMPLES / "litellm"), Recipe(), home, day="2026-11-20")
    assert (result["lines"], result["skipped"], result["skipped_reasons"]) == (2, 2, {"call without content": 1, "failed call": 1})


def test_a_format_that_is_forced_refuses_what_is_not_of_it(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", {"conversation_id": "c1", "messages": []}, {"user": "u-1", "colour": "red"})
    result = run([path], Recipe(), home, day="2026-11-20", format="langfuse")
    assert [(q["line"], q["reason"]) for q in result["quarantine"]] == [(n, "no langfuse observation, score or trace") for n in (1, 2)]


def test_a_refused_record_names_nobody(home: Settings, tmp_path: Path) -> None:
    record = {
        "call_type": "completion",
        "request_id": "r",
        "startTime": 1,
        "end_user": "u-31",
        "messages": 5,
        "response": {"choices": []},
        "metadata": {"x": [{"user_id": "u-32"}]},
    }
    run([write(tmp_path / "x.jsonl", record)], Recipe(), home, day="2026-11-20", format="litellm")
    ((text, user),) = rows(home, "quarantine", "text", "user_hash")
    assert "u-31" not in text and "u-32" not in text and '"end_user": "<USER>"' in text
    assert user is not None


def test_automatic_scores_never_speak_for_a_user() -> None:
    for name in ("langfuse", "langsmith", "otel_genai"):
        events = [e for line in bodies(logs(SAMPLES / name)) for e in line["feedback"]]
        automatic = [e for e in events if e.get("source") == "automatic"]
        assert automatic and all(e["user_id"].startswith("evaluator:") for e in automatic), name


def test_tool_calls_survive_however_they_are_spelt() -> None:
    openai = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
    }
    spelt = {
        "openai": openai,
        "function_call": {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": '{"a": 1}'}},
        "anthropic": {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
        "tensorzero": {"role": "assistant", "content": [{"type": "tool_call", "id": "t1", "name": "f", "arguments": '{"a": 1}'}]},
        "otel": {"role": "assistant", "parts": [{"type": "tool_call", "id": "t1", "name": "f", "arguments": {"a": 1}}]},
        "langchain": {"type": "ai", "content": "", "tool_calls": [{"id": "t1", "name": "f", "args": {"a": 1}, "type": "tool_call"}]},
    }
    from collections import Counter

    from pipeline.ingest.formats.turns import message

    for name, raw in spelt.items():
        (found,) = message(raw, Counter())
        (call,) = found["tool_calls"]
        assert (found["role"], found["content"], call["function"]) == ("assistant", "", {"name": "f", "arguments": '{"a": 1}'}), name


def test_the_recipe_says_what_a_name_means(tmp_path: Path) -> None:
    folder = SAMPLES / "tensorzero"
    lenient = Reading(Recipe().ingest.importing.model_copy(update={"praise_metrics": ["resolved"]}))
    found = [e for _, line in lines(logs(folder), reading=lenient) for e in line.body["feedback"] if e["event_id"].startswith("bool")]
    assert [(e["event_id"], e["kind"], e["value"]) for e in found] == [("bool-1", "rating", 0.0), ("bool-2", "thumb", "up")]
