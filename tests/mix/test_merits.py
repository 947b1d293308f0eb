"""Quality decides who stays under a cap, where a recipe asks for it; verdicts only where they were shown to be worth something."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import lineage, merit
from pipeline.__main__ import main
from pipeline.audit import book, cases, quality
from pipeline.audit.book import Verdict
from pipeline.errors import BadInput
from pipeline.mix import merits
from pipeline.mix import run as mix
from pipeline.mix.select import select
from pipeline.recipe import Mixing, Recipe, Task, Training
from pipeline.settings import Settings
from tests.mix.rows import DAY, dpo, kto, pool, seal, sft

GOOD = "Put the lid on the pot, wait ten minutes, and stir the soup once before you serve it."
LOOP = "I would say that it is good. " * 8


def planted(n: int, seed: int = 5, use: float = 2.0) -> tuple[list[list[float]], list[bool], list[str]]:
    """Figures of which the first says, with noise, whether a row is right; the others say nothing."""
    draw = random.Random(seed)
    values = [[draw.gauss(0, 1) for _ in merit.NAMES] for _ in range(n)]
    right = [draw.random() < 1 / (1 + 2.718 ** -(use * v[0])) for v in values]
    return values, right, [f"c{i // 2}" for i in range(n)]


def test_the_fit_is_that_of_scikit_learn() -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    values, right, talks = planted(300)
    found = quality.fitted(values, right, talks)
    x = (np.array(values) - np.mean(values, axis=0)) / np.std(values, axis=0)
    theirs = LogisticRegression(C=1 / quality.RIDGE, tol=1e-10, max_iter=1000).fit(x, right)
    assert list(found["weights"].values()) == pytest.approx(theirs.coef_[0].tolist(), abs=1e-4)
    assert found["bias"] == pytest.approx(float(theirs.intercept_[0]), abs=1e-4)
    ours = [quality.chance(found, dict(zip(merit.NAMES, v, strict=True))) for v in values[:20]]
    assert ours == pytest.approx(theirs.predict_proba(x[:20])[:, 1].tolist(), abs=1e-4)


def test_its_figure_is_that_of_rows_it_was_not_fitted_on() -> None:
    import numpy as np
    from sklearn.metrics import roc_auc_score

    scores = np.array([0.1, 0.4, 0.4, 0.8, 0.9, 0.2])
    truth = np.array([0, 0, 1, 1, 1, 1])
    assert quality.auc(scores, truth)["value"] == pytest.approx(roc_auc_score(truth, scores))
    found = quality.fitted(*planted(400))
    assert found["auc"]["low"] > 0.6 and found["brier"]["value"] < found["brier"]["of_the_rate_alone"]


def test_a_scorer_of_noise_is_not_trusted() -> None:
    trusted = [not quality.trusted(quality.fitted(*planted(220, seed, use=0.0)) | {"version": merit.VERSION}) for seed in range(20)]
    assert sum(trusted) <= 2, "one in forty is let through by luck"


def test_fewer_verdicts_than_needed_fit_nothing(home: Settings) -> None:
    with pytest.raises(BadInput, match=r"0 rows .* needs 200"):
        quality.fit(home)
    assert "audit --fit" in merits.of("verdicts", home).why_not and merits.of("verdicts", home).name == []


def test_verdicts_become_a_scorer_and_an_erased_row_counts_no_more(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    right = {f"r{n}": n % 3 > 0 for n in range(240)}
    rows = [sft(id, GOOD if good else LOOP, f"Question {id}?") for id, good in right.items()]
    pairs = seal(home, DAY, {"sft": rows, "dpo": [dpo("pair")], "kto": [kto("vote", True)]})
    said = [
        Verdict("2026-11-20", "ada", pairs, c.id, c.table, c.rule, c.task, 4, "right" if right[c.row["example_id"]] else "wrong")
        for c in cases.rows(home, lineage.folder(home, pairs))
        if c.table == "sft"
    ]
    book.add(home, [*said, Verdict("2026-11-20", "ada", pairs, "case-gone", "sft", "edit/sft", "intent", 4, "wrong")])
    assert main(["audit", "--fit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["right"], found["usable"]) == (240, 160, True) and found["auc"]["value"] == 1.0
    judged = merits.of("verdicts", home).judged([sft("new good", GOOD, "Question?"), sft("new loop", LOOP, "Question?")])
    assert judged[0]["quality"] > 0.9 and judged[1]["quality"] < 0.1


def test_poor_rows_go_behind_good_ones_and_a_hotfix_stays_first() -> None:
    rows = merits.Merits("rules").judged([sft("loop", LOOP), sft("good", GOOD), sft("fix", LOOP, source="hotfix")])
    card = Task(name="intent", cap=2)
    assert {r["example_id"] for r in select(rows, card)[0]} == {"good", "fix"}
    assert {r["example_id"] for r in select([sft("a", LOOP), sft("b", GOOD)], Task(name="intent", cap=1))[0]} == {"a"}, "by id, unjudged"


def test_a_vote_is_not_judged_by_its_answer() -> None:
    [row] = merits.Merits("rules").judged([kto("v", False, LOOP)])
    assert "quality" not in row


def test_the_lesson_names_what_judged_its_rows(home: Settings, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "config" / "tasks").mkdir(parents=True)
    (tmp_path / "config" / "tasks" / "intent.yaml").write_text("name: intent\ncap: 8\n", encoding="utf-8")
    pool(tmp_path / "config" / "recipes" / "small.jsonl", 20)
    here = replace(home, model=str(tiny), config=tmp_path / "config")
    pairs = seal(here, DAY, {"sft": [sft(f"a{n}", LOOP, f"a {n}") for n in range(8)] + [sft(f"b{n}", GOOD, f"b {n}") for n in range(8)]})
    lesson = Recipe(tasks=["intent"], mixing=Mixing(general="small.jsonl", ratio=1), training=Training(min_rows=1))
    plain = mix.run(pairs, lesson, here)["id"]
    by_rules = lesson.model_copy(update={"mixing": lesson.mixing.model_copy(update={"quality": "rules"})})
    judged = mix.run(pairs, by_rules, here)["id"]
    assert judged != plain and lineage.manifest(here, judged)["quality"]["by"] == "rules"
    assert taught(here, plain) == {f"a{n}" for n in range(8)} and taught(here, judged) == {f"b{n}" for n in range(8)}
    assert mix.run(pairs, by_rules, here)["id"] == judged
    quality.path(here).parent.mkdir(parents=True)
    quality.path(here).write_text(json.dumps(quality.fitted(*planted(220, 1, use=0.0)) | {"version": merit.VERSION, "embeddings": None}))
    by_verdicts = lesson.model_copy(update={"mixing": lesson.mixing.model_copy(update={"quality": "verdicts"})})
    noted = lineage.manifest(here, mix.run(pairs, by_verdicts, here)["id"])["quality"]
    assert noted["by"] == "off" and "does not tell right rows from wrong ones" in noted["why"]


def taught(settings: Settings, id: str) -> set[str]:
    import pyarrow.parquet as pq

    rows = pq.read_table(lineage.folder(settings, id) / "sft.parquet").to_pylist()
    return {r["example_id"] for r in rows if r["task"] == "intent"}


@given(st.lists(st.tuples(st.sampled_from(["boundary", "hard", "easy"]), st.integers(0, 3)), max_size=80), st.integers(1, 40))
def test_quotas_hold_for_measured_rows_as_far_as_there_are_rows(kinds: list[tuple[str, int]], cap: int) -> None:
    shares = {"boundary": 0.3, "hard": 0.3, "easy": 0.4}
    rows = [sft(f"r{n}") | {"difficulty": kind, "hardness": float(hard)} for n, (kind, hard) in enumerate(kinds)]
    kept, dropped = select(rows, Task(name="intent", cap=cap, quotas=shares))
    has = {c: sum(kind == c for kind, _ in kinds) for c in shares}
    got = {c: sum(r["difficulty"] == c for r in kept) for c in shares}
    assert len(kept) == min(cap, len(rows)) and len(kept) + len(dropped) == len(rows)
    for c, share in shares.items():
        others_full = all(got[o] == has[o] for o in shares if o != c)
        assert got[c] <= share * len(kept) + 1 or others_full, "no class beyond its share while another has rows left"
        assert got[c] == has[c] or got[c] >= int(share * len(kept)) - 1, "none below it while it has rows left"
        hardest = sorted((r["hardness"] for r in rows if r["difficulty"] == c), reverse=True)[: got[c]]
        assert sorted((r["hardness"] for r in kept if r["difficulty"] == c), reverse=True) == hardest, "the hardest of its class"
