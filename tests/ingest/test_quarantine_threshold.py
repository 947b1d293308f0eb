"""A day that is mostly unreadable stops with exit 65 and one sentence; its bad lines can be looked at, and nothing else of it is stored."""

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.ingest.run import run
from pipeline.ingest.threshold import Stopped
from pipeline.recipe import Ingest, Recipe
from pipeline.settings import Settings
from tests.ingest.world import conversation, counts, event, rows, write

STRICT = Recipe(ingest=Ingest(max_quarantined_share=0.1, max_quarantined_lines=3))


def lines(good: int, bad: int) -> list[Any]:
    return [conversation(f"c{i}", feedback=[event(f"f{i}")]) for i in range(good)] + [b'{"torn": "bob@example.com'] * bad


def nothing_of(home: Settings) -> bool:
    return not any(rows(home, table) for table in ("conversations", "messages", "feedback", "batches", "profiles"))


PASSES = {"as many bad lines as the recipe lets by": (0, 3), "as large a share": (90, 10), "none": (5, 0)}


@pytest.mark.parametrize("name", PASSES)
def test_a_day_within_the_threshold_is_stored(home: Settings, tmp_path: Path, name: str) -> None:
    good, bad = PASSES[name]
    result = run([write(tmp_path / "log_2026-11-20.jsonl", *lines(good, bad))], STRICT, home)
    assert counts(result) == (good + bad, good, 0, 0, bad, 0)


def test_a_day_over_it_stops_and_says_what_to_do(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "log_2026-11-20.jsonl", *lines(30, 9), b"null")
    with pytest.raises(Stopped) as stopped:
        run([path], STRICT, home)
    assert str(stopped.value) == (
        "log_2026-11-20.jsonl: 10 of 40 lines of 2026-11-20 are bad (25%), above the recipe's 10% (ingest.max_quarantined_share);"
        " most often torn JSON (9 lines). Nothing of the day was stored; see the lines: equipoise quarantine --day 2026-11-20"
    )
    assert stopped.value.exit_code == 65
    assert nothing_of(home)
    assert not list((home.home / "logs").glob("logs-*"))


def test_its_bad_lines_lie_in_quarantine_once_however_often_it_is_tried(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "log_2026-11-20.jsonl", *lines(30, 10))
    for _ in range(2):
        with pytest.raises(Stopped):
            run([path], STRICT, home)
        found = rows(home, "quarantine", "line", "reason", "text", "day::varchar")
        assert found == sorted(((n, "torn JSON", '{"torn": "<EMAIL_1>', "2026-11-20") for n in range(31, 41)), key=repr)


def test_a_recipe_that_allows_it_takes_the_same_day_in_whole(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "log_2026-11-20.jsonl", *lines(30, 10))
    with pytest.raises(Stopped):
        run([path], STRICT, home)
    result = run([path], Recipe(), home)
    assert counts(result) == (40, 30, 0, 0, 10, 0)
    assert len(rows(home, "quarantine")) == 10


def test_what_a_stopped_day_refused_is_no_part_of_the_next_batch(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run([write(tmp_path / "log_2026-11-20.jsonl", *lines(30, 10))], STRICT, home)
    result = run([write(tmp_path / "log_2026-11-21.jsonl", *lines(5, 1))], STRICT, home)
    sealed = (home.home / "logs" / result["id"] / "quarantine.jsonl").read_text().splitlines()
    assert len(sealed) == 1


def test_the_days_before_it_stay_and_it_does_not_undo_what_was_there(home: Settings, tmp_path: Path) -> None:
    write(tmp_path / "log_2026-11-19.jsonl", *lines(6, 0))
    write(tmp_path / "log_2026-11-20.jsonl", conversation("c1", model="newer"), *lines(0, 50))
    with pytest.raises(Stopped):
        run([tmp_path], STRICT, home)
    assert {m for (m,) in rows(home, "conversations", "model")} == {"model-20261119-1a2b3c4d"}
    assert len(rows(home, "batches")) == 1


def test_a_threshold_does_not_change_how_a_file_is_read(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "log_2026-11-20.jsonl", *lines(5, 1))
    first = run([path], Recipe(), home)
    again = run([path], STRICT, home)
    assert (again["id"], again["stored"], again["unchanged"]) == (first["id"], 0, 5)


def test_no_text_of_a_refused_consent_is_kept_by_a_stopped_day(home: Settings, tmp_path: Path) -> None:
    run([write(tmp_path / "log_2026-11-19.jsonl", conversation("c1", consent=False))], STRICT, home)
    torn = b'{"conversation_id": "c1", "messages": [{"content": "secret'
    with pytest.raises(Stopped):
        run([write(tmp_path / "log_2026-11-20.jsonl", torn, *lines(0, 50))], STRICT, home)
    assert rows(home, "quarantine", "text", conversation_id="c1") == [(None,)]


def test_the_default_stops_a_file_that_is_no_log_and_nothing_smaller_or_better(home: Settings, tmp_path: Path) -> None:
    run([write(tmp_path / "small_2026-11-20.jsonl", *lines(0, 500))], Recipe(), home)
    run([write(tmp_path / "half_2026-11-21.jsonl", *lines(300, 1200))], Recipe(), home)
    with pytest.raises(Stopped):
        run([write(tmp_path / "none_2026-11-22.jsonl", *lines(0, 501))], Recipe(), home)


def test_on_the_command_line_it_is_exit_65_and_one_line(home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "bad_2026-11-20.jsonl", *[b"\x1b[2J garbage"] * 600)
    assert main(["ingest", str(path), "--json"]) == 65
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"equipoise ingest: bad_2026-11-20\.jsonl: 600 of 600 lines .* most often invalid JSON \(600 lines.*\n", err)


def test_a_large_share_of_bad_events_stops_nothing_because_the_conversations_are_good(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "log_2026-11-20.jsonl", *[conversation(f"c{i}", feedback=[event(kind="applause")]) for i in range(20)])
    assert counts(run([path], STRICT, home)) == (20, 20, 0, 0, 0, 20)
