"""What one evaluation leaves behind: scores of candidate, champion and origin on equal questions, and no question asked twice."""

import json
from datetime import date

import pytest

from pipeline import lineage
from pipeline.errors import BadInput, BadRecipe
from pipeline.evaluate import run
from pipeline.recipe import find

HELD = {"Say the word yes": "yes", "Say the word no": "no", "Say the word maybe": "perhaps"}


def table(place, id):
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(place, id) / "items.parquet").to_pylist()


def test_a_candidate_and_its_references_are_sealed_on_one_evalset(place, mini, double, trained):
    model = trained(HELD)
    double.wrong = {model}
    found = run.run(model, mini, place)
    mine = lineage.require(place, found["id"], "scores")
    assert found["references"]["origin"] == found["references"]["champion"]  # nothing was promoted: the origin is the champion
    theirs = lineage.require(place, found["references"]["origin"], "scores")
    assert (mine["model"], theirs["model"]) == (model, "origin")
    assert mine["evalset"] == theirs["evalset"]
    assert mine["settings"] == theirs["settings"]
    assert mine["weights"] != theirs["weights"]
    assert mine["references"] == found["references"]
    assert found["scores"] == {"small_capitals": 0.0, "small_echo": 0.0, "heldout_intent": 1 / 3}
    assert run.by_benchmark(place, theirs["id"]) == {"small_capitals": 1.0, "small_echo": 1.0, "heldout_intent": 2 / 3}


def test_rows_name_item_prompt_answer_and_value(place, mini, double, trained):
    rows = table(place, run.run(trained(HELD), mini, place)["id"])
    # 6 items x 2 metrics, 6 x 2 filters, 3 held-out
    assert len(rows) == 12 + 12 + 3
    [row] = [r for r in rows if r["metric"] == "acc" and "Peru" in r["prompt"]]
    assert (row["benchmark"], row["ability"], row["kind"], row["value"]) == ("small_capitals", "knowledge", "suite", 1.0)
    assert (row["response"], row["target"], row["cluster"], row["occurrence"]) == ("Lima", "Lima", "P", 0)
    assert row["prompt"].endswith("<|im_start|>assistant\n")
    [held] = [r for r in rows if r["kind"] == "target" and r["response"] == "maybe"]
    assert (held["ability"], held["metric"], held["value"], held["target"], held["cluster"]) == ("intent", "correct", 0.0, "perhaps", "c-2")
    assert {r["kind"] for r in rows if r["benchmark"] == "small_echo"} == {"report"}


def test_the_deciding_metric_and_filter_are_written_down(place, mini, double, trained):
    abilities = lineage.manifest(place, run.run(trained(HELD), mini, place)["id"])["abilities"]
    assert abilities["knowledge"]["decides"] == {"small_capitals": {"metric": "acc", "filter": "none", "higher_is_better": True}}
    assert abilities["echo"]["decides"]["small_echo"]["filter"] == "flexible"
    assert abilities["intent"]["kind"] == "target"


def test_a_second_run_asks_nothing_and_returns_the_same(place, mini, double, trained):
    model = trained(HELD)
    first = run.run(model, mini, place)
    before = dict(double.asked)
    assert run.run(model, mini, place) == first
    assert dict(double.asked) == before


def test_next_day_the_origin_is_asked_only_the_new_prompts(place, mini, double, trained):
    first = trained(HELD)
    run.run(first, mini, place)
    double.asked.clear()
    [pairs] = [p for p in lineage.ancestors(place, first) if p.startswith("pairs")]
    second = trained({"Say the word new": "new"}, day=date(2026, 11, 21), earlier=[pairs], adapter="b")
    found = run.run(second, mini, place)
    assert double.asked == {"origin": 1, second: 12 + 6 + 4}
    assert lineage.manifest(place, found["references"]["origin"])["counts"]["remembered"] == 6 + 6 + 3


def test_no_model_is_given_the_answers_of_another(place, mini, double, trained):
    good, bad = trained(HELD, adapter="good"), trained(HELD, adapter="bad")
    double.wrong = {bad}
    assert run.run(good, mini, place)["scores"]["small_capitals"] == 1.0
    assert run.run(bad, mini, place)["scores"]["small_capitals"] == 0.0


