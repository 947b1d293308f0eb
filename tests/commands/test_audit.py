"""`equipoise audit`: what is drawn and shown, what is kept of a verdict, how it goes out and in, and what it comes to."""

import csv
import io
import json
import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline import lineage
from pipeline import settings as machine
from pipeline.__main__ import main
from pipeline.audit import agreement, book, cases, draw, exchange
from pipeline.audit.book import Verdict
from pipeline.audit.cases import Case
from pipeline.erase import leftovers
from pipeline.erase.gone import Gone
from pipeline.settings import Settings
from tests.mine import world

Row = dict[str, Any]
KEY = "0" * 64
STEERING = "\x1b[2J[bold]=HYPERLINK"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """Four edits (an SFT row and a pair each; one has its consent withdrawn since), two thumbs, a complaint in a user's next words; and the pairs id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EQUIPOISE_HOME", str(tmp_path_factory.mktemp("audit") / "home"))
        patch.setenv("EQUIPOISE_USER_KEY", KEY)
        settings = machine.load()
    talks = [
        world.talk(f"edit-{n}", feedback=[world.said("edit", text=f"blue number {n} of the seven seas")], user_id=f"u{n}", **_asked(n))
        for n in range(4)
    ]
    talks += [world.talk(f"thumb-{n}", feedback=[world.said("thumb", value="up")], user_id=f"t{n}", **_asked(10 + n)) for n in range(2)]
    turns = [*_turns("Which ocean is largest?"), world.turn("q2", "a", "user", "No, that's wrong. I asked about the largest one.")]
    talks.append(world.talk("heard", *turns, user_id="h"))
    id = str(world.mine(settings, world.take_in(settings, *talks))["id"])
    world.take_in(settings, world.talk("edit-3", consent=False, user_id="u3"))
    return settings, id


@pytest.fixture
def home(house: tuple[Settings, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The house before anybody judged anything."""
    monkeypatch.setenv("EQUIPOISE_HOME", str(house[0].home))
    monkeypatch.setenv("EQUIPOISE_USER_KEY", KEY)
    shutil.rmtree(house[0].home / "audit", ignore_errors=True)
    return house[0]


@pytest.fixture
def pairs(house: tuple[Settings, str]) -> str:
    return house[1]


def _turns(question: str) -> list[Row]:
    return [world.turn("q", None, "user", question), world.turn("a", "q", "assistant", f"green {STEERING}")]


def _asked(n: int) -> Row:
    return {"messages": _turns(f"Which colour has thing number {n}?")}


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> Row:
    assert main(["audit", "--json", *args]) == 0
    return json.loads(capsys.readouterr().out)


def kept(home: Settings) -> list[tuple[str, str]]:
    return [(v.by, v.verdict) for v in book.read(home)]


def case(n: int, rule: str = "edit/sft", task: str = "a") -> Case:
    return Case(f"case-{n:04}", "sft", rule, task, f"c{n}", {})


def word(by: str, n: int, verdict: str, rule: str = "edit/sft", task: str = "a") -> Verdict:
    return Verdict("2026-11-21T00:00:00+00:00", by, "pairs-20261120-00000000", f"case-{n}", "sft", rule, task, 2, verdict)


def test_every_rule_gives_as_many_cases_as_asked_and_the_same_ones_each_time() -> None:
    pool = [case(n, rule) for n, rule in enumerate(["edit/sft"] * 30 + ["edit/dpo"] * 30 + ["choose/dpo"] * 4)]
    drawn = draw.sample(pool, "pairs-x", 10)
    assert Counter(c.rule for c in drawn) == {"edit/sft": 10, "edit/dpo": 10, "choose/dpo": 4}
    assert draw.sample(reversed(pool), "pairs-x", 10) == drawn
    assert draw.sample(pool, "pairs-x", 10, seed=1) != drawn != draw.sample(pool, "pairs-y", 10)


def test_tasks_share_a_rules_cases_as_they_share_the_rule() -> None:
    pool = [case(n, task="big" if n < 60 else "middle" if n < 90 else "small") for n in range(100)]
    assert Counter(c.task for c in draw.sample(pool, "p", 10)) == {"big": 6, "middle": 3, "small": 1}


