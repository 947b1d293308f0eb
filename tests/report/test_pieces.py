"""The small functions behind the page: words, places in pictures, warnings, differences. Every expected number can be checked by hand."""

import math

import pytest
from scipy.stats import binomtest

from pipeline.report import charts, items, losses, samples, tables, words
from pipeline.report.facts import failing
from pipeline.report.failures import Known


@pytest.mark.parametrize(
    ("share", "text"), [(0.043, "+4.3"), (-0.043, "−4.3"), (0.0, "0.0"), (-0.0001, "0.0"), (None, "–"), (math.nan, "–"), (1.0, "+100.0")]
)
def test_a_share_is_said_in_points(share, text):
    assert words.points(share, sign=True) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.00001, "< .0001"), (0.0002, ".0002"), (0.81, ".81"), (1.0, "1"), (0.0373, ".0373"), (None, "–")]
)
def test_a_probability_keeps_the_digits_that_matter(p, text):
    assert words.chance(p) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.44, "0.4 s"), (59.94, "59.9 s"), (213, "3 min 33 s"), (7260, "2 h 01 min"), (None, "–")])
def test_a_duration_is_said_as_one_would(seconds, text):
    assert words.lasting(seconds) == text


def test_hidden_characters_are_named_and_plain_ones_stay():
    assert words.visible("a\u202eb") == "a⟨U+202E⟩b"
    assert words.visible("nul\x00") == "nul⟨U+0000⟩"
    assert words.visible("\ud800") == "⟨U+D800⟩"
    plain = "Ünïcödé 北京 عربى हिन्दी 👩‍👩‍👧 tab\tline\n𝔘 — “quotes”"
    assert words.visible(plain) == plain


def test_towers_of_accents_end_at_four():
    assert words.visible("a" + "\u0301" * 9) == "a" + "\u0301" * 4 + "⟨…⟩"


def test_shown_facts_are_json_whatever_came_in():
    found = words.shown({"a\x00": [math.nan, math.inf, 1.5, True, None, ("x",)], "day": __import__("datetime").date(2026, 11, 20)})
    assert found == {"a⟨U+0000⟩": [None, None, 1.5, True, None, ["x"]], "day": "2026-11-20"}


def test_a_cut_says_how_much_is_missing():
    assert words.cut("x" * 10, 4) == "xxxx … [6 more characters]"
    assert words.cut(None) == ""


def test_a_scale_holds_zero_and_puts_values_in_order():
    scale = charts.Scale([0.1, 0.2])
    assert scale.at(0.0) == pytest.approx(100 * 0.012 / 0.224, abs=0.01), "6% of 0.2 is left free on either side"
    assert 0 < scale.at(0.0) < scale.at(0.1) < scale.at(0.2) < 100


@pytest.mark.parametrize("values", [[], [0.0], [-0.6, 0.01], [0.0001], [1.0, -1.0]])
def test_ticks_are_round_few_and_inside(values):
    ticks = charts.Scale(values).ticks()
    assert 1 <= len(ticks) <= 9
    assert any(t["value"] == 0 for t in ticks)
    assert all(0 <= t["at"] <= 100 for t in ticks)


def test_a_row_without_evidence_has_no_place_in_the_picture():
    rows = [{"drop": None, "interval": [-1.0, 1.0], "margin": 0.02}, {"drop": 0.1, "interval": None, "margin": 0.02}]
    assert [r["plot"] for r in charts.forest(rows, charts.Scale([0.1]))] == [None, None]


def test_a_curve_is_drawn_from_left_to_right_with_high_losses_high():
    drawn = charts.line([1, 2, 3], [2.0, 1.0, 0.0], 0.5)
    assert drawn["path"] == "M0.00 2.00L50.00 20.00L100.00 38.00"
    assert (drawn["guide"], drawn["top"]) == (29.0, 2.0)
    assert charts.line([], [], 0.5)["path"] == ""
    assert len(charts.line(list(range(5000)), [1.0] * 5000, 0.5)["path"]) < 10_000


