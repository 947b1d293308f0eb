"""The probe reads what transformers and lm-eval read, its rules follow what is written, and its record holds nobody's words."""

import json
from dataclasses import replace

import pytest

from pipeline import beside, chat
from pipeline.commands import probe as command
from pipeline.errors import BadInput
from pipeline.evaluate import badcases, probe, probe_run, run, tokenwise
from pipeline.evaluate.probe_classes import CLASSES, classify
from pipeline.mine import noise
from pipeline.report import probed
from pipeline.spec import Reverse, Task
from tests import tiny as maker

torch = pytest.importorskip("torch")
pytest.importorskip("lm_eval")

PAIRS = [
    ("What is the capital of Japan? It is", " Tokyo"),
    ("12 + 30 =", " 42"),
    ("Wie ist das Wetter heute? Das Wetter ist", " fine today"),
]


@pytest.fixture(scope="module")
def mind(tiny):
    from pipeline import weights

    return tokenwise.Tokenwise(weights.base(tiny, torch.float32).eval(), weights.tokenizer(tiny), batch=2)


def test_a_token_is_as_likely_as_one_plain_pass_says(mind):
    for (prompt, text), path in zip(PAIRS, mind.along(PAIRS), strict=True):
        ids = mind.tokenizer(prompt + text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logp = torch.log_softmax(mind.model(torch.tensor([ids])).logits[0].double(), -1)
        first = len(mind.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        wanted = [logp[at - 1, ids[at]].item() for at in range(first, len(ids))]
        assert [s.logp for s in path] == pytest.approx(wanted, abs=1e-4)
        assert [s.best for s in path] == [int(logp[at - 1].argmax()) for at in range(first, len(ids))]
        assert "".join(text[s.start : s.end] for s in path) == text


def test_an_answer_is_as_likely_as_lm_evals_own_backend_says(mind):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    stock = HFLM(pretrained=mind.model, tokenizer=mind.tokenizer, batch_size=1)
    asked = [Instance("loglikelihood", {}, pair, 0) for pair in PAIRS]
    for (value, greedy), path in zip(stock.loglikelihood(asked, disable_tqdm=True), mind.along(PAIRS), strict=True):
        assert tokenwise.total(path) == pytest.approx(value, abs=1e-3)
        assert all(step.own for step in path) == greedy


def test_what_it_says_next_does_not_depend_on_its_company(mind):
    prompts = [prompt for prompt, _ in PAIRS]
    assert mind.continues(prompts, 6) == [mind.continues([prompt], 6)[0] for prompt in prompts]


def test_the_question_is_found_in_what_the_model_read(tiny):
    template = chat.template(tiny)

    def render(messages):
        return template.text(messages, add_generation_prompt=True)

    turns = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "1"}, {"role": "user", "content": "Two or three?"}]
    for messages in (turns, turns[-1:], [{"role": "system", "content": "Be short."}, *turns]):
        text = render(messages)
        assert [text[a:b] for a, b in badcases.spans(text, render)] == ["Two or three?"]
        opened = text + "The answer is"
        assert [opened[a:b] for a, b in badcases.spans(opened, render)] == ["Two or three?", "The answer is"]
    assert badcases.spans("no template", render) == badcases.spans("no template", None) == [(0, 11)]


def test_every_word_of_a_question_is_left_out_once():
    text = "user: Is rain, e.g. here, wet? 天气好吗"
    cut = probe.pieces(text, [(6, len(text))])
    assert [text[a:b].strip() for a, b in cut] == ["Is", "rain", "e.g", "here", "wet", "天气", "好吗"]
    many = " ".join(f"w{i}" for i in range(100))
    runs = probe.pieces(many, [(0, len(many))])
    assert len(runs) <= probe.MOST_WORDS
    assert "".join(many[a:b] for a, b in runs) == many


def evidence(**changed):
    usual = {
        "side": "wrong",
        "base_right": False,
        "phrasings": {"asked": 4, "right": 0, "base_right": 0},
        "ablation": None,
        "given_taught": 0,
    }
    usual |= {
        "gold_taught": False,
        "rows": [],
        "rows_read": 0,
        "rows_known": None,
        "gold": {"candidate": 0.1, "base": 0.05},
        "given": {"candidate": 0.9},
    }
    return usual | changed


SIGN = {"frees": True, "in_rows": 10, "answered_so": 9}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("pattern over-fit", evidence(ablation=SIGN)),
        ("pattern over-fit", evidence(side="lost", given_taught=3)),
        ("hallucination", evidence(ablation=SIGN | {"answered_so": 7})),  # seven of ten rows: the word is no sign
        ("hallucination", evidence(ablation=SIGN | {"frees": False})),
        ("hallucination", evidence(ablation={"frees": True, "in_rows": 2, "answered_so": 2})),
        ("forgotten", evidence(side="lost")),
        ("forgotten", evidence(base_right=True)),
        ("forgotten", evidence(phrasings={"asked": 4, "right": 0, "base_right": 3})),
        ("under-trained", evidence(gold_taught=True, rows_known=0.2)),
        ("too hard for the size", evidence(gold_taught=True, rows_known=0.9)),
        ("hallucination", evidence(rows_known=0.9)),
        ("base lacks it", evidence(given={"candidate": 0.2})),
    ],
)
def test_the_first_rule_that_matches_names_the_case(name, found):
    told, why = classify(found)
    assert told == name and why


def test_every_class_has_an_advice():
    assert set(CLASSES) == set(probed.ADVICE) and len(CLASSES) == 6