def test_a_larger_draw_holds_the_smaller_one() -> None:
    pool = [case(n, task="abcabca"[n % 7]) for n in range(80)]
    draws = [{c.id for c in draw.sample(pool, "p", n)} for n in range(1, 81)]
    assert all(a < b for a, b in pairwise(draws))


def test_rows_and_implicit_signals_are_cases_and_withdrawn_consent_is_none(home: Settings, pairs: str) -> None:
    found = Counter(c.rule.rsplit("/", 1)[0] if c.table == "implicit" else c.rule for c in cases.of(home, pairs))
    assert (found["edit/sft"], found["edit/dpo"], found["thumb/kto"]) == (3, 3, 2)
    assert sum(n for rule, n in found.items() if rule.startswith("implicit/")) >= 1
    assert [r for r in world.table(home, pairs, "sft") if r["conversation_id"] == "edit-3"]
    assert not [c for c in cases.of(home, pairs) if c.conversation_id == "edit-3"]


def test_a_case_shows_the_context_the_answer_the_words_and_the_row(
    home: Settings, pairs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, *["s"] * 20)
    assert main(["audit", "--by", "ann"]) == 0
    shown = capsys.readouterr().err
    assert "Which colour has thing number 1?" in shown and "blue number 1 of the seven seas" in shown
    assert "proposed: chosen" in shown and "proposed: rejected" in shown and "good answer" in shown
    assert "No, that's wrong. I asked about the largest one." in shown and "proposed: heard" in shown


def test_strangers_text_steers_no_terminal_and_is_no_markup(
    home: Settings, pairs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, *["s"] * 20)
    main(["audit", "--by", "ann"])
    shown = capsys.readouterr().err
    assert "\x1b" not in shown and "\\x1b[2J[bold]=HYPERLINK" in shown


def test_what_was_judged_is_not_asked_again_and_another_person_is_asked_all(
    home: Settings, pairs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "y", "n the label is another", "q")
    first = asked(capsys, "--by", "ann")
    assert (first["judged"], kept(home)) == (2, [("ann", "right"), ("ann", "wrong")])
    assert book.read(home)[1].note == "the label is another"
    typed(monkeypatch, *["u"] * 50)
    second = asked(capsys, "--by", "ann")
    assert second["judged"] == first["left"] and second["left"] == 0
    typed(monkeypatch, "q")
    assert asked(capsys, "--by", "bob")["left"] == first["drawn"]


def test_a_skipped_case_is_asked_again_and_back_mends_the_last_word(
    home: Settings, pairs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "s", "y", "b", "n", "b", "b", "?", "y", "q")
    asked(capsys, "--by", "ann")
    standing = [v.verdict for v in book.standing(book.read(home))]
    assert kept(home) == [("ann", "right"), ("ann", "wrong"), ("ann", "right")]
    assert standing == ["wrong", "right"]  # the second case mended, the first one judged after all


@pytest.mark.parametrize("key", ["q", "\x04"], ids=["q", "end of input"])
def test_one_key_press_is_one_verdict_on_a_terminal(home: Settings, pairs: str, key: str) -> None:
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "EQUIPOISE_HOME": str(home.home), "EQUIPOISE_USER_KEY": KEY, "TERM": "xterm"}
    command = [sys.executable, "-m", "pipeline", "audit", "--by", "ann"]
    done = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=env, text=True)
    os.close(theirs)
    _screen(ours, b"1 of ")
    for press, then in ((b"\x1b[A", b""), (b"y", b"2 of "), (b"n", b"3 of "), (b"c", b"note: "), (b"hm\n", b"3 of "), (b"u", b"4 of ")):
        os.write(ours, press)
        time.sleep(0.2)  # an arrow key is told from Escape by the time between its bytes
        _screen(ours, then)
    os.write(ours, key.encode())
    assert done.wait(20) == 0 and done.stdout and "1 right, 1 wrong, 1 unsure" in done.stdout.read()
    os.close(ours)
    assert [(v.verdict, v.note) for v in book.read(home)] == [("right", ""), ("wrong", ""), ("unsure", "hm")]


def _screen(device: int, awaited: bytes) -> None:
    """Read the terminal until these words stand on it."""
    seen = b""
    while awaited not in seen:
        assert select.select([device], [], [], 30)[0], f"{awaited!r} does not come; {seen[-500:]!r} did"
        seen += os.read(device, 4096)