def curve(values, phase="main"):
    return losses.curves([{"step": i, "phase": phase, "task": "t", "loss": x} for i, x in enumerate(values)], [])[0]["warnings"]


def test_a_curve_that_rises_at_the_end_is_warned_of():
    assert "rose again" in curve([2.0, 1.5, 1.0, 0.6, 0.4, 0.4, 0.4, 0.6, 0.9, 1.2])[0]
    assert curve([2.0 - 0.1 * i for i in range(15)]) == []


def test_a_loss_that_is_no_number_is_counted_and_drawn_around():
    assert curve([1.0, math.nan, 0.8, math.inf, 0.7])[0].startswith("2 of 5 losses are not numbers")


def test_preferences_that_stay_at_ln_2_were_not_learnt():
    assert "cannot tell the better answer" in curve([0.693] * 8, "dpo")[0]
    assert curve([0.69 - 0.02 * i for i in range(10)], "dpo") == []


def test_the_trainers_warnings_stand_at_the_first_curve_of_their_task():
    rows = [{"step": i, "phase": p, "task": t, "loss": 1.0} for p in ("main", "key") for t in ("a", "b") for i in range(4)]
    found = losses.curves(rows, ["a: staircase at epoch 2", "ab: not ours"])
    assert [(c["task"], c["phase"], c["warnings"]) for c in found if c["warnings"]] == [("a", "main", ["staircase at epoch 2"])]


def test_a_difference_puts_both_texts_together_again():
    before, after = "the age is 40 years, in London", "the age is 41 years, in Leeds"
    parts = samples.difference(before, after)
    assert "".join(p["text"] for p in parts if p["what"] in ("same", "out")) == before
    assert "".join(p["text"] for p in parts if p["what"] in ("same", "in")) == after
    assert [(p["what"], p["text"]) for p in parts if p["what"] != "same"] == [
        ("out", "40"),
        ("in", "41"),
        ("out", "London"),
        ("in", "Leeds"),
    ]
    assert samples.difference("abc", "xyz uvw") == [], "two different texts are shown, not compared"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ('{"a": 1}', [{"name": "a", "value": "1"}]),
        ("not json", [{"name": "evidence", "value": "not json"}]),
        (None, []),
        ("", []),
        ("[1]", [{"name": "evidence", "value": "[1]"}]),
    ],
)
def test_evidence_is_shown_whatever_shape_it_has(given, shown):
    assert samples.evidence(given) == shown


def item(value, filter="none", metric="acc", doc="d", occurrence=0):
    return {
        "benchmark": "b", "ability": "a", "kind": "suite", "doc_hash": doc, "prompt_hash": "p", "filter": filter, "metric": metric,
        "value": value, "occurrence": occurrence, "response": "", "prompt": "", "target": "",
    }  # fmt: skip


def test_what_the_scores_declare_decides_else_the_first_metric_and_the_flexible_filter():
    rows = [item(1.0, "strict-match"), item(0.0, "flexible-extract"), item(0.0, "flexible-extract", "other")]
    assert items.deciding(rows, {}) == {"b": ("acc", "flexible-extract")}
    declared = {"a": {"decides": {"b": {"metric": "acc", "filter": "strict-match"}, "absent": {"metric": "m", "filter": "f"}}}}
    assert items.deciding(rows, declared) == {"b": ("acc", "strict-match")}


def test_documents_that_repeat_pair_by_occurrence_and_null_is_neither_lost_nor_gained():
    champion = [item(1.0), item(0.0, occurrence=1), item(1.0, doc="n")]
    candidate = [item(0.0), item(1.0, occurrence=1), item(None, doc="n"), item(1.0, doc="only here")]
    found = items.flips(candidate, champion, {"b": ("acc", "none")}, {}, failing(Known()))
    assert [(g["lost"], g["gained"]) for g in found] == [(1, 1)]


def row(decision, drop=0.0, **more):
    return {
        "n": 100,
        "lost": 3,
        "gained": 1,
        "drop": drop,
        "interval": [drop - 0.02, drop + 0.02],
        "margin": 0.05,
        "decision": decision,
    } | more


