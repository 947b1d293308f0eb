"""`equipoise compare` on lm-eval folders: what is read and what is paired (gate.md, sections 1 and 11)."""

import json
import random

import pytest

from pipeline.__main__ import main
from pipeline.commands.compare import compare
from pipeline.errors import BadInput
from tests.gate.outputs import output, samples, sha, two

LATER = "2026-11-21T08-00-00.000001"


def test_figures_are_those_of_the_paired_items(both):
    a, b = two(30, 10, 500)
    row = both({"gsm": a}, {"gsm": b})["abilities"]["gsm"]
    assert (row["n"], row["lost"], row["gained"]) == (500, 30, 10)
    assert row["p"] == pytest.approx(0.001111, abs=5e-7)
    assert row["decision"] == "block"


def test_the_same_folder_twice_promotes_where_there_are_enough_items(tmp_path, home):
    for n, verdict in ((133, "promote"), (132, "hold")):
        folder = str(output(tmp_path / str(n), {"t": samples([1.0] * n)}))
        found = compare(folder, folder, home)
        assert found["verdict"] == verdict
        assert (found["abilities"]["t"]["lost"], found["abilities"]["t"]["p"]) == (0, 1.0)
        assert "compared with itself" in found["warnings"][0]


def test_model_folder_results_file_and_output_path_are_the_same(tmp_path, home):
    a, b = two(5, 3, 200)
    output(tmp_path / "a", {"t": a})
    output(tmp_path / "b", {"t": b})
    wanted = compare(str(tmp_path / "a"), str(tmp_path / "b"), home)
    inner = tmp_path / "a" / "org__model"
    for where in (inner, next(inner.glob("results_*"))):
        assert compare(str(where), str(tmp_path / "b"), home) == wanted


def test_order_of_rows_changes_nothing(both):
    a, b = two(8, 3, 200)
    wanted = both({"t": a}, {"t": b})
    random.Random(1).shuffle(b)
    assert both({"t": a}, {"t": b}) == wanted


def test_an_added_filter_changes_nothing_and_never_doubles_n(both):
    a, b = two(8, 3, 200, metric="exact_match", filter="flexible-extract")
    wanted = both({"t": a}, {"t": b})["abilities"]
    strict_a, strict_b = two(90, 0, 200, metric="exact_match", filter="strict-match")
    assert both({"t": strict_a + a}, {"t": strict_b + b})["abilities"] == wanted
    assert both({"t": a}, {"t": strict_b + b})["abilities"] == wanted


def test_the_first_metric_listed_decides(both):
    a, b = two(8, 3, 200)
    for line in a + b:
        line["acc_norm"] = 0.0
        line["metrics"] = ["acc", "acc_norm"]
    assert both({"t": a}, {"t": b})["abilities"]["t"]["lost"] == 8

    def norm_first(results):
        results["configs"]["t"]["metric_list"].reverse()

    assert both({"t": a}, {"t": b}, change_a=norm_first, change_b=norm_first)["abilities"]["t"]["lost"] == 0


def test_a_metric_where_lower_is_better_is_turned_round(both):
    a, b = two(8, 3, 200, metric="error")

    def lower(results):
        results["higher_is_better"]["t"]["error"] = False

    row = both({"t": a}, {"t": b}, change_a=lower, change_b=lower)["abilities"]["t"]
    assert (row["lost"], row["gained"]) == (3, 8)


def test_repeated_documents_pair_by_occurrence_in_doc_id_order(both):
    a, b = samples([1, 0, 1, 1]), samples([1, 0, 1, 1])
    for lines in (a, b):
        for twin in (1, 2):
            lines[twin] |= {"doc_hash": sha("twin"), "prompt_hash": sha("twin?")}
    row = both({"t": a}, {"t": b[::-1]})["abilities"]["t"]
    assert (row["n"], row["lost"], row["gained"]) == (4, 0, 0)


def test_several_samples_of_an_item_are_averaged_to_one_value(both):
    a = samples([1.0] * 50)
    row = both({"t": a}, {"t": a + samples([0.0] * 25)})["abilities"]["t"]
    assert (row["n"], row["lost"], row["drop"]) == (50, 25, 0.25)


def test_values_are_read_however_lm_eval_wrote_them(both):
    a = samples([1.0, True, "True", "1.0", [True, True], 0, False])
    b = samples([1, 1, 1, 1, 1, 0, 0])
    row = both({"t": a}, {"t": b})["abilities"]["t"]
    assert (row["n"], row["lost"], row["gained"]) == (7, 0, 0)


@pytest.mark.parametrize("value", ["N/A", None, float("nan"), [0, 1], {"a": 1}, 40.0], ids=str)
def test_what_is_no_share_holds(both, value):
    a, b = two(0, 0, 300)
    b[5]["acc"] = value
    found = both({"t": a}, {"t": b})
    assert found["verdict"] == "hold"
    assert "no number between 0 and 1" in found["reasons"][0]
    json.dumps(found, allow_nan=False)


def test_the_newest_results_and_their_own_samples_are_used(both, tmp_path, home):
    a, b = two(40, 0, 500)
    both({"t": a}, {"t": b})
    output(tmp_path / "b", {"t": a}, date=LATER)
    found = compare(str(tmp_path / "a"), str(tmp_path / "b"), home)
    assert found["verdict"] == "promote"
    assert LATER in found["b"]
    assert "holds 2 results" in found["warnings"][0]


