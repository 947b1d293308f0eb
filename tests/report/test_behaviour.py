"""The page shows how the candidate behaves and what its bad cases come from: figures as sealed, words as text."""

import json
import math

import pytest

from pipeline import beside, lineage
from pipeline.gate import checks
from pipeline.gate.comparison import Comparison
from pipeline.gate.pairing import Paired
from pipeline.recipe import Ability
from pipeline.report import behaviour, page, probed, run, words
from pipeline.spec import Checking
from tests.gate.pairs import sides
from tests.report.poison import CORPUS
from tests.report.test_report import made


def rows():
    found = {"are_you_sure": sides(12, 0, 60), "own <b>check</b>": sides(1, 1, 60), "answer_length": ([20.0] * 40, [5.0] * 40)}
    paired = {n: Paired(list(a), list(b), [str(i) for i in range(len(a))]) for n, (a, b) in found.items()}
    declared = {n: Ability(tasks=[n], kind="check", rule="drift" if n == "answer_length" else "worse") for n in [*found, "gone"]}
    return checks.judge(Comparison(paired), declared, Checking(), 1.0)


def test_a_check_that_blocks_stands_in_the_page_with_its_reason_and_its_cost(home):
    _, _, facts, _ = made(home)
    told = page.render(words.shown(facts | {"checks": behaviour.checks([*facts["checks"], *rows()])}))
    assert "Stays with a right answer when asked" in told and "12 of 60 answers became wrong and 0 right" in told
    assert "the answers have become 0.29 times as long" in told
    assert "own &lt;b&gt;check&lt;/b&gt;" in told and "<b>check</b>" not in told
    assert "check gone: it has no items" in told
    assert "may block an unchanged model with probability .0250" in told


def test_the_length_of_an_answer_is_no_item_to_read():
    asked = {"answer_length": {"rule": "drift", "tasks": ["b_length"]}, "flips": {"rule": "worse", "tasks": ["b_flips"]}}
    found = [{"benchmark": "b_length"}, {"benchmark": "b_flips"}, {"benchmark": "other"}]
    assert [r["benchmark"] for r in behaviour.readable(found, asked)] == ["b_flips", "other"]


def case(name, kind="suite", **changed):
    found = {"name": name, "ability": "arithmetic", "kind": kind, "side": "lost", "class": "forgotten", "why": ["the champion answered it"]}
    found |= {"gold": {"candidate": 0.01, "base": 0.5, "steps": [[0, 1, math.log(0.01), math.log(0.5)]]}}
    found |= {"given": {"candidate": 0.9, "base": 0.1, "steps": [[0, 2, math.log(0.9), math.log(0.1)]]}}
    found |= {"first_wrong": {"token": 0, "span": [0, 1], "p": 0.01, "instead": 7, "p_instead": 0.9, "base_had_it": True, "says": None}}
    found |= {"base_right": True, "base_says": None, "fed": {"chars": 1, "right": True}, "reverse": None, "rows_known": None}
    found |= {
        "phrasings": {"asked": 4, "right": 1, "base_right": 4},
        "rows": [{"example_id": "e-1", "task": "t", "asked": 0.5, "answered": 0.1}],
    }
    return found | {"ablation": {"span": [0, 4], "pieces": 5, "gain": 1.5, "frees": False, "in_rows": 0, "answered_so": 0}} | changed


@pytest.fixture
def probed_world(home):
    world, _, facts, _ = made(home)
    name = next(i for g in facts["items"] for i in g["lost_items"])
    items = probed_items(home, world)
    row = next(r for r in items if r["benchmark"] == name["benchmark"] and r["doc_hash"] == name["doc_hash"])
    record = {"asked": {}, "model": world.model, "classes": {"forgotten": 1}, "cases": [case(f"{row['benchmark']}/{row['doc_id']}")]}
    return world, row, record


def probed_items(home, world):
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(home, world.scores["candidate"]) / "items.parquet").to_pylist()


def test_what_was_probed_since_makes_another_page_with_the_words_of_the_items(home, probed_world):
    world, row, record = probed_world
    before = run.run(world.verdict, lesson(world, home), home)["id"]
    beside.write(home, "probe", world.verdict, record)
    after = run.run(world.verdict, lesson(world, home), home)["id"]
    assert before != after
    told = (lineage.folder(home, after) / "index.html").read_text()
    facts = json.loads((lineage.folder(home, after) / "report.json").read_text())
    [found] = facts["probed"]["cases"]
    assert (found["prompt"], found["gold"]) == (row["prompt"], row["target"])
    assert found["word"]["text"] == row["prompt"][:4].strip()
    assert 'id="probed"' in told and "e-1" in told and "asked otherwise: right 1 times of 4" in told
    assert 'id="probed"' not in (lineage.folder(home, before) / "index.html").read_text()


def lesson(world, home):
    from pipeline.recipe import Recipe

    return Recipe.model_validate(lineage.manifest(home, world.verdict)["recipe"])


def test_hostile_words_of_a_case_stay_words(home):
    _, _, facts, _ = made(home)
    items = [{"benchmark": "b", "doc_id": n, "prompt": text, "target": text, "response": text} for n, text in enumerate(CORPUS)]
    cases = [
        case(f"b/{n}", why=[text], base_says=text, rows=[{"example_id": text, "task": text, "asked": 0.5, "answered": 0.1}])
        | {"class": text, "ability": text}
        for n, text in enumerate(CORPUS)
    ]
    record = {"classes": dict.fromkeys(CORPUS, 1), "cases": cases}
    told, plain = (page.render(words.shown(facts | {"probed": probed.of(one, items)})).lower() for one in (record, None))
    assert told.count("<details") == plain.count("<details") + len(CORPUS)
    for tag in ("<script", "<img", "<svg", "<iframe", "<form", "<object", "<base", "<a href", "<embed", "<meta", "<style", "<h1"):
        assert told.count(tag) == plain.count(tag), tag