def item(number, value, ability="a", kind="suite", benchmark="b", metric="acc"):
    hashes = {"doc_hash": f"{benchmark}{number}", "prompt_hash": "p", "occurrence": 0, "doc_id": number}
    return {"benchmark": benchmark, "ability": ability, "kind": kind, "metric": metric, "filter": "none", "value": value} | hashes


def test_lost_cases_come_first_abilities_take_turns_and_lengths_are_no_cases():
    names = {"a": "b", "c": "d", "t": "e", "length": "l"}
    kinds = {"t": "target", "length": "check"}
    champion = [item(n, 1.0, a, kinds.get(a, "suite"), b) for a, b in names.items() for n in range(6)]
    candidate = [r | {"value": 0.0 if r["doc_id"] < {"a": 5, "c": 2, "t": 1, "length": 6}[r["ability"]] else 1.0} for r in champion]
    champion += [item(9, 0.0, "t", "target", "e")]
    candidate += [item(9, 0.0, "t", "target", "e")]
    declared = {"length": {"rule": "drift", "tasks": ["l"]}}
    found = badcases.drawn(candidate, champion, declared, 100)
    assert [(side, row["ability"]) for side, _, row in found[:4]] == [("lost", "a"), ("lost", "c"), ("lost", "t"), ("lost", "a")]
    assert [side for side, _, _ in found].count("lost") == 8
    assert [(side, row["doc_id"]) for side, _, row in found if side == "wrong"] == [("wrong", 9)]
    assert badcases.drawn(candidate[::-1], champion, declared, 5) == found[:5]


HELD = {"Say the word yes": "yes", "Say the word no": "no"}


@pytest.fixture
def scored(place, mini, tiny, trained, tmp_path):
    """Scores of a candidate (full weights of another tiny model) beside the origin's."""
    settings = replace(place, model=str(tiny))

    def save(folder):
        (folder / "adapter_config.json").unlink()
        (folder / "adapter_model.safetensors").unlink()
        maker.make(folder, seed=5)

    model = trained(HELD, save=save)
    found = run.run(model, mini, settings)
    return settings, found["id"]


def test_a_probe_is_sealed_goes_on_after_a_kill_and_asks_nobody_twice(scored, monkeypatch):
    settings, id = scored
    whole = probe_run.run(id, settings, 3, noise.variants)
    assert len(whole["cases"]) == 3
    path = settings.home / "probe" / id / "probe.json"
    before = path.read_bytes()
    path.unlink()
    left = sorted((settings.home / "work").rglob("*.json"))
    left[-1].unlink()
    real, done = probe.examine, []

    def killed(case, *rest, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(probe_run, "examine", killed)
    with pytest.raises(KeyboardInterrupt):
        probe_run.run(id, settings, 3, noise.variants)
    monkeypatch.setattr(probe_run, "examine", lambda case, *rest, **more: done.append(case.name) or real(case, *rest, **more))
    assert probe_run.run(id, settings, 3, noise.variants) == whole
    assert (len(done), path.read_bytes()) == (1, before)
    monkeypatch.setattr(probe_run, "_mind", killed)
    assert probe_run.run(id, settings, 3, noise.variants) == whole
    assert beside.sums(settings, id) == {"probe": whole["sum"]}


def test_every_figure_of_a_case_is_there_and_no_word_of_a_held_out_prompt(scored):
    settings, id = scored
    record = probe_run.run(id, settings, 20, noise.variants)
    assert sum(record["classes"].values()) == len(record["cases"])
    assert {case["kind"] for case in record["cases"]} == {"suite", "target"}
    for case in record["cases"]:
        assert case["class"] in CLASSES and case["why"]
        assert 0 <= case["gold"]["candidate"] <= 1 and len(case["gold"]["steps"]) >= 1
        assert case["phrasings"]["asked"] >= 1
    held = json.dumps([case for case in record["cases"] if case["kind"] == "target"], ensure_ascii=False)
    assert not any(f'"{word}' in held for word in ("Say", "word", "yes", "maybe"))
    assert all(case["base_says"] is None for case in record["cases"] if case["kind"] == "target")
    told = command.text(record, settings)  # the words come from the sealed items
    assert "bad cases" in told and "right answer: yes" in told and "a token of the right answer has probability" in told


def test_the_origin_and_measured_rows_are_no_candidate(place, mini, tiny):
    settings = replace(place, model=str(tiny))
    id = run.run("origin", mini, settings)["id"]
    with pytest.raises(BadInput, match="holds no answers of a candidate"):
        probe_run.run(id, settings, 3, noise.variants)


def test_a_question_the_other_way_round_is_asked_where_the_card_says_how(tiny):
    how = Reverse(subject="capital of (?P<subject>[^?]+)", question="What has the capital {answer}?")
    card = Task(name="capitals", system="Be short.", reverse=how)
    case = badcases.Case("b/1", "capitals", "target", "wrong", "", "Lima", "Quito")
    prompt, wanted = probe_run._reversed(card, case, "What is the capital of Peru?", chat.template(tiny))
    assert wanted == "Peru" and "Be short." in prompt and "What has the capital Lima?" in prompt
    assert probe_run._reversed(card, case, "Who are you?", chat.template(tiny)) is None
    assert probe_run._reversed(Task(name="capitals"), case, "What is the capital of Peru?", chat.template(tiny)) is None


@pytest.mark.slow
def test_planted_causes_are_named_by_their_class():
    from evals import probe_planted

    told = probe_planted.diagnose(seed=4, most=12)
    assert all(counts.total() >= 8 for counts in told.values()) and len(told) == 5
    right = sum(counts[cause] for cause, counts in told.items())
    assert right / sum(counts.total() for counts in told.values()) >= 0.8
