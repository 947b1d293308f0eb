"""Grown rows ask what users asked in other ways, leave alone what carries the meaning, are marked, capped, and no test is among them."""

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadRecipe
from pipeline.mine import contexts, decompose, noise
from pipeline.mine.grow import SYNTHETIC
from pipeline.mix.select import select, urgency
from pipeline.recipe import Growth, Mining, Task
from pipeline.settings import Settings
from pipeline.spec import Decomposition
from tests.mine.world import ALL, Row, batch, mine, said, table, take_in, talk, turn

ASKS = [
    "Could you please tell me whether the tram to Blackpool stops near the old market hall tomorrow?",
    "What is the cheapest way of getting to the harbour from the northern station, please?",
    "Would you explain because of which rule people are not allowed to feed the swans?",
    "Please write a short message to my neighbours about the garden party we are going to have.",
]
CARD = Task(name="chat", match={"app": "chat"}, key=False)
GROWN = ALL.model_copy(update={"growth": Growth(share=0.5)})


def corrected(n: int, ask: str, answer: str = "No.", user: str | None = None) -> Row:
    turns = [turn("q", None, "user", ask), turn("a", "q", "assistant", "Yes.")]
    return talk(f"c{n}", *turns, user_id=user or f"user-{n}", feedback=[said("edit", text=answer)])


def grown(talks: list[Row], mining: Mining = GROWN, card: Task = CARD, **more: object) -> list[Row]:
    found = batch(*talks, cards=(card,), mining=mining, **more)  # type: ignore[arg-type]
    return [c.row() | {"messages": [*c.prompt, c.answer]} for c in found.of("sft") if c.source == SYNTHETIC]


def test_every_way_changes_the_asking_and_keeps_numbers_quotes_links_and_the_answers_words() -> None:
    text = 'Could you please book "Chez Léon" for 7 people at https://a.io/x in Blackpool because the weather is lovely?'
    found = noise.variants(text, {"blackpool"}, "seed")
    assert set(found) == {"typos", "casing", "casual", "fragment"}
    for one in found.values():
        assert one != text
        assert '"Chez Léon"' in one and " 7 " in one and "https://a.io/x" in one and "Blackpool" in one
    assert found["fragment"].split()[0] == "book" and len(found["fragment"]) < len(text)
    assert "pls" in found["casual"] and "cuz" in found["casual"]
    assert found == noise.variants(text, {"blackpool"}, "seed") != noise.variants(text, {"blackpool"}, "other seed")


def test_chinese_questions_get_chinese_slips() -> None:
    found = noise.variants("请问在上海明天的天气怎么样？我要做什么准备呢？", {"上海"}, "seed")
    assert set(found) == {"typos", "casing", "casual", "fragment"}
    assert all("上海" in one for one in found.values())
    assert "？" not in found["casing"] and "请问" not in found["fragment"]


@given(st.text(max_size=300), st.sets(st.text(min_size=1, max_size=5)))
def test_any_text_at_all_can_be_asked_to_vary(text: str, keep: set[str]) -> None:
    assert all(one.strip() and one != text for one in noise.variants(text, keep, "s").values())


def test_growth_is_off_until_a_recipe_asks_for_it_and_never_passes_its_share() -> None:
    talks = [corrected(n, ask) for n, ask in enumerate(ASKS)]
    assert grown(talks, ALL) == []
    assert [len(grown(talks, ALL.model_copy(update={"growth": Growth(share=share)}))) for share in (0.25, 0.3, 0.5)] == [1, 1, 2]


def test_a_grown_row_says_what_it_is_and_where_it_comes_from() -> None:
    talks = [corrected(n, ask) for n, ask in enumerate(ASKS)]
    real = {c.example_id: c for c in batch(*talks, cards=(CARD,)).of("sft")}
    rows = grown(talks)
    assert rows
    for row in rows:
        proof = json.loads(row["evidence"])
        origin = real[proof["from"]]
        assert proof["synthetic"] in {"typos", "casing", "casual", "fragment"}
        assert row["source"] == SYNTHETIC and row["example_id"] not in real and row["weight"] == origin.weight / 2
        assert (row["conversation_id"], row["user_hash"]) == (
            origin.talk.conversation_id,
            origin.speaker.user_hash,
        )  # who is forgotten takes it along
        assert row["messages"][-1]["content"] == origin.answer["content"] and row["messages"][0]["content"] != origin.context.question


