"""A candidate asked in looks: what is settled is asked no further, a kill changes nothing, and the gate judges the stop, not a fixed size."""

import json

import pytest

from pipeline import lineage
from pipeline.__main__ import main
from pipeline.commands import verify
from pipeline.errors import BadRecipe, Permanent
from pipeline.evaluate import run
from pipeline.gate import asking
from pipeline.gate.run import run as gate
from pipeline.recipe import find

HELD = {"Say the word yes": "yes", "Say the word no": "no", "Say the word maybe": "perhaps"}
ITEMS = 120


def table(place, id):
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(place, id) / "items.parquet").to_pylist()


@pytest.fixture
def large(place):
    """The suite `small` with 120 capitals."""
    docs = [
        {"country": f"Land {n}", "choices": [f"A{n}", f"B{n}"], "gold": 0, "answer": f"A{n}", "continent": str(n)} for n in range(ITEMS)
    ]
    (place.config / "suites" / "small" / "capitals.jsonl").write_text("".join(json.dumps(d) + "\n" for d in docs))
    suite = find(place, "suites", "small.yaml")
    suite.write_text(suite.read_text().replace("n: 6", f"n: {ITEMS}").replace("cluster: continent, ", ""))
    return place


@pytest.fixture
def lesson(large, mini):
    def with_(**asking):
        wide = {"margin": 0.2, "pooled_margin": 0.2, "origin_margin": 0.2, "origin_pooled_margin": 0.2, "may_hold": True}
        facts = mini.model_dump(mode="json")
        return type(mini).model_validate(facts | {"evaluation": facts["evaluation"] | asking, "gate": facts["gate"] | wide})

    return with_


def evaluate(model, recipe, place):
    return run.run(model, recipe, place, rule_of=asking.rule)


def test_a_collapse_is_asked_one_batch_and_blocked(lesson, large, double, trained):
    model = trained(HELD)
    double.wrong = {model}
    found = evaluate(model, lesson(looks=4), large)
    sealed = lineage.manifest(large, found["id"])["sampling"]
    assert (sealed["asked"], sealed["planned"], sealed["reach"]) == (30, 120, {"knowledge": 1})
    assert double.asked[model] == 2 * 30 + ITEMS + 3  # two choices each; the shown words and the target are asked whole
    assert double.asked["origin"] == 2 * ITEMS + ITEMS + 3
    judged = gate(found["id"], lesson(looks=4), large)
    row = judged["abilities"]["knowledge"]
    assert judged["verdict"] == row["decision"] == "block"
    assert row["collapsed"]
    assert row["of"] == 120


def test_an_unchanged_candidate_is_settled_early_and_certified(lesson, large, double, trained):
    found = evaluate(trained(HELD), lesson(looks=4), large)
    judged = gate(found["id"], lesson(looks=4), large)
    row = judged["abilities"]["knowledge"]
    assert row["decision"] == "promote"
    assert (row["n"], row["look"]) == (60, 2)  # no flip in 30 items shows 20 points at z 2.7, in 60 at 3.9; the bounds are 3.5 and 2.5
    assert judged["tables"]["champion"] == "promote"
    assert set(judged["abilities"]["knowledge"]) >= {"n", "lost", "gained", "drop", "interval", "p", "adjusted_p", "margin", "decision"}


def test_items_are_the_first_of_the_sealed_order(lesson, large, double, trained):
    found = evaluate(trained(HELD), lesson(looks=4), large)
    drawn = asking.read(lineage.folder(large, found["id"]))
    asked = {r["doc_id"] for r in table(large, found["id"]) if r["benchmark"] == "small_capitals"}
    assert asked == {doc for _, doc in drawn.of("knowledge")[0].order[:60]}
    theirs = {(r["doc_id"], r["doc_hash"], r["prompt_hash"]) for r in table(large, found["references"]["origin"])}
    assert {(r["doc_id"], r["doc_hash"], r["prompt_hash"]) for r in table(large, found["id"])} <= theirs


def test_twice_is_once_and_another_candidate_has_another_order(lesson, large, double, trained):
    first, second = trained(HELD, adapter="a"), trained(HELD, adapter="b")
    found = evaluate(first, lesson(looks=4), large)
    before = dict(double.asked)
    assert evaluate(first, lesson(looks=4), large) == found
    assert dict(double.asked) == before
    other = evaluate(second, lesson(looks=4), large)
    orders = [asking.read(lineage.folder(large, f["id"])).of("knowledge")[0].order for f in (found, other)]
    assert orders[0] != orders[1]


@pytest.mark.parametrize("dies_after", [10, 70, 150])
def test_killed_and_taken_up_again_ends_in_the_same_bytes(lesson, large, double, trained, tmp_path, dies_after):
    model = trained(HELD)
    found = evaluate(model, lesson(looks=4), large)
    folder = lineage.folder(large, found["id"])
    before = [(folder / name).read_bytes() for name in ("items.parquet", "sampling.json", "results.json")]
    (folder / "manifest.json").unlink()
    for page in (large.home / "cache").rglob("*.json"):
        page.unlink()
    double.asked.clear()
    double.dies_after = dies_after
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, lesson(looks=4), large)
    double.dies_after = None
    assert evaluate(model, lesson(looks=4), large) == found
    assert [(folder / name).read_bytes() for name in ("items.parquet", "sampling.json", "results.json")] == before
    assert double.asked[model] == 2 * 60 + ITEMS + 3


