"""Many lines at a time or one by one: the lake holds the same, whatever the lines are."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.run import run
from pipeline.recipe import Ingest, Recipe
from pipeline.settings import Settings
from tests.ingest import nasty
from tests.ingest.test_lines import REFUSED, STORED
from tests.ingest.world import DAY, conversation, event, message, rows

plain = pytest.importorskip("pipeline.ingest.plain", reason="there is one reader only")
ANY = Recipe(ingest=Ingest(max_quarantined_share=1))
TABLES = {
    "conversations": "* exclude (arrived)",
    "messages": "*",
    "feedback": "* exclude (arrived)",
    "quarantine": "* exclude (arrived)",
    "profiles": "* exclude (logs_id)",
}
"""Arrival is compared by the order of an event's states: that is what it decides. A logs id covers the order of lines and may differ."""


def lake_of(home: Settings, path: Path, on: bool, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an ingest answers and leaves, read many lines at a time or not."""
    place = home.home.parent / f"home-{'many' if on else 'one'}"
    one = Settings(**(home.__dict__ | {"home": place, "data": str(place / "lake" / "data")}))
    empty(home, one)
    monkeypatch.setattr(plain, "ON", on)
    result = {name: value for name, value in run([path], ANY, one, day=DAY).items() if name not in ("id", "ids")}
    found: dict[str, Any] = {table: rows(one, table, chosen) for table, chosen in TABLES.items()}
    states = sorted(rows(one, "feedback", "conversation_id", "event_id", "arrived", "digest"), key=lambda row: row[:3])
    found["states"] = [row[:2] + row[3:] for row in states]
    return found | {"result": result}


def empty(home: Settings, one: Settings) -> None:
    """Give a home the empty lake of another: making its tables anew takes longer than the test."""
    assert home.catalogue and one.catalogue
    shutil.copytree(home.home / "lake", one.home / "lake")
    with sqlite3.connect(one.catalogue) as catalogue:
        assert catalogue.execute("update ducklake_metadata set value = ? where key = 'data_path'", (one.data + "/",)).rowcount == 1
    catalogue.close()


def alike(home: Settings, path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    many, one = (lake_of(home, path, on, monkeypatch) for on in (True, False))
    for name, expected in one.items():
        if many[name] != expected and isinstance(expected, list):
            differ = [row for row in many[name] if row not in expected][:2], [row for row in expected if row not in many[name]][:2]
            raise AssertionError(f"{name}: many at a time {differ[0]}, one by one {differ[1]}")
        assert many[name] == expected, name
    return one["result"]


def written(tmp_path: Path, lines: list[bytes]) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


PLAIN = [json.dumps(conversation(f"p{i}", feedback=[event(f"f{i}")])).encode() for i in range(100)]
"""Good lines beside the odd ones, so that the chunk is worth reading many at a time."""


def test_every_odd_line_that_is_known_by_name_comes_out_alike(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = [raw for raw, _ in REFUSED.values()] + list(STORED.values())
    lines = [raw.replace(b'"conversation_id": "c1"', b'"conversation_id": "odd-%d"' % n).replace(b"\n", b" ") for n, raw in enumerate(odd)]
    result = alike(home, written(tmp_path, [line for line in PLAIN + lines if len(line) < 1 << 20]), monkeypatch)
    assert result["stored"] > 100 < result["lines"] - 50


@pytest.mark.parametrize("seed", [11, 12])
def test_nasty_lines_come_out_alike(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    alike(home, written(tmp_path, PLAIN + nasty.lines(400, seed)), monkeypatch)


MANY: dict[str, Any] = {
    "personal data": lambda i: conversation(f"c{i}", messages=[message("m1", None, "user", f"bob{i}@example.com or +49 30 9018{i:02}, again bob{i}@example.com")]),
    "users": lambda i: conversation(f"c{i}", user_id=f"u-{i % 7}" if i % 2 else i % 5),
    "no users, models, times": lambda i: conversation(f"c{i}", user_id=None, model=None, started_at=None, locale=None),
    "times of all zones": lambda i: conversation(f"c{i}", started_at=f"2026-11-{i % 20 + 1:02}T0{i % 10}:00:00{('Z', '+05:30', '-08:00', '', '.123456Z', ',5Z')[i % 6]}"),
    "times out of bounds": lambda i: conversation(f"c{i}", started_at=("1999-12-31T23:59:59Z", "2026-11-22T00:00:01Z", "2026-11-22T00:00:00Z", "2000-01-01T00:00:00Z")[i % 4]),
    "derived ids": lambda i: conversation(f"c{i}", messages=[{"role": "user", "content": f"hello {i % 3}"}, {"role": "assistant", "content": "hi"}]),
    "trees": lambda i: conversation(f"c{i}", messages=[message("a", None, "user", "x"), message("b", "a", "assistant", "y"), message("c", "a", "assistant", "z")]),
    "one id twice": lambda i: conversation(f"c{i // 2}", model=f"m{i}"),
    "consent": lambda i: conversation(f"c{i}", consent=(True, False, None, "yes")[i % 4]),
    "signs": lambda i: conversation(f"c{i}", messages=[message("m", None, "user", f"\u4f60\u597d \U0001f600 \" \\ \t \x7f \u2028 {i}")]),
    "metadata": lambda i: conversation(f"c{i}", metadata={"n": [i, i / 3, -0.0, 1e21, True, None], "b@example.com": "4111 1111 1111 1111", "u": "\u00e9"}),
    "long numbers as ids": lambda i: conversation(10**17 + i),
}  # fmt: skip


@pytest.mark.parametrize("name", MANY)
def test_a_log_of_one_kind_comes_out_alike(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    lines = [json.dumps(MANY[name](i), ensure_ascii=i % 2 == 0).encode() for i in range(120)]
    alike(home, written(tmp_path, lines), monkeypatch)


LOGS = ("intent_2026-11-13", "lamp_edits", "lamp_rankings", "finegrained_rlhf", "hh_rlhf_harmless", "broken_2026-11-12")


@pytest.mark.parametrize("name", LOGS)
def test_a_real_log_comes_out_alike(home: Settings, data: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    alike(home, data / "logs" / f"{name}.jsonl", monkeypatch)


@pytest.mark.slow
def test_ten_thousand_nasty_lines_come_out_alike(home: Settings, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alike(home, written(tmp_path, PLAIN + nasty.lines(10_000, 13, nasty.real(data / "logs"))), monkeypatch)