def verdict(word, rows, **more):
    return {
        "verdict": word,
        "champion": "model-x",
        "abilities": rows,
        "pooled": None,
        "reasons": [f"{word}: because of this."],
        "targets": {},
    } | more


def test_the_headline_says_what_fell_and_where():
    found = tables.headline(
        verdict("block", {"maths": row("block", 0.2), "code": row("block", 0.1)}, origin={"abilities": {"maths": row("block", 0.1)}})
    )
    assert (
        found
        == "A loss of 20.0 points on maths is proved against the champion and the origin (3 items lost, 1 gained, of 100); so is one on code. The champion stays in service."
    )


def test_a_verdict_without_a_fallen_row_gives_its_first_reason():
    assert tables.headline(verdict("hold", {"a": row("promote")})) == "Because of this. A person decides."
    assert tables.headline(verdict("block", {"a": row("promote")})) == "Because of this. The champion stays in service."


def test_a_report_only_row_is_not_what_a_hold_waits_for():
    found = tables.headline(verdict("hold", {"small": row("hold", report_only=True), "maths": row("hold")}))
    assert "maths is not shown" in found and "small" not in found


def test_a_metric_that_is_better_when_lower_is_lost_when_it_rises():
    found = items.flips(
        [item(0.9, metric="error")], [item(0.1, metric="error")], {"b": ("error", "none")}, {"b": ["error"]}, failing(Known())
    )
    assert [(g["lost"], g["gained"]) for g in found] == [(1, 0)]


def test_of_what_never_gates_every_metric_is_shown():
    rows = [
        item(v, metric=m, doc=d) | {"kind": "report", "ability": "writing"}
        for m, v, d in (("words", 80.0, "x"), ("words", 120.0, "y"), ("passed", 1.0, "x"))
    ]
    found = items.scores({"candidate": rows}, items.deciding(rows, {}))
    assert [(s["metric"], s["n"], s["candidate"]) for s in found] == [("words", 2, 100.0), ("passed", 2, 1.0)]


@pytest.mark.parametrize(
    ("lost", "gained", "others", "said"),
    [
        (10, 0, 0, "p .0010"),  # scipy.stats.binomtest(10, 10, alternative="greater")
        (6, 0, 1, "p .0156"),  # below the 2.5% of each of two
        (5, 0, 1, None),  # p .031
        (5, 0, 0, "p .0312"),
        (9, 8, 0, None),
        (0, 0, 0, None),
    ],
)
def test_what_is_never_gated_is_named_where_it_fell_beyond_chance(lost: int, gained: int, others: int, said: str | None) -> None:
    groups = [{"kind": "report", "ability": "writing", "lost": lost, "gained": gained}]
    groups += [{"kind": "suite", "ability": "maths", "lost": 90, "gained": 0}]
    levels = [{"kind": "report", "ability": name, "n": 24} for name in ("writing", "writing", *("kept",) * others)]
    found = items.unguarded(groups, levels)
    assert len(found) == (said is not None)
    if said:
        assert said in found[0].replace("\N{NO-BREAK SPACE}", " ") and f"{lost} answers lost and {gained} gained of 24" in found[0]
        p = binomtest(lost, lost + gained, alternative="greater").pvalue
        assert p <= 0.05 / (1 + others)


def test_a_superior_target_is_proved_better_whatever_was_asked_of_it():
    taught = {"t": {"n": 10, "gained": 9, "lost": 1, "rule": "noninferior", "superior": True, "decision": "promote"}}
    assert "t (+80.0 points) is proved better" in tables.headline(verdict("promote", {"a": row("promote")}, targets=taught))


def test_a_task_that_got_worse_stands_in_the_headline_beside_what_fell():
    worse = {"tickets": {"n": 60, "lost": 50, "gained": 0, "drop": 0.83, "rule": "kept", "superior": False, "decision": "block"}}
    found = tables.headline(verdict("block", {"maths": row("block")}, targets=worse))
    assert "; so is one on the task tickets. The champion stays in service." in found
