"""`equipoise formats` says what is read, `equipoise hotfix` takes a fine-tuning file as it is, and the docs name every format."""

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.commands import finetune
from pipeline.errors import BadInput
from pipeline.ingest import formats
from pipeline.settings import Settings
from tests.ingest.exports import SAMPLES
from tests.ingest.world import write

DOCS = Path(__file__).parent.parent.parent / "docs" / "formats.md"


def test_every_format_is_listed_with_what_it_cannot_say(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["formats"]
    assert [one["name"] for one in listed] == list(formats.names())
    for one in listed:
        assert one["reads"] and one["carries"] and (one["cannot"] or one["name"] == "native"), one["name"]
    assert main(["formats"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in formats.names())


def test_the_docs_have_a_table_for_every_format() -> None:
    headings = [line[3:].split()[0].strip("`") for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("## `")]
    assert headings == list(formats.foreign())


def test_a_fine_tuning_file_is_a_hotfix_file(home: Settings) -> None:
    with finetune.translated(SAMPLES / "openai_finetune" / "sft.jsonl", "capital", home) as file:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert [(r["task"], r["answer"]) for r in rows] == [("capital", "Oslo."), ("capital", "It is cancelled.")]
    assert not file.exists() and not list((home.home / "work").iterdir())


def test_any_other_file_is_itself(home: Settings, tmp_path: Path) -> None:
    for lines in ([{"task": "t", "messages": [], "answer": "x"}], [b"{torn"], [b"[]"], []):
        path = write(tmp_path / "x.jsonl", *lines)
        with finetune.translated(path, "t", home) as file:
            assert file == path
    with finetune.translated(tmp_path / "gone", "t", home) as file:
        assert file == tmp_path / "gone"


def test_a_record_that_teaches_nothing_is_named_by_its_line(home: Settings, tmp_path: Path) -> None:
    good = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}
    bad = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "weight": 0}]}
    with (
        pytest.raises(BadInput, match=r"line 2: no answer to learn"),
        finetune.translated(write(tmp_path / "x.jsonl", good, bad), "t", home),
    ):
        pass