def test_a_verdict_says_who_when_what_and_which_version_and_holds_no_text_or_id_of_a_log(
    home: Settings, pairs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, *["y"] * 20)
    asked(capsys, "--by", "ann")
    text = book.path(home).read_text()
    one = json.loads(text.splitlines()[0])
    assert set(one) == {"at", "by", "pairs", "case", "table", "rule", "task", "version", "verdict", "note"}
    assert (one["by"], one["pairs"], one["version"]) == ("ann", pairs, lineage.manifest(home, pairs)["mine_version"])
    ids = {
        r[k]
        for kind in ("sft", "dpo", "kto")
        for r in world.table(home, pairs, kind)
        for k in ("conversation_id", "example_id", "user_hash")
    }
    assert ids and not [id for id in ids if id in text] and "colour" not in text
    assert stat.S_IMODE(book.path(home).stat().st_mode) == 0o600


def test_an_erasure_finds_nothing_in_the_verdicts_but_a_note_that_quotes(
    home: Settings, pairs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = world.table(home, pairs, "sft")
    gone = Gone(home, set())
    gone.texts = {m["content"] for r in rows for m in r["messages"]}
    gone.conversations, gone.users = {r["conversation_id"] for r in rows}, {r["user_hash"] for r in rows}
    typed(monkeypatch, *["y"] * 20)
    asked(capsys, "--by", "ann")
    assert leftovers.find(home, gone, set()) == []
    typed(monkeypatch, f"n it says: {rows[0]['messages'][-1]['content']}")
    asked(capsys, "--by", "bob")
    assert leftovers.find(home, gone, set()) == ["audit/verdicts.jsonl"]


def test_a_line_that_a_kill_left_half_written_is_no_verdict_and_is_replaced(home: Settings) -> None:
    book.add(home, [word("ann", 1, "right")])
    with book.path(home).open("a") as file:
        file.write('{"at": "2026-')
    assert book.add(home, [word("ann", 2, "wrong")]) == 1
    assert [v.case for v in book.read(home)] == ["case-1", "case-2"]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_goes_out_is_judged_elsewhere_and_comes_back_once(
    home: Settings, pairs: str, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"sample.{kind}"
    out = asked(capsys, "--export", str(file), "--by", "ann")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    judge(file, "wrong", "=1+1 is no answer")
    assert asked(capsys, "--import", str(file), "--by", "bob")["new"] == out["cases"] == len(book.read(home))
    assert {(v.by, v.verdict, v.note, v.pairs) for v in book.read(home)} == {("bob", "wrong", "=1+1 is no answer", pairs)}
    before = book.path(home).read_bytes()
    assert asked(capsys, "--import", str(file), "--by", "bob")["new"] == 0
    assert book.path(home).read_bytes() == before


def judge(file: Path, verdict: str, note: str) -> None:
    """What a person with a spreadsheet, or Argilla's export, would leave in the file."""
    if file.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
        with file.open("w", encoding="utf-8", newline="") as out:
            table = csv.DictWriter(out, rows[0])
            table.writeheader()
            table.writerows(r | {"verdict": verdict.title(), "note": exchange.inert(note)} for r in rows)
        return
    records = [json.loads(line) for line in file.read_text().splitlines()]
    answers = {"verdict": [{"value": verdict, "user_id": "7"}], "note": [{"value": note, "user_id": "7"}]}
    file.write_text("".join(json.dumps(r | {"responses": answers}) + "\n" for r in records))


def test_records_have_argillas_keys(home: Settings, pairs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(capsys, "--export", str(tmp_path / "s.jsonl"), "--by", "ann")
    record = json.loads((tmp_path / "s.jsonl").read_text().splitlines()[0])
    assert set(record) == {"id", "fields", "metadata", "suggestions", "responses"}
    assert set(record["fields"]) == {"context", "answer", "said", "proposed"} and all(isinstance(v, str) for v in record["fields"].values())
    assert record["suggestions"]["verdict"].keys() == {"value", "score", "agent"} and record["metadata"]["pairs"] == pairs


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1+1", "|cmd"])
def test_no_cell_of_a_spreadsheet_is_a_formula(cell: str) -> None:
    assert exchange.inert(cell) == f"'{cell}" and exchange.inert("a = 1") == "a = 1"


def test_every_bad_row_is_named_and_nothing_is_imported(
    home: Settings, pairs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = cases.of(home, pairs)[0].id
    rows = [(good, pairs, "right"), (good, pairs, "maybe"), ("case-0", pairs, "wrong"), (good, "pairs-20261120-00000000", "right")]
    file = tmp_path / "bad.csv"
    file.write_text("case,pairs,verdict\n" + "".join(f"{','.join(r)}\n" for r in rows[:2]))
    assert main(["audit", "--import", str(file), "--by", "bob"]) == 65
    assert f"{file}:3: verdict 'maybe' is none of right, wrong, unsure" in capsys.readouterr().err
    file.write_text("case,pairs,verdict\n" + "".join(f"{','.join(r)}\n" for r in [rows[0], *rows[2:], (good, pairs, "wrong")]))
    assert main(["audit", "--import", str(file), "--by", "bob"]) == 65
    said = capsys.readouterr().err
    assert f"{file}:3: 'case-0' is no case of" in said and f"{file}:4: pairs-20261120-00000000 is not sealed" in said
    assert f"{file}:5: {good} is judged right in one row and wrong in this one" in said and "3 bad, nothing was imported" in said
    assert book.read(home) == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--import", "x.csv"], "needs --by WHO"),
        (["--export", "x.xlsx"], "must end in .csv or .jsonl"),
        (["--export", "here.csv"], "exists already"),
        (["--summary", "--export", "x.csv"], "choose one"),
        (["--per-rule", "0"], "at least 1"),
        (["--by", "a\x1bnn"], "plain characters"),
        (["logs-20261120-00000000"], "is of kind logs"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_what_cannot_be_done_is_one_clear_line(
    home: Settings,
    pairs: str,
    args: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.csv").write_text("mine")
    assert main(["audit", *args]) == 65
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1 and Path("here.csv").read_text() == "mine"


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 10), (10, 10), (7, 10), (48, 50), (513, 1000)])
def test_the_interval_is_wilsons(hits: int, n: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    oracle = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert agreement.wilson(hits, n) == pytest.approx((oracle.low, oracle.high), abs=1e-12)
    assert agreement.wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_cohens(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    import random

    draws = random.Random(seed)
    said = [(draws.choice(book.WORDS), draws.choice(book.WORDS)) for _ in range(30)] + [("right", "right")] * 10 * seed
    assert agreement.kappa(said) == pytest.approx(metrics.cohen_kappa_score(*zip(*said, strict=True)), abs=1e-12)
    assert agreement.kappa([("right", "right")] * 5) is None and agreement.kappa([]) is None


def test_a_case_counts_once_and_a_dispute_is_neither_right_nor_wrong() -> None:
    said = [word("ann", 1, "wrong"), word("ann", 1, "right"), word("bob", 1, "unsure"), word("ann", 2, "right"), word("bob", 2, "wrong")]
    said += [word("ann", 3, "wrong"), word("bob", 3, "wrong"), word("bob", 4, "unsure"), word("bob", 5, "right", "thumb/kto")]
    found = agreement.summary(said)
    edit = found["rules"][0]
    assert (edit["n"], edit["right"], edit["wrong"], edit["unsure"], edit["disputed"]) == (4, 1, 1, 1, 1)
    assert edit["precision"] == 0.5 and (edit["low"], edit["high"]) == agreement.wilson(1, 2) and edit["versions"] == [2]
    assert found["agreement"] == [{"a": "ann", "b": "bob", "n": 3, "agree": pytest.approx(1 / 3), "kappa": pytest.approx(1 / 7)}]


def test_the_summary_is_a_table_or_json_and_says_when_there_is_nothing(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--summary"]) == 0
    assert "nobody has judged anything yet" in capsys.readouterr().out
    book.add(home, [word("ann", n, "right" if n else "wrong") for n in range(10)] + [word("bob", 1, "right", task="b")])
    assert main(["audit", "--summary"]) == 0
    table = capsys.readouterr().out
    assert "0.90" in table and "0.60 to 0.98" in table and "ann and bob: 1 cases judged by both" in table
    assert asked(capsys, "--summary", "pairs-20261120-11111111")["cases"] == 0
    assert asked(capsys, "--summary")["rules"][0]["precision"] == 0.9
