"""Held-out prompts that stand in the lesson are found; a shared instruction is not one."""

import json

from pipeline.gate.contamination import flagged

INSTRUCTION = "Predict the intent of the utterance and answer with one word from the list that the helpdesk gave to you last year:"
LONG = "my grandmother left a blue suitcase with two brass locks on the late train from Ghent to Antwerp on friday evening"


def test_the_same_words_are_found_whatever_case_and_punctuation():
    assert flagged(["Where is my parcel?", "Play some jazz"], ["where is my PARCEL"]) == [True, False]


def test_half_of_a_prompt_inside_another_is_found():
    assert flagged([f"Please help: {LONG}"], [f"{LONG} and she wants it back"]) == [True]
    assert flagged([f"{LONG} " + " ".join(f"word{i}" for i in range(40))], [LONG]) == [False]


def test_an_instruction_that_all_prompts_share_is_not_contamination():
    heldout = [f"{INSTRUCTION} utterance number {i} about matter {i * 7}" for i in range(40)]
    lesson = [f"{INSTRUCTION} something else entirely {i}" for i in range(40)]
    assert not any(flagged(heldout, lesson))
    assert any(flagged(heldout[:5], lesson))  # in five items nobody can tell an instruction from content


def test_scripts_without_spaces_are_compared_by_the_sign():
    text = "我昨天在火车上丢了一个蓝色的行李箱请帮我找一找谢谢"
    assert flagged([text], [f"你好{text}"]) == [True]


def test_nothing_in_common_flags_nothing():
    assert flagged([], ["a"]) == []
    assert flagged(["", "a b c"], []) == [False, False]


def test_real_intent_prompts_that_share_their_instruction_are_told_from_true_repeats(data):
    heldout = [json.loads(line)["prompt"] for line in _lines(data / "heldout_tasks" / "intent.jsonl")]
    logs = [json.loads(line) for path in sorted((data / "logs").glob("intent_*.jsonl")) for line in _lines(path)]
    lesson = {message["content"] for log in logs for message in log.get("messages", []) if message["role"] == "user"}
    assert len(lesson) == 543
    assert sum(any(flagged(heldout, [prompt])) for prompt in lesson) == 16  # the figure of gate.md, section 8; all 543 if templates count


def _lines(path):
    return path.read_text(encoding="utf-8").splitlines()
