"""Every part that the table of ingest names is there, is met, and pays for itself alone."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals import bench_ingest, ingest_parts

NOT_MET = {"line by line"}  # a log of plainly good lines needs no second look


def test_the_parts_of_one_ingest_are_all_met_and_add_up(tmp_path: Path) -> None:
    path = tmp_path / "bench_2026-11-20.jsonl"
    bench_ingest.write(path, 800)
    before = time.process_time()
    spent = ingest_parts.measured(path, tmp_path / "home")
    assert sum(spent.values()) <= time.process_time() - before
    assert {*ingest_parts.PARTS, ingest_parts.REST} - NOT_MET <= set(spent)
    assert all(seconds >= 0 for seconds in spent.values())
    assert len(ingest_parts.table(spent).splitlines()) == len(spent)


def test_a_part_inside_another_is_taken_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, 3.0, 7.0, 8.0])
    monkeypatch.setattr(time, "process_time", lambda: next(now))
    clock = ingest_parts.Clock()
    inner = clock.around("inner", lambda: None)
    clock.around("outer", inner)()
    assert clock.spent == Counter({ingest_parts.REST: 1.0, "outer": 2.0 + 1.0, "inner": 4.0})


def test_a_part_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: dict[str, Any] = {"gone": ("ingest.plain:no_such_function",)}
    monkeypatch.setattr(ingest_parts, "PARTS", parts)
    with pytest.raises(KeyError, match="no_such_function"):
        with ingest_parts.watched(ingest_parts.Clock()):
            pass
