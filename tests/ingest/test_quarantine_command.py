"""`equipoise quarantine`: what a person sees at three in the morning, what it costs to mend it, and what a stranger's text may not do."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.settings import Settings
from tests.ingest.world import conversation, event, ingest, rows, write

NAME = "log_2026-11-20.jsonl"
GOOD = [conversation(f"c{i}") for i in range(3)]
TORN = json.dumps(conversation("c9")).encode()[:90]
SECRET = b"\xff not UTF-8 \x1b[31m"


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["quarantine", *words]) == code
    out, err = capsys.readouterr()
    return err if code else out


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    return json.loads(told(capsys, *words, "--json"))


def test_without_a_lake_or_with_an_empty_one_nothing_is_open(home: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert told(capsys) == "quarantine   nothing is open: every line that came in was read\n"
    assert asked(capsys, "--reason", "torn JSON")["open"] == 0


def test_one_screen_says_what_broke_since_when_where_how_many_and_what_to_type(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(home, *GOOD, *[b"null"] * 3, name="log_2026-11-18.jsonl")
    ingest(home, *GOOD, TORN, TORN, conversation("c7", feedback=[event(kind="applause")]))
    shown = told(capsys)
    assert len(shown.splitlines()) <= 24
    assert "5 lines and 1 event open, in 2 files, since 2026-11-18, newest 2026-11-20" in shown
    assert [line.split()[:5] for line in shown.splitlines()[3:6]] == [
        ["2026-11-20", "2", "torn", "JSON", f"{NAME}:4"],
        ["2026-11-20", "1", "unknown", "feedback", "kind"],
        ["2026-11-18", "3", "not", "an", "object"],
    ]
    assert "equipoise quarantine explain 'torn JSON'" in shown
    assert f"{NAME}:5 torn JSON at byte" in shown


def test_each_choice_narrows_it(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(home, b"null", TORN, name="log_2026-11-18.jsonl")
    ingest(home, TORN, TORN, TORN)
    assert asked(capsys)["open"] == 5
    assert asked(capsys, "--day", "2026-11-18")["open"] == 2
    assert asked(capsys, "--reason", "torn JSON")["open"] == 4
    assert asked(capsys, "--file", NAME)["open"] == 3
    sha = asked(capsys, "--file", NAME)["groups"][0]["file_sha"]
    assert asked(capsys, "--file", sha[:10])["open"] == 3
    assert [len(asked(capsys, "--limit", str(n))["rows"]) for n in (0, 2, 99)] == [0, 2, 5]
    assert told(capsys, "--reason", "parent cycle").startswith("quarantine   nothing is open for reason parent cycle")


def test_a_reason_is_explained_with_its_rule_and_what_to_do(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(home, TORN)
    shown = told(capsys, "explain", "torn", "JSON")
    for word in ("means ", "bad ", "good ", "rule ", "do ", "open     1 row since 2026-11-20"):
        assert word in shown
    assert asked(capsys, "explain", "wrong type: content")["todo"]
    assert "parent cycle" in told(capsys, "explain")


def test_a_row_is_explained_by_its_place_with_its_masked_text(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(home, *GOOD, b'{"conversation_id": "c1", "user_id": "u-9", "note": "bob@example.com')
    shown = told(capsys, "explain", f"{NAME}:4")
    assert '"user_id": "<USER>", "note": "<EMAIL_1>' in shown
    assert "The line ends in the middle" in shown
    assert "no open row at this place" in told(capsys, "explain", f"{NAME}:3", code=65)


WRONG = {
    "a reason misspelt": (["explain", "tron JSON"], "did you mean 'torn JSON'"),
    "a day that is none": (["list", "--day", "tomorrow"], "write it like 2026-11-20"),
    "words where none belong": (["list", "torn JSON"], "--reason"),
    "retry of nothing": (["retry", "x.jsonl"], "nothing that is open fits"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_answered_by_one_line_with_the_next_move(home: Settings, capsys: pytest.CaptureFixture[str], name: str) -> None:
    words, expected = WRONG[name]
    said = told(capsys, *words, code=65)
    assert expected in said
    assert said.count("\n") == 1


def test_a_mended_copy_solves_what_it_brings_and_the_rest_stays(home: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    broken = [*GOOD, TORN, SECRET, b"null", conversation("c7", feedback=[event(kind="applause")])]
    ingest(home, *broken)
    mended = write(tmp_path / NAME, *GOOD, conversation("c9"), SECRET, conversation("c6"), conversation("c7", feedback=[event()]))
    result = asked(capsys, "retry", str(mended))
    assert (result["solved"], result["still_bad"], result["missing"]) == (3, 1, 0)
    assert asked(capsys)["open"] == 1
    assert rows(home, "quarantine", "line", "reason") == [(5, "invalid UTF-8")]
    assert rows(home, "solved", "line", "what", "reason", "logs_id") == sorted(
        [
            (4, "line", "torn JSON", result["id"]),
            (6, "line", "not an object", result["id"]),
            (7, "event", "unknown feedback kind", result["id"]),
        ],
        key=repr,
    )
    assert {c for (c,) in rows(home, "conversations", "conversation_id")} == {"c0", "c1", "c2", "c6", "c7", "c9"}


def test_twice_is_once(home: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ingest(home, *GOOD, TORN, SECRET)
    mended = write(tmp_path / NAME, *GOOD, conversation("c9"), SECRET)
    first = asked(capsys, "retry", str(mended))
    state = [rows(home, table) for table in ("quarantine", "solved", "conversations", "batches")]
    again = asked(capsys, "retry", str(mended))
    assert (again["id"], again["solved"], again["still_bad"]) == (first["id"], 0, 1)
    assert [rows(home, table) for table in ("quarantine", "solved", "conversations", "batches")] == state


def test_a_copy_that_ends_early_closes_nothing_that_it_does_not_hold(
    home: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ingest(home, *GOOD, b"null", TORN)
    result = asked(capsys, "retry", str(write(tmp_path / NAME, *GOOD[:2])))
    assert (result["solved"], result["missing"]) == (0, 2)
    assert asked(capsys)["open"] == 2


def test_a_line_whose_conversation_never_came_is_not_solved_by_another_at_its_place(
    home: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ingest(home, *GOOD, TORN)
    result = asked(capsys, "retry", str(write(tmp_path / NAME, *GOOD, conversation("another"))))
    assert (result["solved"], result["missing"]) == (0, 1)


def test_without_a_path_the_inbox_is_searched_by_the_recorded_name(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(home, *GOOD, TORN)
    ingest(home, b"null", name="gone_2026-11-18.jsonl")
    write(Path(home.inbox) / NAME, *GOOD, conversation("c9"))
    result = asked(capsys, "retry")
    assert (result["solved"], result["not_found"]) == (1, ["gone_2026-11-18.jsonl"])
    said = told(capsys, "retry", code=65)
    assert (
        said
        == f"equipoise quarantine: gone_2026-11-18.jsonl: not in the inbox ({home.inbox}); name the mended file: equipoise quarantine retry PATH\n"
    )


def test_a_copy_of_another_name_says_whose_place_it_takes(home: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ingest(home, *GOOD, TORN)
    mended = write(tmp_path / "mended.jsonl", *GOOD, conversation("c9"))
    assert f"--file (open: {NAME})" in told(capsys, "retry", str(mended), code=65)
    result = asked(capsys, "retry", str(mended), "--file", NAME)
    assert result["solved"] == 1
    assert rows(home, "conversations", "day::varchar", conversation_id="c9") == [("2026-11-20",)]


def test_a_stopped_day_is_named_and_its_mended_copy_takes_all_of_it_in(
    home: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = write(tmp_path / "a" / NAME, *GOOD, *[b"\x01"] * 600)
    assert main(["ingest", str(bad)]) == 65
    assert "stopped      2026-11-20: over the recipe's threshold" in told(capsys)
    half = write(tmp_path / "b" / NAME, *GOOD, conversation("c10"), *[b"\x01"] * 599)
    assert "599 of 603 lines" in told(capsys, "retry", str(half), code=65)
    assert asked(capsys)["open"] == 600  # each bad place once, though two copies were bad
    mended = write(tmp_path / "c" / NAME, *GOOD, *[conversation(f"d{i}") for i in range(600)])
    assert asked(capsys, "retry", str(mended))["solved"] == 600
    assert asked(capsys)["open"] == 0
    assert len(rows(home, "conversations")) == 603


EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u2066[bold red]x[/]\r\nFORGED  log line\u2028\x7f"


def steers(text: str) -> set[str]:
    """Signs of a text that a terminal would obey, by Unicode's own classes."""
    return {
        c for c in text if c not in "\n\t" and (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in BIDI)
    }


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize("words", [[], ["--json"], ["explain", "invalid JSON"], ["--reason", EVIL], ["--file", EVIL]], ids=str)
def test_text_of_strangers_reaches_no_terminal_raw(home: Settings, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    ingest(home, b'{"x": ' + EVIL.replace("\n", " ").encode() + b"}", name="ev\x1b[2Jil_2026-11-20.jsonl")
    shown = told(capsys, *words)
    assert steers(shown) == set()
    if "--json" in words:
        assert "\u202e" in json.loads(shown)["rows"][0]["text"]
    elif not words:
        assert "\\x1b" in shown and "[bold red]x[/]" in shown
        assert "\nFORGED" not in shown


def test_text_of_strangers_in_an_error_reaches_no_terminal_raw(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert steers(told(capsys, "explain", EVIL, code=65)) == set()
