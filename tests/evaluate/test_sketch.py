"""Small gradients and sums of adapters, held against torch's own: the numbers are the same, only cheaper."""

from dataclasses import replace

import pytest

from pipeline import lineage, weights

torch = pytest.importorskip("torch")

TEXTS = [(((5, 9, 17, 4), (30, 31), 1.0),), (((8, 8, 3), (40, 2, 7), 1.0),)]


@pytest.fixture(scope="module")
def model(tiny):
    return weights.base(tiny, torch.float32).eval()


def loss(model, read, said):
    logits = model(torch.tensor([[*read, *said]])).logits[0, len(read) - 1 : -1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(said))


def test_a_sketch_is_the_weights_own_gradient_between_two_projections(model) -> None:
    from pipeline.evaluate.sketch import Sketch

    sketch = Sketch(model)
    found = sketch.gradients(TEXTS)
    into, out, layers = dict(sketch.into), dict(sketch.out), list(sketch.layers)
    model.requires_grad_(True)
    for line, text in zip(found, TEXTS, strict=True):
        model.zero_grad()
        loss(model, *text[0][:2]).backward()
        theirs = torch.cat([(into[n].T @ m.weight.grad.T @ out[n]).flatten() for n, m in layers])
        assert line == pytest.approx(theirs.detach().numpy(), abs=1e-5, rel=1e-3)
    sketch.close()


def test_a_text_beside_a_longer_one_has_the_same_gradient(model) -> None:
    from pipeline.evaluate.sketch import Sketch

    sketch = Sketch(model)
    long = (tuple(range(3, 60)), (5, 6), 1.0)
    assert sketch.gradients([TEXTS[0], (long,)])[0] == pytest.approx(sketch.gradients([TEXTS[0]])[0], abs=1e-6)
    sketch.close()


def test_a_preference_is_one_answer_less_the_other(model) -> None:
    from pipeline.evaluate.sketch import Sketch

    sketch = Sketch(model)
    (read, good, _), (_, bad, _) = TEXTS[0][0], TEXTS[1][0]
    pair = sketch.gradients([((read, good, 1.0), (read, bad, -1.0))])[0]
    alone = sketch.gradients([((read, good, 1.0),), ((read, bad, 1.0),)])
    assert pair == pytest.approx(alone[0] - alone[1], abs=1e-6)
    sketch.close()


@pytest.fixture
def adapters(home, tiny):
    """Two adapters of different rank on the tiny model, sealed as models."""
    from peft import LoraConfig, get_peft_model

    settings = replace(home, model=str(tiny))
    ids = []
    for n, (rank, alpha) in enumerate(((4, 8), (2, 6))):
        torch.manual_seed(n)
        grown = get_peft_model(weights.base(tiny, torch.float32), LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear"))
        for name, parameter in grown.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(parameter, std=0.1)
        id = lineage.name("model", lineage.day_of("mix-20261120-00000000"), n)
        with lineage.making(settings, id, parents=[], recipe={}) as work:
            assert work is not None
            grown.save_pretrained(work.folder / "adapter")
        ids.append(id)
    return settings, ids


def test_adapters_together_are_the_sum_of_their_changes(adapters, tiny) -> None:
    from peft import PeftModel

    settings, ids = adapters
    together, _ = weights.summed(settings, ids, "float32")
    plain = dict(weights.base(tiny, torch.float32).named_parameters())
    merged = [
        dict(
            PeftModel.from_pretrained(weights.base(tiny, torch.float32), lineage.folder(settings, i) / "adapter")
            .merge_and_unload()
            .named_parameters()
        )
        for i in ids
    ]
    by_hand = weights.base(tiny, torch.float32).eval()
    with torch.no_grad():
        for name, parameter in by_hand.named_parameters():
            parameter.copy_(sum(m[name] for m in merged) - plain[name])
        ids_in = torch.tensor([[5, 9, 17, 4, 30]])
        assert torch.allclose(together(ids_in).logits, by_hand(ids_in).logits, atol=1e-4)


def test_one_adapter_and_none_are_what_they_always_were(adapters) -> None:
    settings, ids = adapters
    ids_in = torch.tensor([[5, 9, 17]])
    with torch.no_grad():
        for some, one in ((ids[:1], ids[0]), ([], "origin")):
            assert torch.equal(
                weights.summed(settings, some, "float32")[0](ids_in).logits, weights.load(settings, one, "float32")[0](ids_in).logits
            )
