"""A hotfix file is checked whole before anything starts; each fault names its line and what is wanted."""

import json
from pathlib import Path

import pytest

from pipeline.commands import hotfix
from pipeline.errors import BadInput
from pipeline.settings import Settings

GOOD = {"task": "intent", "messages": [{"role": "user", "content": "Play jazz"}], "answer": "play_music"}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), encoding="utf-8")
    return path


def test_good_examples_are_read_and_blank_lines_skipped(tmp_path: Path, home: Settings) -> None:
    file = write(tmp_path / "fix.jsonl", GOOD, "", GOOD | {"rejected": "get_weather", "note": "seen twice"})
    assert [r["answer"] for r in hotfix.read(file, "intent", home)] == ["play_music", "play_music"]


FAULTS = {
    "torn JSON": ('{"task": "intent"', "no JSON"),
    "an array": ("[]", "expected an object, found list"),
    "an unknown key": (GOOD | {"weight": 9}, "unknown key 'weight'"),
    "no task": ({k: v for k, v in GOOD.items() if k != "task"}, "task is missing: write 'intent'"),
    "another task": (GOOD | {"task": "other"}, "one task a hotfix"),
    "messages that are text": (GOOD | {"messages": "hello"}, "messages must be a list"),
    "a role that is none": (GOOD | {"messages": [{"role": "boss", "content": "x"}]}, "messages must be a list"),
    "an assistant at the end": (GOOD | {"messages": [{"role": "assistant", "content": "x"}]}, "it must be the user's"),
    "an empty answer": (GOOD | {"answer": " "}, "answer is missing or empty"),
    "a rejected answer that is a number": (GOOD | {"rejected": 3}, "must be text"),
    "a blank rejected answer": (GOOD | {"rejected": " "}, "rejected is empty"),
    "a rejected answer equal to the answer": (GOOD | {"rejected": "play_music"}, "would teach nothing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_its_line(fault: str, tmp_path: Path, home: Settings) -> None:
    row, words = FAULTS[fault]
    with pytest.raises(BadInput, match="line 2: .*" + words):
        hotfix.read(write(tmp_path / "fix.jsonl", GOOD, row), "intent", home)


def test_a_task_without_a_card_is_refused(tmp_path: Path, home: Settings) -> None:
    with pytest.raises(BadInput, match=r"'nothing' has no card: write tasks/nothing.yaml"):
        hotfix.read(write(tmp_path / "fix.jsonl", GOOD), "nothing", home)


def test_a_file_over_one_mebibyte_is_refused(tmp_path: Path, home: Settings) -> None:
    file = write(tmp_path / "fix.jsonl", GOOD | {"note": "x" * (1 << 20)})
    with pytest.raises(BadInput, match="a hotfix has at most 1048576"):
        hotfix.read(file, "intent", home)


def test_latin_1_and_empty_files_are_refused(tmp_path: Path, home: Settings) -> None:
    (tmp_path / "latin.jsonl").write_bytes('{"note": "é"}'.encode("latin-1"))
    with pytest.raises(BadInput, match="no UTF-8"):
        hotfix.read(tmp_path / "latin.jsonl", "intent", home)
    with pytest.raises(BadInput, match="holds no example"):
        hotfix.read(write(tmp_path / "empty.jsonl", ""), "intent", home)
