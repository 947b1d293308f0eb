"""A log that changes its shape is told of, and one that only has another day is not."""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pipeline import lineage
from pipeline.ingest import changes, drift
from pipeline.ingest.drift import Profile
from pipeline.ingest.run import run
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from tests.ingest.world import conversation, event, ingest, message, rows, write

Line = dict[str, Any]


def profile(lines: list[Line]) -> dict[str, Any]:
    found = Profile()
    for line in lines:
        found.see(line)
    return found.as_json()


def day(n: int = 100, change: Callable[[int, Line], Any] = lambda i, line: None) -> list[Line]:
    lines = [conversation(f"c{i}", metadata={"channel": "web", "tags": ["a"]}, feedback=[event()] if i % 3 else []) for i in range(n)]
    for i, line in enumerate(lines):
        change(i, line)
    return lines


def found(today: list[Line], *past: list[Line]) -> list[tuple[str, str]]:
    return [(c["change"], c["path"]) for c in changes.changes(profile(today), [profile(p) for p in past])]


def gone(_: int, line: Line) -> None:
    del line["metadata"]["channel"]


def half_gone(i: int, line: Line) -> None:
    if i % 2:
        gone(i, line)


def number(i: int, line: Line) -> None:
    line["messages"][1]["created_at"] = 1763596800 if i % 8 == 0 else line["messages"][1]["created_at"]


CHANGES: dict[str, tuple[Callable[[int, Line], Any], list[tuple[str, str]]]] = {
    "nothing": (lambda i, line: None, []),
    "a key vanished": (gone, [("vanished", "metadata.channel")]),
    "all metadata vanished, told once": (lambda i, line: line.pop("metadata"), [("vanished", "metadata")]),
    "a key in half of the lines only": (half_gone, [("rarer", "metadata.channel")]),
    "a new key": (lambda i, line: line.update(plan="pro"), [("new", "plan")]),
    "a new key in a third": (lambda i, line: line.update({} if i % 3 else {"plan": "pro"}), [("new", "plan")]),
    "a new object, told once": (lambda i, line: line["metadata"].update(client={"os": "x"}), [("new", "metadata.client")]),
    "another type": (lambda i, line: line["metadata"].update(channel=7), [("type", "metadata.channel")]),
    "a type in an eighth": (number, [("type", "messages[assistant].created_at")]),
    "an object where a text was": (lambda i, line: line["metadata"].update(channel={"a": 1}), [("type", "metadata.channel")]),
    "null where a text was": (lambda i, line: line.update(locale=None), [("type", "locale")]),
    "the thumbs have no value": (lambda i, line: [e.pop("value") for e in line["feedback"]], [("vanished", "feedback[thumb].value")]),
    "no thumbs at all": (lambda i, line: line.update(feedback=[]), [("vanished", "feedback[thumb]")]),
    "a key once": (lambda i, line: line.update({} if i else {"debug": 1}), []),
    "a key four times": (lambda i, line: line.update({} if i > 3 else {"debug": 1}), []),
    "ids as keys": (lambda i, line: line["metadata"].update({f"item-{i}": 1}), []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_shape_is_told_and_a_rare_key_is_not(name: str) -> None:
    change, expected = CHANGES[name]
    assert found(day(200, change), *[day()] * 3) == expected


def test_a_change_is_told_in_words_with_shares_and_days() -> None:
    said = {c["path"]: c["says"] for c in changes.changes(profile(day(200, lambda i, x: (gone(i, x), number(i, x)))), [profile(day())] * 7)}
    assert said == {
        "metadata.channel": "helpdesk: metadata.channel vanished: in 100% of lines on the 7 days before, in none of 200 today",
        "messages[assistant].created_at": "helpdesk: messages[assistant].created_at was text, is now number in 12% of 200 lines",
    }


def test_few_lines_prove_nothing() -> None:
    assert found(day(49, gone), *[day()] * 3) == []
    assert found(day(200, gone), day(49)) == []
    assert found(day(200, gone), day(25), day(25)) == [("vanished", "metadata.channel")]


def test_an_app_that_was_not_there_before_is_no_change_of_another() -> None:
    other = day(100, lambda i, line: (line.update(app="other"), gone(i, line)))
    assert found(other + day(), day()) == []


def test_a_share_that_moves_from_day_to_day_is_no_change() -> None:
    rng = random.Random(3)

    def some(share: float) -> list[Line]:
        return day(150, lambda i, line: line["metadata"].update({"coupon": "x"} if rng.random() < share else {}))

    past = [profile(some(rng.uniform(0.02, 0.4))) for _ in range(7)]
    alarms = [c["says"] for _ in range(60) for c in changes.changes(profile(some(rng.uniform(0, 0.5))), past)]
    assert alarms == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 300), st.integers(1, 300), st.floats(0, 1))
def test_the_tail_is_the_binomial_one(k: int, n: int, p: float) -> None:
    assert changes.at_most(k, n, p) == pytest.approx(binom.cdf(min(k, n), n, p), rel=1e-6, abs=1e-12)


def test_the_real_days_raise_no_alarm_and_a_real_change_does(data: Path) -> None:
    days = [[json.loads(line) for line in path.open("rb")] for path in sorted((data / "logs").glob("intent_*.jsonl"))]
    assert len(days) == 6
    profiles = [profile(lines) for lines in days]
    for n in range(1, 6):
        assert changes.changes(profiles[n], profiles[:n][::-1]) == []
    changed = copy.deepcopy(days[-1])
    for line in changed:
        line.get("metadata", {}).pop("item", None)
    assert [c["path"] for c in changes.changes(profile(changed), profiles[:5])] == ["metadata.item"]


