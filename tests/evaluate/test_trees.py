"""A tree of tokens holds each shared beginning once and every choice on a branch of its own; its numbers are lm-eval's own."""

import pytest

from pipeline.evaluate.trees import ROOT, Tree, grow, stems


def test_a_shared_beginning_is_read_once_and_branches_part_where_choices_do():
    #  1 - 2 - 3 - 7      (1 2 3) + (7 8)
    #          3 - 9      (1 2 3) + (9)   : nothing after 3 is read for it
    #      2 - 4 - 7      (1 2 4) + (7 5)
    tree = Tree()
    for pair in [((1, 2, 3), (7, 8)), ((1, 2, 3), (9,)), ((1, 2, 4), (7, 5))]:
        tree.add(pair)
    assert tree.tokens == [1, 2, 3, 7, 4, 7]
    assert tree.parents == [ROOT, 0, 1, 2, 1, 4]
    assert tree.depths == [0, 1, 2, 3, 2, 3]
    assert tree.paths[(1, 2, 3), (7, 8)] == [2, 3]
    assert tree.paths[(1, 2, 3), (9,)] == [2]
    assert tree.paths[(1, 2, 4), (7, 5)] == [4, 5]


def test_all_pairs_are_in_some_tree_and_a_context_is_in_one():
    pairs = [((1, n, n + 1), (c, 5)) for n in range(20) for c in range(3)]
    trees = list(grow(pairs, 12))
    assert len(trees) > 1
    assert sorted(p for t in trees for p in t.paths) == sorted(pairs)
    assert all(len({p[0] for p in t.paths} & {p[0] for p in u.paths}) == 0 for t in trees for u in trees if t is not u)


def test_one_long_context_makes_a_tree_of_its_own():
    assert [len(t) for t in grow([(tuple(range(100)), (1, 2))], 8)] == [101]


@pytest.fixture(scope="module")
def lm(tiny):
    pytest.importorskip("lm_eval")
    from pipeline import weights
    from pipeline.evaluate.scorer import harness

    return harness(weights.base(tiny, weights.dtype("float32", "cpu")).eval(), weights.tokenizer(tiny), 4)


def requests():
    from lm_eval.api.instance import Instance

    passage = "What is the capital of Japan? " * 3
    contexts = ["The weather is", "The weather is fine and", passage + "It is", passage + "Is it", "12 + 30 =", "今天", "x"]
    choices = [" Tokyo", " London is wrong", " y", " The capital of Japan is Tokyo."]
    pairs = [(c, x) for c in contexts for x in choices] + [("", " yes")]
    return [Instance("loglikelihood", {}, pair, 0, ("t", n, 1)) for n, pair in enumerate(pairs)]


def test_log_likelihoods_equal_lm_evals_own(lm):
    """Oracle: stock HFLM, which reads every context once for every choice."""
    asked = requests()
    ours = lm.loglikelihood(asked, disable_tqdm=True)
    trees = lm._loglikelihood_tokens
    assert trees.trusted
    try:
        lm._loglikelihood_tokens = trees.stock
        theirs = lm.loglikelihood(asked, disable_tqdm=True)
    finally:
        lm._loglikelihood_tokens = trees
    assert [g for _, g in ours] == [g for _, g in theirs]
    assert max(abs(a - b) for (a, _), (b, _) in zip(ours, theirs, strict=True)) < 1e-4


def fewshot():
    """Thirty questions behind the same examples, and some behind others."""
    from lm_eval.api.instance import Instance

    shots = "".join(f"What is the capital of land {n}? It is the town {n * n}.\n" for n in range(8))
    questions = [f"What is the capital of land {n} where it is {n % 3} today? It is" for n in range(30)]
    contexts = [shots + q for q in questions] + ["Today " + shots + q for q in questions[:3]]
    pairs = [(c, x) for c in contexts for x in (" Tokyo", " the town", " London is wrong")]
    return [Instance("loglikelihood", {}, pair, 0, ("t", n, 1)) for n, pair in enumerate(pairs)]


def fresh(lm):
    """Trees that have seen nothing yet, with lm-eval's own way behind them."""
    from pipeline.evaluate.scorer import Choices

    choices = Choices(lm)
    choices.stock = lm._loglikelihood_tokens.stock
    return choices