def test_rows_in_another_order_grow_into_the_same_rows() -> None:
    talks = [corrected(n, ask) for n, ask in enumerate(ASKS)]
    first, second = ({r["example_id"]: r["messages"] for r in grown(order)} for order in (talks, talks[::-1]))
    assert first == second and first


def test_what_a_test_asks_is_not_grown() -> None:
    talks = [corrected(n, ask) for n, ask in enumerate(ASKS)]
    asks = frozenset(contexts.asked(r["messages"][:-1]) for r in grown(talks))
    assert asks
    again = grown(talks, written=asks)
    assert asks.isdisjoint(contexts.asked(r["messages"][:-1]) for r in again)


def test_a_grown_question_is_one_that_its_card_matches_and_keeps_the_tasks_own_wording() -> None:
    card = Task(name="chat", match={"app": "chat", "prompt_regex": "^Name the tone of: "})
    talks = [corrected(n, f"Name the tone of: {ask}") for n, ask in enumerate([*ASKS, "I am so happy that you are here today!"])]
    rows = grown(talks, card=card)
    assert rows and all(r["messages"][0]["content"].startswith("Name the tone of: ") for r in rows)


def test_a_hard_task_is_taught_in_parts() -> None:
    answer = "Intro.\n# Start {part} #\nOne.\n\n## Middle\nTwo.\n# End\nThree."
    how = Decomposition(by="headings")
    (way, turns, outline), *rest = decompose.parts("Write it.", answer, how)
    assert way == "outline" and outline == "1. Start {part}\n2. Middle\n3. End" and turns[0]["content"].startswith("Write it.\n\n")
    assert [part for _, _, part in rest] == ["# Start {part} #\nOne.", "## Middle\nTwo.", "# End\nThree."]
    assert [[m["role"] for m in asked] for _, asked, _ in rest] == [["user", "assistant", "user"]] * 3
    assert rest[1][1][-1]["content"] == "Now write this part: Middle"
    assert (
        next(iter(decompose.parts("Write it.", "1) Chop.\n2) Fry.\n第三步：Eat.", Decomposition(by="steps"))))[2]
        == "1. Chop.\n2. Fry.\n3. Eat."
    )
    assert not list(decompose.parts("Write it.", "```\n# a remark\n# another\n```", how)) and not list(decompose.parts("q", "# One", how))


def test_parts_become_rows_of_a_card_that_says_how() -> None:
    card = Task(name="chat", match={"app": "chat"}, decompose={"by": "headings"})
    talks = [corrected(n, ask, f"# First {n}\nx\n# Second {n}\ny") for n, ask in enumerate(ASKS)]
    rows = grown(talks, ALL.model_copy(update={"growth": Growth(share=0.5, ways=["parts"])}), card)
    assert [len(r["messages"]) for r in rows] == [2, 2] and all("outline" in r["messages"][0]["content"] for r in rows)
    with pytest.raises(ValueError, match="decompose needs"):
        Task(name="x", answer={"format": "json"}, decompose={"by": "steps"})


def test_where_a_cap_bites_real_rows_go_first() -> None:
    talks = [corrected(n, ask) for n, ask in enumerate(ASKS)]
    found = batch(*talks, cards=(CARD,), mining=GROWN)
    rows = [c.row() | {"messages": [*c.prompt, c.answer]} for c in found.of("sft")]
    assert sorted(rows, key=urgency)[-1]["source"] == SYNTHETIC
    kept, _ = select(rows, CARD.model_copy(update={"cap": 4}))
    assert {r["source"] for r in kept} == {"edit"}


def test_the_stage_seals_grown_rows_twice_the_same_beside_a_user_at_the_cap(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "config/tasks").mkdir(parents=True)
    (tmp_path / "config/tasks/chat.yaml").write_text("name: chat\nmatch: {app: chat}\n", encoding="utf-8")
    home = dataclasses.replace(home, config=tmp_path / "config")
    logs = take_in(home, *(corrected(n, ask, user="ann") for n, ask in enumerate(ASKS)))
    mining = GROWN.model_copy(update={"max_rows_per_user_day": 2 * len(ASKS)})  # every edit gives an example and a pair
    found = mine(home, logs, mining, tasks=["chat"])
    assert Counter(r["source"] for r in table(home, found["id"], "sft")) == {"edit": 4, SYNTHETIC: 2}
    assert mine(home, logs, mining, tasks=["chat"])["id"] == found["id"]


def test_a_share_past_half_is_refused_by_name() -> None:
    with pytest.raises((BadRecipe, ValueError), match="share"):
        Growth(share=0.6)