@pytest.mark.parametrize("name", ["finegrained_rlhf", "hh_rlhf_harmless", "lamp_edits", "lamp_rankings"])
def test_two_halves_of_one_log_do_not_differ(data: Path, name: str) -> None:
    lines = [json.loads(line) for line in (data / "logs" / f"{name}.jsonl").open("rb")]
    first, second = profile(lines[::2]), profile(lines[1::2])
    assert first
    assert changes.changes(first, [second]) + changes.changes(second, [first]) == []


def test_a_long_log_is_sampled_and_still_tells() -> None:
    whole, sampled = Profile(), Profile()
    lines = [json.dumps(line).encode() for line in day(30_000, lambda i, line: gone(i, line) if i > 15_000 else None)]
    sampled.lines(lines[:7_000])
    sampled.lines(lines[7_000:])  # in chunks as in one piece
    whole.lines(lines)
    assert whole.as_json() == sampled.as_json()
    shape = whole.as_json()["helpdesk"]
    assert shape["lines"] == pytest.approx(30_000, rel=0.01)
    assert shape["paths"]["metadata.channel"][""] / shape["lines"] == pytest.approx(0.5, abs=0.03)
    assert [(c["change"], c["path"], c["lines"]) for c in changes.changes(whole.as_json(), [profile(day())])] == [
        ("rarer", "metadata.channel", 155)  # 30,000² / (1,000 + 145 x 200²): so many equal lines would know as much
    ]


def test_parts_of_a_batch_add_up() -> None:
    lines = day(90)
    left, right = Profile(), Profile()
    for i, line in enumerate(lines):
        (left if i < 30 else right).see(line)
    left.merge(right)
    assert left.as_json() == profile(lines)
    assert drift.merged([profile(lines[:45]), profile(lines[45:])])["helpdesk"]["paths"] == profile(lines)["helpdesk"]["paths"]


def test_a_profile_holds_no_value_nothing_personal_and_no_rare_key() -> None:
    lines = day(100, lambda i, line: line["metadata"].update({"secret value": f"v{i}", "bob@example.com": 1, f"u-{i}": 1, "a\x1b[2J": 1}))
    text = json.dumps(profile(lines))
    assert "bob@" not in text and "v7" not in text and "u-7" not in text and "u001b" not in text
    assert "metadata.<EMAIL_1>" in text


def test_a_log_that_makes_up_keys_does_not_grow_its_profile() -> None:
    found = Profile()
    for i in range(300):
        found.see(conversation(f"c{i}", app=f"app{i}", metadata={f"k{i}-{j}": {"x": [{"y": 1}]} for j in range(100)}))
    assert len(found._apps) <= drift.MOST_APPS + 1
    assert max(len(shape.paths) for shape in found._apps.values()) <= drift.MOST_PATHS
    assert len(json.dumps(found.as_json())) < 50_000


def test_any_line_can_be_looked_at() -> None:
    found = Profile()
    found.lines(
        [
            b"",
            b"null",
            b"[1]",
            b'{"messages": [1, null, {"role": 5}], "app": 7}',
            b'{"kind": "thumb"}',
            b"{",
            b'{"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}',
        ]
    )
    assert set(found._apps) == {"-", drift.LATE}


def test_a_line_without_consent_leaves_nothing_in_a_profile_and_neither_does_a_rare_app() -> None:
    assert profile(day(100, lambda i, line: line.update(consent=False))) == {}
    assert set(profile(day(100) + day(4, lambda i, line: line.update(app="rare")))) == {"helpdesk"}


def test_the_ingest_tells_of_drift_in_its_answer_in_its_counts_and_on_stderr(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for n in (17, 18, 19):
        assert (
            ingest(home, *[x | {"conversation_id": f"{n}-{i}"} for i, x in enumerate(day(60))], name=f"log_2026-11-{n}.jsonl")["drift"]
            == []
        )
    result = ingest(home, *[x | {"conversation_id": f"20-{i}"} for i, x in enumerate(day(80, gone))])
    (change,) = result["drift"]
    assert (change["day"], change["path"], change["change"], change["before"], change["now"]) == (
        "2026-11-20",
        "metadata.channel",
        "vanished",
        1,
        0,
    )
    counts = json.loads((lineage.folder(home, result["id"]) / "counts.json").read_text())
    assert counts["drift"] == [{k: v for k, v in change.items() if k != "day"}]
    assert "drift: helpdesk: metadata.channel vanished" in capsys.readouterr().err


def test_lines_that_are_refused_count_too_because_a_changed_type_is_why(home: Settings) -> None:
    ingest(home, *day(60), name="log_2026-11-19.jsonl")
    result = ingest(home, *day(60, lambda i, line: line.update(started_at=1763596800)))
    assert result["quarantined"] == 60
    assert [(c["path"], c["was"], c["type"]) for c in result["drift"]] == [("started_at", ["text"], "number")]


def test_the_profile_is_stored_once_a_batch_and_not_by_a_second_run(home: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "log_2026-11-20.jsonl", *day(60))
    first = run([path], Recipe(), home)
    assert run([path], Recipe(), home)["id"] == first["id"]
    assert [row[0] for row in rows(home, "profiles", "logs_id")] == [first["id"]]


def test_days_are_told_apart_by_date_not_by_the_order_in_which_they_came(home: Settings) -> None:
    later = [message("m1", None, "user", "x")]
    ingest(home, *day(60, gone), name="log_2026-11-25.jsonl")
    assert ingest(home, *day(61), name="log_2026-11-20.jsonl")["drift"] == []
    assert [c["path"] for c in ingest(home, *[x | {"messages": later} for x in day(62)], name="log_2026-11-21.jsonl")["drift"]] == [
        "messages[assistant]"
    ]