def test_kept_examples_give_lm_evals_own_numbers_from_a_third_of_the_tokens(lm):
    choices, read = fresh(lm), []
    hook = lm.model.register_forward_pre_hook(lambda m, a, k: read.append((a[0] if a else k["input_ids"]).numel()), with_kwargs=True)
    before = lm._loglikelihood_tokens
    try:
        lm._loglikelihood_tokens = choices
        ours = lm.loglikelihood(fewshot(), disable_tqdm=True)
        taken = sum(read)
        read.clear()
        lm._loglikelihood_tokens = choices.stock
        theirs = lm.loglikelihood(fewshot(), disable_tqdm=True)
    finally:
        hook.remove()
        lm._loglikelihood_tokens = before
    assert choices.keeps
    assert taken < sum(read) / 3
    assert [g for _, g in ours] == [g for _, g in theirs]
    assert max(abs(a - b) for (a, _), (b, _) in zip(ours, theirs, strict=True)) < 1e-4


def test_where_a_kept_beginning_disagrees_it_is_read_again_each_time(lm, monkeypatch, capsys):
    choices = fresh(lm)
    monkeypatch.setattr(choices, "kept", lambda some, length: [(-1.0, False)] * len(some))
    asked = [(None, lm.tok_encode(r.args[0]), lm.tok_encode(r.args[1])) for r in fewshot()]
    found, stock = choices(asked), choices.stock(asked, disable_tqdm=True)
    assert choices.trusted
    assert choices.keeps is False
    assert max(abs(a - b) for (a, _), (b, _) in zip(found, stock, strict=True)) < 1e-4


def test_beginnings_are_kept_where_they_are_long_and_serve_more_than_one_tree():
    long, other = tuple(range(100)), tuple(range(200, 300))
    many = [((*long, 1000 + n, 7), (1, 2)) for n in range(30)]
    few = [((*other, 1000, 7), (1, 2)), ((*other, 1001, 7), (1, 2))]
    groups = dict(stems([*many, *few, ((5, 6), (7,))], 64, 120))
    assert groups == {100: sorted(many), 0: sorted([*few, ((5, 6), (7,))])}
    # a context that is itself the beginning keeps one token outside
    assert [n for n, _ in stems([(long, (1, 2)), *(((*long, n), (1, 2)) for n in range(30))], 64, 4)] == [99]
    # one context stands in one tree anyway
    assert [n for n, _ in stems([(long, (k, 2)) for k in range(30)], 64, 4)] == [0]


def test_greedy_is_said_of_what_the_model_would_generate(lm):
    from pipeline.evaluate.scorer import Choices

    context = lm.tok_encode("The weather is")
    text = lm.model.generate(lm.tokenizer("The weather is", return_tensors="pt").input_ids, max_new_tokens=3, do_sample=False)
    said = text[0].tolist()[len(context) :]
    other = [*said[:2], (said[2] + 1) % 400]
    found = Choices(lm).read([(None, context, said), (None, context, other)])
    assert [g for _, g in found] == [True, False]


def test_an_architecture_that_disagrees_is_read_lm_evals_way(lm, monkeypatch, capsys):
    from pipeline.evaluate import scorer

    choices = scorer.Choices(lm)
    monkeypatch.setattr(choices, "read", lambda some: [(-1.0, False)] * len(some))
    asked = [(None, lm.tok_encode("The weather is"), lm.tok_encode(" fine"))]
    assert choices(asked) == choices.stock(asked, disable_tqdm=True)
    assert choices.trusted is False
    assert "read one by one" in capsys.readouterr().err


def test_what_is_longer_than_the_model_goes_lm_evals_way(lm):
    from pipeline.evaluate.scorer import Choices

    choices = Choices(lm)
    choices.longest = 5
    short, long = (None, [3, 4], [5, 6]), (None, [3, 4, 5, 6, 7], [8])
    stock, asked = choices.stock, []
    choices.stock = lambda some, **words: (asked.extend(some), stock(some, **words))[1]
    found = choices([long, short])
    assert long in asked
    for one, other in zip(found, stock([long, short], disable_tqdm=True), strict=True):
        assert (one[0], one[1]) == (pytest.approx(other[0], abs=1e-4), other[1])  # in another batch the last digit is another