def test_promoted_it_is_asked_the_rest_only(lesson, large, double, trained, monkeypatch):
    model = trained(HELD)
    evaluate(model, lesson(looks=4), large)
    double.asked.clear()
    monkeypatch.setattr("pipeline.service.champion", lambda settings: model)
    other = trained(HELD, adapter="b")
    found = evaluate(other, lesson(looks=4), large)
    assert double.asked[model] == 2 * 60
    assert "sampling" not in lineage.manifest(large, found["references"]["champion"])


def test_a_cap_asks_a_random_sample_at_once(lesson, large, double, trained):
    recipe = lesson(items_per_ability=100)
    found = evaluate(trained(HELD), recipe, large)
    judged = gate(found["id"], recipe, large)
    assert judged["abilities"]["knowledge"]["n"] == 100
    assert "look" not in judged["abilities"]["knowledge"]  # looked at once, simply drawn: the fixed test as ever


def test_a_verdict_on_looks_is_worked_out_again(lesson, large, double, trained):
    model = trained(HELD)
    recipe = lesson(looks=4)
    judged = gate(evaluate(model, recipe, large)["id"], recipe, large)
    held = verify.run([judged["id"]], large)["checked"][judged["id"]]["held"]
    assert held[-1] == "its items were asked until the rule laid down for them said stop"


def test_whoever_asks_on_behind_the_stop_is_found_out(lesson, large, double, trained, monkeypatch):
    recipe = lesson(looks=4)
    monkeypatch.setattr("pipeline.gate.stopping.still_open", lambda found, terms, drawn: {"knowledge"})
    judged = gate(evaluate(trained(HELD), recipe, large)["id"], recipe, large)
    monkeypatch.undo()
    with pytest.raises(Permanent, match="knowledge was not asked as far as its rule says"):
        verify.run([judged["id"]], large)


def test_a_draw_that_was_changed_is_refused(lesson, large, double, trained):
    recipe = lesson(looks=4)
    judged = gate(evaluate(trained(HELD), recipe, large)["id"], recipe, large)
    path = lineage.folder(large, judged["scores"]["candidate"]) / "sampling.json"
    facts = json.loads(path.read_text())
    facts["draw"]["reach"] = {"knowledge": 3}
    path.write_text(json.dumps(facts))
    with pytest.raises(Permanent, match=r"sampling\.json is not what was sealed"):
        verify.run([judged["id"]], large)


def test_the_command_hands_the_gates_rule_down(lesson, large, double, trained, monkeypatch, capsys):
    import yaml

    (large.config / "recipes" / "four.yaml").write_text(yaml.safe_dump(lesson(looks=4).model_dump(mode="json") | {"name": "four"}))
    for name, value in {"HOME": large.home, "CONFIG": large.config, "MODEL": large.model, "USER_KEY": "0" * 64}.items():
        monkeypatch.setenv(f"EQUIPOISE_{name}", str(value))
    assert main(["evaluate", trained(HELD), "--recipe", "four", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert lineage.manifest(large, found["id"])["sampling"]["asked"] == 60


def test_without_the_rule_looks_are_refused(lesson, large, double, trained):
    with pytest.raises(BadRecipe, match="need the gate's rule"):
        run.run(trained(HELD), lesson(looks=4), large)


def test_looks_change_no_id_of_what_is_asked_whole(lesson, large, double, trained):
    model = trained(HELD)
    whole = evaluate(model, lesson(), large)
    assert "sampling" not in lineage.manifest(large, whole["id"])
    assert not (lineage.folder(large, whole["id"]) / "sampling.json").exists()


def test_examples_before_an_item_do_not_depend_on_what_was_asked_before_it(lesson, large, double, trained):
    """lm-eval draws examples one item after another: asked in batches, every prompt would be another one than the references'."""
    path = find(large, "suites", "small/capitals.yaml")
    path.write_text(path.read_text().replace("test_split: test", "test_split: test\nfewshot_split: test\nnum_fewshot: 2"))
    found = evaluate(trained(HELD), lesson(looks=4), large)
    mine = {(r["doc_id"], r["prompt_hash"]) for r in table(large, found["id"]) if r["benchmark"] == "small_capitals"}
    theirs = {(r["doc_id"], r["prompt_hash"]) for r in table(large, found["references"]["origin"]) if r["benchmark"] == "small_capitals"}
    assert len({d for d, _ in mine}) == 60
    assert mine < theirs
    prompts = [r["prompt"] for r in table(large, found["id"]) if r["benchmark"] == "small_capitals"]
    assert all(p.count("The capital of") == 3 for p in prompts)
    assert len({p.split("The capital of")[1] for p in prompts}) > 10
