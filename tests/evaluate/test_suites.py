"""What a suite file may say, and which items it draws."""

import shutil
from dataclasses import replace

import pytest

from pipeline import recipe
from pipeline.errors import BadRecipe
from pipeline.evaluate import lmeval, suites
from pipeline.recipe import Evaluation

pytest.importorskip("lm_eval")


def edit(place, old, new):
    path = place.config / "suites" / "small.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def load(place, name="small", **evaluation):
    with lmeval.quiet():
        return suites.load(place, name, Evaluation(**evaluation))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("include: small", "include: ../../elsewhere", "leads outside"),
        ("include: small", "include: nowhere", "is no folder"),
        ("include: small", "include: small\ndata_dir: nowhere", "data_dir nowhere is no folder"),
        ("small_echo", "small_ghost", "ability echo: lm-eval cannot load small_ghost"),
        ("small_echo", "small_capitals", "small_capitals is in knowledge and in echo"),
        ("kind: report", "metric: bleu", "has no metric bleu; it has exact_match"),
        ("kind: report", "filter: loose", "has no filter loose; it has strict, flexible"),
        ("n: 6", "n: 5", "declares n: 5 and holds 6 items"),
    ],
)
def test_a_suite_that_cannot_be_followed_is_refused_by_name(place, old, new, said):
    edit(place, old, new)
    with pytest.raises(BadRecipe, match=said):
        load(place)


def test_a_drawn_part_is_fixed_by_the_seed_and_not_the_first_items(place):
    edit(place, "n: 6", "n: 3")
    edit(place, "abilities:", "items: 3\nabilities:")
    drawn = [load(place, seed=seed).samples["small_capitals"] for seed in (1, 1, 2, 3, 4)]
    assert drawn[0] == drawn[1]
    assert len({tuple(d) for d in drawn}) > 1
    assert all(d == sorted(set(d)) and len(d) == 3 for d in drawn)


def test_exactly_the_drawn_items_are_asked_and_named(place, mini, double):
    from pipeline.evaluate import run
    from pipeline.lineage import folder, manifest

    edit(place, "n: 6", "n: 2")
    edit(place, "abilities:", "items: 2\nabilities:")
    id = run.run("origin", mini, place)["id"]
    import pyarrow.parquet as pq

    asked = {r["doc_id"] for r in pq.read_table(folder(place, id) / "items.parquet").to_pylist() if r["benchmark"] == "small_capitals"}
    assert sorted(asked) == manifest(place, id)["samples"]["small_capitals"]


@pytest.mark.parametrize("file", ["small.yaml", "small/capitals.yaml", "small/load.py", "small/capitals.jsonl"])
def test_every_file_behind_a_suite_is_in_its_fingerprint(place, file):
    before = recipe.digest(suites.fingerprint(place, "small"))
    with (place.config / "suites" / file).open("a") as out:
        out.write("# changed\n" if not file.endswith("small.yaml") else "num_fewshot: 0\n")
    assert recipe.digest(suites.fingerprint(place, "small")) != before


def test_a_fingerprint_does_not_depend_on_where_the_files_stand(place, tmp_path):
    shutil.copytree(place.config, tmp_path / "other")
    assert suites.fingerprint(place, "small") == suites.fingerprint(replace(place, config=tmp_path / "other"), "small")


def test_the_shipped_suites_can_be_read(home):
    names = sorted(p.stem for p in (recipe.EVALS / "suites").glob("*.yaml"))
    assert "starter" in names
    for name in names:
        assert recipe.suite(home, name)[0].name == name


def test_the_starter_suite_loads_without_a_hub(home):
    found = load(home, "starter")
    assert found.chat
    assert sum(len(t.eval_docs) for t in found.tasks.values()) >= 1000


def test_the_real_items_beside_the_checkout_load_and_are_drawn(home, data):
    found = load(home, "real")
    assert found.samples is not None
    assert {len(s) for s in found.samples.values()} == {200}
    assert max(found.samples["real_mmlu"]) > 1000
