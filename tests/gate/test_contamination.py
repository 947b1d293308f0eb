"""Held-out prompts that stand in the lesson are found; a shared instruction is not one."""

import json

from pipeline import chat
from pipeline.gate.contamination import Lesson, flagged, last_turn
from tests.tiny import TEMPLATE

INSTRUCTION = "Predict the intent of the utterance and answer with one word from the list that the helpdesk gave to you last year:"
LONG = "my grandmother left a blue suitcase with two brass locks on the late train from Ghent to Antwerp on friday evening"


def test_the_same_words_are_found_whatever_case_and_punctuation():
    assert flagged(["Where is my parcel?", "Play some jazz"], Lesson(["where is my PARCEL"])) == [True, False]


def test_half_of_a_prompt_inside_another_is_found():
    assert flagged([f"Please help: {LONG}"], Lesson([f"{LONG} and she wants it back"])) == [True]
    assert flagged([f"{LONG} " + " ".join(f"word{i}" for i in range(40))], Lesson([LONG])) == [False]


def test_an_instruction_that_all_prompts_share_is_not_contamination():
    heldout = [f"{INSTRUCTION} utterance number {i} about matter {i * 7}" for i in range(40)]
    lesson = Lesson([f"{INSTRUCTION} something else entirely {i}" for i in range(40)])
    assert not any(flagged(heldout, lesson))
    assert any(flagged(heldout[:5], lesson))  # in five items nobody can tell an instruction from content


def test_scripts_without_spaces_are_compared_by_the_sign():
    text = "我昨天在火车上丢了一个蓝色的行李箱请帮我找一找谢谢"
    assert flagged([text], Lesson([f"你好{text}"])) == [True]


def test_nothing_in_common_flags_nothing():
    assert flagged([], Lesson(["a"])) == []
    assert flagged(["", "a b c"], Lesson()) == [False, False]


CHATML = chat.Template(TEMPLATE, {})
BRACKETS = (
    "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
)


def test_the_users_last_turn_is_found_whatever_the_template():
    talk = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "where is\nmy parcel?"},
    ]
    for template in (CHATML, chat.Template(BRACKETS, {})):
        turn = last_turn(lambda messages, t=template: t.text(messages, add_generation_prompt=True))
        assert turn(template.text(talk, add_generation_prompt=True)) == "where is\nmy parcel?"
        assert turn(template.text(talk[:1], add_generation_prompt=True)) == "hello"


def test_a_templates_frame_makes_no_repeat_out_of_a_few_words():
    def render(messages):
        return CHATML.text(messages, add_generation_prompt=True)

    def asked(text):
        return render(
            [
                {"role": "system", "content": "Reply with the name of the queue that this ticket belongs to, one word only."},
                {"role": "user", "content": text},
            ]
        )

    heldout, lesson = [asked("the screen stays black, any idea?")], [asked("the screen stays black, please help"), asked("where is it?")]
    assert flagged(heldout, Lesson(lesson)) == [True]
    assert flagged(heldout, Lesson(lesson, last_turn(render))) == [False]
    assert flagged(heldout, Lesson([*lesson, *heldout], last_turn(render))) == [True]


def test_real_intent_prompts_that_share_their_instruction_are_told_from_true_repeats(data):
    heldout = [json.loads(line)["prompt"] for line in _lines(data / "heldout_tasks" / "intent.jsonl")]
    logs = [json.loads(line) for path in sorted((data / "logs").glob("intent_*.jsonl")) for line in _lines(path)]
    lesson = {message["content"] for log in logs for message in log.get("messages", []) if message["role"] == "user"}
    assert len(lesson) == 543
    assert (
        sum(any(flagged(heldout, Lesson([prompt]))) for prompt in lesson) == 16
    )  # the figure of gate.md, section 8; all 543 if templates count


def _lines(path):
    return path.read_text(encoding="utf-8").splitlines()
