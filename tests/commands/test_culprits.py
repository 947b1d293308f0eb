"""Interventions: what comes back without a task, counted by hand, tested exactly and with Holm over the tasks."""

import pytest

from pipeline.causes import told
from pipeline.commands.culprits import Answer, reproduced, without

stats = pytest.importorskip("scipy.stats")


def arm(values: list[int], side: str = "lost") -> dict[str, Answer]:
    return {f"b/{n}": Answer("maths", side, float(v)) for n, v in enumerate(values)}


def test_the_p_value_is_the_binomial_tail_and_holm_pays_for_the_tasks() -> None:
    whole = arm([0] * 12 + [1] * 8)
    guilty = arm([1] * 10 + [0] * 2 + [1] * 7 + [0])  # ten come back, one goes
    idle = arm([0] * 11 + [1] + [1] * 8)
    rows = without(whole, {"idle": idle, "guilty": guilty}, "maths")
    exact = stats.binomtest(10, 11, 0.5, alternative="greater").pvalue
    assert [r["task"] for r in rows] == ["guilty", "idle"]
    assert (rows[0]["back"], rows[0]["gone"], rows[0]["n"]) == (10, 1, 20)
    assert rows[0]["p"] == pytest.approx(exact) and rows[0]["adjusted_p"] == pytest.approx(2 * exact)
    assert rows[1]["adjusted_p"] == pytest.approx(0.5), "the larger p is not multiplied any more"
    assert rows[0]["of_lost"] == pytest.approx(10 / 20), "all twenty are called lost here; ten come back"


def test_only_what_is_beyond_chance_is_told_and_the_words_name_the_evidence() -> None:
    whole = arm([0] * 20)
    rows = without(whole, {"guilty": arm([1] * 15 + [0] * 5), "idle": arm([1] * 2 + [0] * 18)}, "maths")
    caused, mostly = told.evidence("A", rows), told.evidence("B", rows)
    assert [e["task"] for e in caused] == ["guilty"]
    assert caused[0]["sentence"].startswith("caused by guilty: retrained without it, 15 answers are back and 0 gone, of 20 asked")
    assert mostly[0]["sentence"].startswith("mostly from guilty")
    few = without(arm([0] * 40), {"guilty": arm([1] * 15 + [0] * 25)}, "maths")
    assert told.evidence("A", few)[0]["sentence"].startswith("partly caused by"), "what brings back less than half explains a part"


def test_an_intervention_outranks_what_merely_looks_alike() -> None:
    like = {"task": "idle", "view": "asked", "lost": 0.5, "kept": 0.1, "difference": 0.4, "interval": [0.2, 0.6], "p": 0.001}
    caused = without(arm([0] * 20), {"guilty": arm([1] * 15 + [0] * 5)}, "maths")
    found = {"D": told.evidence("D", [like]), "B": told.evidence("B", caused)}
    culprit = told.culprit(found)
    assert culprit and culprit["task"] == "guilty" and culprit["method"] == "B"
    assert told.culprit({"D": [], "C": []}) is None


def test_items_that_hang_together_prove_less() -> None:
    alone, hung = arm([0] * 12), {k: Answer("maths", "lost", 0.0, "one" if n < 6 else "two") for n, k in enumerate(arm([0] * 12))}
    back = {k: Answer("maths", "lost", 1.0) for k in alone}
    assert without(hung, {"t": back}, "maths")[0]["p"] >= without(alone, {"t": back}, "maths")[0]["p"]


def test_what_was_not_asked_of_both_does_not_count() -> None:
    rows = without(arm([0] * 10), {"t": {k: a for k, a in arm([1] * 10).items() if k in ("b/0", "b/1")}}, "maths")
    assert rows[0]["n"] == 2 and without(arm([0]), {"t": {}}, "maths") == []


def test_how_far_the_sum_reproduces_the_loss() -> None:
    assert reproduced(arm([0, 0, 0, 1]) | {"b/9": Answer("maths", "kept", 0.0)}, "maths") == pytest.approx(0.75)
    assert reproduced({}, "maths") is None
