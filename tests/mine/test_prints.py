"""What varies of a prompt is compared; what a task's prompts share is not."""

import json
import random

import pytest

from pipeline.mine import prints, similar
from pipeline.mine.prints import Prints, Said

INSTRUCTION = "Read the message of the customer below with care and answer with one word from the list that the helpdesk keeps for it:"
VERBS, NOUNS, TIMES = (
    ["lost", "broke", "returned", "bought", "sent"],
    ["case", "lamp", "table", "phone", "chair", "kettle"],
    ["today", "yesterday", "monday"],
)


def asked(*texts: str, task: str = "queue", rest: str = "") -> list[Said]:
    return [Said(task, text, rest, (text,)) for text in texts]


def dropped(found: Prints) -> list[int]:
    pairs = similar.candidates(found.keys)
    near = pairs.where(similar.jaccard(found.own.taken(pairs.later), found.own.taken(pairs.earlier)) >= 0.7)
    return [n for n, first in enumerate(similar.first_kept(near, len(found)).tolist()) if first >= 0]


def tickets(count: int) -> list[str]:
    draw = random.Random(1)
    return [
        f"{INSTRUCTION} I {draw.choice(VERBS)} my {draw.choice(NOUNS)} {draw.randrange(10**6)} {draw.choice(TIMES)}" for _ in range(count)
    ]


def test_a_shared_instruction_makes_no_near_duplicates() -> None:
    texts = tickets(60)
    assert len(dropped(prints.prints(asked(*texts), share=0.5))) == 0
    whole = similar.shingles(texts)
    pairs = similar.candidates(similar.keys(whole))
    assert len(pairs.where(similar.jaccard(whole.taken(pairs.later), whole.taken(pairs.earlier)) >= 0.6)) > 40  # what would go


def test_a_repeat_is_found_under_the_instruction() -> None:
    said = "my grandmother left a blue suitcase with two brass locks on the late train"
    texts = [*tickets(60), f"{INSTRUCTION} {said}", f"{INSTRUCTION} {said} sadly"]
    assert dropped(prints.prints(asked(*texts), share=0.05)) == [61]


def test_two_prompts_alone_are_no_template() -> None:
    found = prints.prints(asked("where is the parcel that I sent to my aunt", "where is the parcel that I sent to my aunt please"), 0.05)
    assert dropped(found) == [1]


def test_a_small_day_learns_the_template_from_earlier_ones() -> None:
    past = prints.prints(asked(*tickets(60)), share=0.05).counts
    two = asked(f"{INSTRUCTION} the kettle leaks on my shoes", f"{INSTRUCTION} nobody answers the phone at noon")
    assert len(prints.prints(two, 0.05).own.hashes) > 2 * len(prints.prints(two, 0.05, past).own.hashes)


def test_each_task_has_its_own_template() -> None:
    found = prints.prints([*asked(*tickets(40)), *asked(tickets(1)[0], task="other")], share=0.5)
    assert found.own.lengths[-1] == found.last.lengths[-1] and found.own.lengths[0] < found.last.lengths[0]


def test_a_prompt_that_is_all_template_is_compared_whole() -> None:
    found = prints.prints(asked(*tickets(40), INSTRUCTION), share=0.5)
    assert found.own.lengths[-1] == found.last.lengths[-1] > 0


def test_what_led_to_a_question_belongs_to_its_prompt() -> None:
    said = prints.said(
        "t",
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Tell me of the old harbour"},
            {"role": "assistant", "content": "It is old."},
            {"role": "user", "content": "And the new one?"},
        ],
    )
    assert (said.last, said.rest) == ("And the new one?", "Tell me of the old harbour\nIt is old.")
    found = prints.prints([said], 0.05)
    assert found.whole.lengths.tolist() == [found.last.lengths[0] + found.rest.lengths[0]]
    assert len(said.asked) == 2 and said.asked[1].startswith(said.asked[0])


def test_short_openings_tell_nothing() -> None:
    chain = prints.chains([Said("t", "", "", ("user:hi", "user:hi\nassistant:hello\nuser:hi")), Said("t", "", "", ("user:我想退货",))])
    assert chain.lengths.tolist() == [1, 1]


def test_chinese_prompts_are_compared_by_the_sign() -> None:
    found = prints.prints(
        asked("我昨天在火车上丢了一个蓝色的行李箱请帮我找一找", "我昨天在火车上丢了一个蓝色的行李箱请帮我找一找吧", "今天天气怎么样"), 0.05
    )
    assert dropped(found) == [1]


def test_fewer_than_a_twentieth_of_the_real_utterances_go(data) -> None:
    logs = [json.loads(line) for path in sorted((data / "logs").glob("intent_*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    texts = sorted({m["content"] for log in logs for m in log.get("messages", []) if m["role"] == "user"})
    assert len(texts) == 543
    whole = similar.shingles(texts)
    pairs = similar.candidates(similar.keys(whole))
    near = pairs.where(similar.jaccard(whole.taken(pairs.later), whole.taken(pairs.earlier)) >= 0.7)
    assert sum(similar.first_kept(near, len(texts)) >= 0) > 80  # with the instruction counted in
    assert len(dropped(prints.prints(asked(*texts, task="intent"), 0.05))) < 0.05 * len(texts)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_order_of_the_prompts_changes_no_print(order: int) -> None:
    texts = tickets(30)
    shuffled = random.Random(order).sample(texts, len(texts))
    a, b = (prints.prints(asked(*t), 0.05) for t in (texts, shuffled))
    assert {t: a.keys[n].tolist() for n, t in enumerate(texts)} == {t: b.keys[n].tolist() for n, t in enumerate(shuffled)}