def test_answers_known_from_before_give_the_same_bytes(place, mini, double, trained):
    model = trained(HELD)
    folder = lineage.folder(place, run.run(model, mini, place)["id"])
    before = (folder / "items.parquet").read_bytes()
    (folder / "manifest.json").unlink()
    double.asked.clear()
    run.run(model, mini, place)
    assert not double.asked
    assert (folder / "items.parquet").read_bytes() == before


def test_a_killed_run_is_taken_up_where_it_stood(place, mini, double, trained):
    model = trained(HELD)
    double.dies_after = 6
    with pytest.raises(KeyboardInterrupt):
        run.run(model, mini, place)
    lost = sum(double.asked.values())
    double.dies_after = None
    run.run(model, mini, place)
    # everything is asked exactly once over both runs: 12 choices, 6 words and 3 held-out prompts of two models
    assert lost > 0
    assert sum(double.asked.values()) == 2 * (12 + 6 + 3)


def test_a_torn_page_of_answers_is_asked_again(place, mini, double, trained):
    model = trained(HELD)
    first = run.run(model, mini, place)
    page = sorted((place.home / "cache" / "items").rglob("*.json"))[0]
    page.write_text(page.read_text()[:-20])
    for id in (first["id"], first["references"]["origin"]):
        (lineage.folder(place, id) / "manifest.json").unlink()
    double.asked.clear()
    assert run.run(model, mini, place) == first
    assert 0 < sum(double.asked.values()) < 21
    assert json.loads(page.read_text())["kind"]


def test_an_adapter_that_changes_nothing_is_named(place, mini, double, trained):
    same, other = trained(HELD, adapter="same"), trained(HELD, adapter="other")
    double.wrong = {other}
    assert lineage.manifest(place, run.run(same, mini, place)["id"])["canary"] == "adapter not applied?"
    assert lineage.manifest(place, run.run(other, mini, place)["id"])["canary"] is None


def test_the_origin_can_be_evaluated_alone(place, mini, double):
    found = run.run("origin", mini, place)
    assert found["references"] == {}
    assert found["scores"] == {"small_capitals": 1.0, "small_echo": 1.0}
    assert lineage.manifest(place, found["id"])["parents"] == []


def test_scores_that_hold_mined_prompts_descend_from_their_pairs(place, mini, double, trained):
    model = trained(HELD)
    found = run.run(model, mini, place)
    [pairs] = [p for p in lineage.ancestors(place, model) if p.startswith("pairs")]
    assert {found["id"], found["references"]["origin"]} <= set(lineage.descendants(place, pairs))


def test_other_questions_give_another_id(place, mini, double, trained):
    model = trained(HELD)
    first = run.run(model, mini, place)
    with (place.config / "suites" / "small" / "capitals.jsonl").open("a") as file:
        file.write(
            json.dumps({"country": "Cuba", "choices": ["Havana", "Holguin"], "gold": 0, "answer": "Havana", "continent": "C"}) + "\n"
        )
    suite = find(place, "suites", "small.yaml")
    with pytest.raises(BadRecipe, match=r"ability knowledge declares n: 6 and holds 7 items"):
        run.run(model, mini, place)
    suite.write_text(suite.read_text().replace("n: 6", "n: 7"))
    assert run.run(model, mini, place)["id"] != first["id"]


def test_only_models_are_evaluated(place, mini, double):
    with pytest.raises(BadInput, match="takes a model"):
        run.run("mix-20261120-0123abcd", mini, place)


def test_a_suite_without_held_out_items_needs_no_target(place, mini, double, trained):
    found = run.run(trained({}), mini, place)
    assert set(found["scores"]) == {"small_capitals", "small_echo"}


def test_asking_differently_gives_another_evalset(place, mini, double, trained):
    model = trained(HELD)
    first = run.run(model, mini, place)
    larger = mini.model_copy(update={"evaluation": mini.evaluation.model_copy(update={"batch_size": 4})})
    second = run.run(model, larger, place)
    sets = [lineage.manifest(place, f["id"])["evalset"] for f in (first, second)]
    assert sets[0] != sets[1]