def test_the_newest_of_two_models_is_used_and_said(tmp_path, home):
    output(tmp_path / "a", {"t": samples([1.0] * 200)}, model="first")
    output(tmp_path / "a", {"t": samples([1.0] * 200)}, model="second", date=LATER)
    output(tmp_path / "b", {"t": samples([1.0] * 200)})
    found = compare(str(tmp_path / "a"), str(tmp_path / "b"), home)
    assert "second" in found["a"]
    assert "of 2 models (first, second)" in found["warnings"][0]


@pytest.mark.parametrize("side", ["champion", "candidate"])
def test_a_benchmark_that_one_side_lacks_holds(both, side):
    a, b = two(0, 0, 300)
    found = both({"t": a} | ({"u": a} if side == "candidate" else {}), {"t": b} | ({"u": b} if side == "champion" else {}))
    assert found["verdict"] == "hold"
    assert f"hold: u: u is missing from the results of the {side}" in found["reasons"]
    assert found["unpaired"] == {"only_a": 300 * (side == "candidate"), "only_b": 300 * (side == "champion")}


def test_a_task_of_a_group_that_is_missing_holds_its_group(both):
    a, b = two(0, 0, 300)
    groups = {"maths": ["t", "u"]}
    found = both({"t": a, "u": a}, {"t": b}, groups_a=groups, groups_b=groups)
    assert found["verdict"] == "hold"
    assert found["abilities"]["maths"]["n"] == 300


def test_groups_are_abilities_and_lone_tasks_their_own(both):
    a, _ = two(0, 0, 200)
    groups = {"top": ["top::maths", "lone"], "top::maths": ["t", "u"]}
    tasks = {"t": a, "u": a, "lone": a, "other": a}
    found = both(tasks, tasks, groups_a=groups, groups_b=groups)
    assert {n: row["n"] for n, row in found["abilities"].items()} == {"top": 200, "maths": 400, "other": 200}
    assert found["pooled"]["n"] == 800


@pytest.mark.parametrize(
    "text",
    ["maths: [t, u]\nreading: w\n", '{"maths": ["t", "u"], "reading": ["w"]}', "abilities:\n  maths: {tasks: [t, u]}\n  reading: {tasks: [w]}\n"],
    ids=["yaml", "json", "suite"],
)  # fmt: skip
def test_abilities_may_be_given_in_a_file(both, tmp_path, text):
    a, _ = two(0, 0, 200)
    (tmp_path / "abilities").write_text(text)
    tasks = {"t": a, "u": a, "w": a, "left_out": a}
    found = both(tasks, tasks, options={"abilities_file": str(tmp_path / "abilities")})
    assert {n: row["n"] for n, row in found["abilities"].items()} == {"maths": 400, "reading": 200}


@pytest.mark.parametrize(
    ("text", "words"),
    [("- a\n", "no mapping"), ("a: 3\n", "no mapping"), ("a: [t]\nb: [t]\n", "t stands under two abilities"), ("{}", "names no task"), ("a: !!python/name:os.system", "no mapping")],
    ids=["list", "number", "twice", "empty", "python"],
)  # fmt: skip
def test_a_bad_abilities_file_is_refused_in_words(both, tmp_path, text, words):
    a, b = two(0, 0, 200)
    (tmp_path / "abilities").write_text(text)
    with pytest.raises(BadInput, match=words):
        both({"t": a}, {"t": b}, options={"abilities_file": str(tmp_path / "abilities")})


def test_a_named_ability_that_nobody_measured_holds(both, tmp_path):
    a, b = two(0, 0, 300)
    (tmp_path / "abilities").write_text("maths: [t]\ncode: [humaneval]\n")
    assert both({"t": a}, {"t": b}, options={"abilities_file": str(tmp_path / "abilities")})["verdict"] == "hold"


def test_identical_generations_ask_whether_the_adapter_was_applied(both):
    a, _ = two(0, 0, 300, metric="exact_match")
    assert "was the adapter applied" in both({"t": a}, {"t": a})["warnings"][0]


def test_an_old_lm_eval_without_hashes_pairs_by_what_it_wrote(both):
    a, b = two(8, 3, 200)
    for line in a + b:
        for name in ("doc_hash", "prompt_hash", "target_hash"):
            del line[name]
        line["arguments"] = [[f"question {line['doc_id']}?", " yes"]]
    assert both({"t": a}, {"t": b})["abilities"]["t"]["lost"] == 8


@pytest.mark.parametrize("margin", [0, 1, 2, -0.1])
def test_a_margin_is_a_fraction(both, margin):
    with pytest.raises(BadInput, match="a margin is a fraction"):
        both({"t": samples([1])}, {"t": samples([1])}, options={"margin": margin})


def test_exit_codes_tell_promote_block_hold_and_refusal(tmp_path, home, capsys):
    good, bad = two(60, 0, 500)
    for name, lines in (("good", good), ("bad", bad), ("few", good[:20])):
        output(tmp_path / name, {"t": lines})
    codes = [
        main(["compare", str(tmp_path / a), str(tmp_path / b), "--exit-code"])
        for a, b in (("good", "good"), ("good", "bad"), ("few", "few"), ("good", "few"))
    ]
    assert codes == [0, 3, 4, 65]
    assert main(["compare", str(tmp_path / "good"), str(tmp_path / "bad")]) == 0
    assert "BLOCK" in capsys.readouterr().out


def test_json_is_one_object_with_the_promised_keys(tmp_path, home, capsys):
    a, b = two(3, 2, 200)
    output(tmp_path / "a", {"t": a, "u": a})
    output(tmp_path / "b", {"t": b, "u": b})
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"verdict", "abilities", "pooled", "reasons", "unpaired"} <= set(found)
    assert found["unpaired"] == {"only_a": 0, "only_b": 0}
