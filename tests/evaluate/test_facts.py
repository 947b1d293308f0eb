"""Whether a row's fact is known is asked in several ways; what is no fact is not asked, and a planted truth is found again."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.evaluate import facts, rows
from pipeline.evaluate.facts import Fact, others, stated
from pipeline.evaluate.reading import Reader
from pipeline.recipe import Answer, Evaluation, Recipe, Task
from pipeline.settings import Settings
from pipeline.sieve import KNOWN
from tests.mix.rows import DAY, dpo, seal, sft


@pytest.mark.parametrize(
    ("question", "answer", "is_fact"),
    [
        ("What is the capital of Japan?", "Tokyo", True),
        ("Who wrote Hamlet", "William Shakespeare", True),
        ("日本的首都是哪里？", "东京", True),
        ("Name the largest planet.", "Jupiter", True),
        ("Ada lives in London. Where does Ada live?", "London", False),
        ("Is the earth flat?", "No, it is not.", False),
        ("Write a title for my poem about spring.", "Green again", False),
        ("What should I cook tonight?", "You could try a soup with leeks and potatoes, some bread beside it, and fruit.", False),
    ],
)
def test_a_fact_is_a_short_answer_that_the_question_does_not_hold(question: str, answer: str, is_fact: bool) -> None:
    assert (stated(sft("a", answer, question) | {"kind": "sft"}, None) is not None) == is_fact
    pair = dpo("b", answer, "something else", question) | {"kind": "dpo"}
    assert (stated(pair, None) is not None) == is_fact


def test_labels_and_json_are_no_facts() -> None:
    row = sft("a", "Tokyo", "What is the capital of Japan?") | {"kind": "sft"}
    for form in ({"format": "label"}, {"format": "json"}):
        card = Task(name="intent", labels={"Tokyo": ""}, answer=Answer(**form))
        assert stated(row, card) is None


def test_an_answer_is_never_compared_with_one_that_says_the_same() -> None:
    mine = Fact("a", "t", ({"role": "user", "content": "Where is the Louvre?"},), "Paris")
    same = [replace(mine, row=str(n), answer=text) for n, text in enumerate(("in Paris", "the Paris", "Paris, France", "Rome", "Oslo"))]
    found = others(mine, [mine, *same])
    assert len(found) == facts.OTHERS and {"Rome", "Oslo"} <= set(found)
    assert not [a for a in found if "Paris" in a]


class Knower:
    """A reader of a model that knows some answers, shown by a likelihood of its own, in three of four ways of asking; all else is chance."""

    def __init__(self, known: dict[str, str], seed: int):
        self.known, self.seed = known, seed

    def encoded(self, prompt: list[dict], answer: list[dict]) -> tuple:
        return (prompt[-1]["content"],), (answer[0]["content"],)

    def ids(self, text: str) -> tuple:
        return (text.strip(),)

    def losses(self, wanted: list, what: str) -> dict:
        return {e: self.loss(e[0][0], e[1][0]) for e in wanted}

    def loss(self, asked: str, answer: str) -> float:
        chance = random.Random(f"{self.seed}|{asked}|{answer}").gauss(4, 1)
        question = next((q for q in self.known if q in asked), None)
        deaf = asked.startswith("Answer in a few words")
        return chance - 6 * (question is not None and self.known[question] == answer and not deaf)


@pytest.mark.parametrize("seed", range(3))
def test_facts_that_a_model_knows_are_told_from_those_that_it_lacks(seed: int) -> None:
    asked = [
        Fact(str(n), "t", ({"role": "user", "content": f"What is the code of ward {n:03}?"},), f"{n:03}-{n * 7919 % 1000:03}")
        for n in range(200)
    ]
    reader = Knower({f.question: f.answer for f in asked[:100]}, seed)
    knows = facts.known(reader, asked)  # type: ignore[arg-type]
    said = [knows[f.row] >= KNOWN for f in asked]
    assert sum(said[:100]) >= 97, "of a hundred that it knows"
    assert sum(said[100:]) <= 16, "of a hundred that it lacks: 8 pass by luck, and 16 do once in a hundred"


def test_the_figures_are_sealed_for_the_origin_alone(home: Settings, tiny: Path) -> None:
    import pyarrow.parquet as pq

    here = replace(home, model=str(tiny))
    given = [sft("fact", "Tokyo", "What is the capital of Japan?", task="other"), sft("chat", "yes", "Is it?", task="other")]
    pairs = seal(here, DAY, {"sft": given})
    found = rows.run(pairs, Recipe(tasks=[]), here)
    table = {
        (r["example_id"], r["who"]): r["knows"] for r in pq.read_table(here.home / "scores" / found["id"] / "rows.parquet").to_pylist()
    }
    assert found["facts"] == 1 and table["fact", "origin"] in (0, 0.25, 0.5, 0.75, 1)
    assert table["fact", "champion"] is table["chat", "origin"] is table["chat", "champion"] is None


def test_a_killed_measurement_reads_on_where_it_stopped(home: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, small = replace(home, model=str(tiny)), Recipe(tasks=[], evaluation=Evaluation(batch_size=4))
    pairs = seal(here, DAY, {"sft": [sft(f"r{n}", "yes " * (n + 1), f"Question {n} of ten", task="other") for n in range(10)]})
    plain, done = Reader._read, []

    def dies(self: Reader, part: list) -> dict:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(part)
        return plain(self, part)

    monkeypatch.setattr(Reader, "_read", dies)
    with pytest.raises(KeyboardInterrupt):
        rows.run(pairs, small, here)
    asked = []
    monkeypatch.setattr(Reader, "_read", plain)
    scorer = Reader(here, "origin", small.evaluation, here.home / "elsewhere").answerer
    stock = type(scorer).lm.func

    def counting(self: object) -> object:
        lm = stock(self)
        read = lm._loglikelihood_tokens
        lm._loglikelihood_tokens = lambda requests, **k: asked.extend(requests) or read(requests, **k)
        return lm

    monkeypatch.setattr(type(scorer).lm, "func", counting)
    found = rows.run(pairs, small, here)
    assert found["unmeasured"] == 0 and len(asked) == 20 - 12, "twenty answers, with their questions and without; three batches were kept"
    assert not (here.home / "work" / found["id"]).exists()
