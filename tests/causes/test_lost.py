"""What fell: items paired as the verdict pairs them, with the control beside them."""

from pipeline.causes.lost import drawn, named, parted


def row(n: int, value: float | None, benchmark: str = "b", metric: str = "acc", **more: object) -> dict:
    return {
        "benchmark": benchmark,
        "ability": "maths",
        "doc_id": n,
        "doc_hash": f"d{n}",
        "prompt_hash": f"p{n}",
        "occurrence": 0,
        "filter": "none",
        "metric": metric,
        "value": value,
        "prompt": f"question {n}",
        "target": "gold",
        "response": f"said {value}",
    } | more


DECLARED = {"maths": {"decides": {"b": {"metric": "acc", "filter": "none", "higher_is_better": True}}}}


def test_items_part_into_lost_kept_and_the_rest() -> None:
    before, after = [row(n, v) for n, v in enumerate((1, 1, 0, 0, 1))], [row(n, v) for n, v in enumerate((0, 1, 0, 1, None))]
    found = parted("maths", "champion", before, after, DECLARED)
    assert [[i.doc_id for i in side] for side in (found.lost, found.kept, found.rest)] == [[0], [1], [2, 3]]
    assert (found.gained, found.n) == (1, 4), "an item without a number is no item"
    assert found.lost[0].before == "said 1" and found.lost[0].response == "said 0"


def test_another_metric_or_ability_or_prompt_is_another_item() -> None:
    before = [row(0, 1), row(0, 1, metric="acc_norm"), row(1, 1, prompt_hash="other"), row(2, 1, benchmark="gone")]
    found = parted("maths", "champion", before, [row(0, 0), row(0, 0, metric="acc_norm"), row(1, 0)], DECLARED)
    assert [i.key for i in found.lost] == ["b/0"]


def test_where_less_is_better_a_rise_is_a_loss() -> None:
    lower = {"maths": {"decides": {"b": {"metric": "acc", "filter": "none", "higher_is_better": False}}}}
    assert len(parted("maths", "champion", [row(0, 0.2)], [row(0, 0.9)], lower).lost) == 1


def test_abilities_that_block_are_named_and_the_champion_first() -> None:
    blocked, fine = {"decision": "block", "drop": 0.2, "p": 0.001}, {"decision": "promote", "drop": 0.0, "p": 1.0}
    verdict = {"abilities": {"a": blocked, "b": fine}, "origin": {"abilities": {"a": blocked, "b": blocked}}}
    assert named(verdict) == {"a": "champion", "b": "origin"}


def test_where_only_all_together_fell_those_that_lean_that_way_are_looked_at() -> None:
    rows = {
        "a": {"decision": "hold", "drop": 0.02, "p": 0.04},
        "b": {"decision": "hold", "drop": 0.03, "p": 0.3},
        "c": {"decision": "hold", "drop": -0.1},
    }
    assert named({"abilities": rows, "pooled": {"decision": "block"}}) == {"a": "champion"}
    assert named({"abilities": rows, "pooled": {"decision": "hold"}}) == {}


def test_a_draw_does_not_depend_on_the_order() -> None:
    items = parted("maths", "champion", [row(n, 1) for n in range(30)], [row(n, 0) for n in range(30)], DECLARED).lost
    assert drawn(items, 5) == drawn(items[::-1], 5) and len(drawn(items, 5)) == 5
