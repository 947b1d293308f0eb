"""The filters of a recipe: what they take is listed with its reason, what they cannot tell passes, and without them nothing is taken."""

from itertools import pairwise
from typing import Any

import pytest

from pipeline.errors import Permanent
from pipeline.meaning import Table
from pipeline.mine import means, offence, spoken, tongues
from pipeline.mine.semantic import Meanings
from pipeline.mine.sieve import Sieve
from pipeline.recipe import Mining, Task
from tests.mine.world import ALL, LABELS, Row, batch, mine, reasons, rows, said, take_in, talk, turn

SAME = ["film movie picture", "show list", "near close", "city town", "red crimson", "fast quick"]
"""Words that mean the same."""
ALONE = "a the in to of my is not colour which what play book table for two three 2 3 sky sea answer gently slowly"
CHAT = Task(name="chat", match={"app": "chat"})


@pytest.fixture(scope="module")
def table() -> Table:
    """A table of embeddings made by hand: words of one group share their vector, all others are at right angles."""
    import numpy as np
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    groups = [g.split() for g in SAME] + [[w] for w in ALONE.split()]
    words = {w: n for n, w in enumerate(["[UNK]", *(w for g in groups for w in g)])}
    vectors = np.zeros((len(words), len(groups) + 1), np.float32)
    for n, group in enumerate(groups):
        vectors[[words[w] for w in group], n] = 1.0
    made = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    return Table(vectors, made, "by hand")


def one(id: str, question: str, answer: str, app: str = "chat", user: str | None = None) -> Row:
    turns = [turn("q", None, "user", question), turn("a", "q", "assistant", "green")]
    return talk(id, *turns, user_id=user or f"u-{id}", app=app, feedback=[said("edit", text=answer)])


def sifted(table: Table | None, *talks: Row, least: float = 0.9, mining: Mining = ALL) -> Any:
    wanted = mining.model_copy(update={"semantic_duplicate": least})
    return batch(*talks, cards=(LABELS, CHAT), mining=wanted, sieve=Sieve(wanted, Meanings(least, table)))


def test_of_two_prompts_that_say_the_same_the_first_is_kept_and_named(table: Table) -> None:
    found = sifted(table, one("c1", "show film in my city", "red", "labels"), one("c2", "list movie in my town", "red", "labels"))
    assert [r["conversation_id"] for r in rows(found, "sft")] == ["c1"]
    assert reasons(found) == {"semantic_duplicate": 2}, "the SFT row and the pair"
    kept = {c.example_id for c in found.kept}
    assert {d.like for d in found.dropped} == kept


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("show film in my city", "red"), ("list movie in my town", "blue")),
        (("book table for two", "red"), ("book table of three", "red")),
        (("book table 2", "red"), ("book table 3", "red")),
        (("the sky is red", "red"), ("the sky is not red", "red")),
        (("今天的天气怎么样", "red"), ("今天天气好不好呢", "red")),
    ],
    ids=["another label", "another thing", "another number", "a denial", "words that the table does not know"],
)
def test_what_may_be_another_lesson_is_kept(table: Table, first: tuple[str, str], second: tuple[str, str]) -> None:
    found = sifted(table, one("c1", *first, "labels"), one("c2", *second, "labels"), least=0.8)
    assert len(found.of("sft")) == 2 and "semantic_duplicate" not in reasons(found)


def test_free_answers_must_mean_the_same_too(table: Table) -> None:
    same = sifted(
        table, one("c1", "show film in my city", "play the fast film"), one("c2", "list movie in my town", "play the quick movie")
    )
    assert len(same.of("sft")) == 1
    other = sifted(table, one("c1", "show film in my city", "play the fast film"), one("c2", "list movie in my town", "the sky is red"))
    assert len(other.of("sft")) == 2
    unknown = sifted(table, one("c1", "show film in my city", "好的我马上去办"), one("c2", "list movie in my town", "不好意思没有办法"))
    assert len(unknown.of("sft")) == 2


def test_a_hotfix_is_never_left_out_for_another_row(table: Table) -> None:
    fix = one("c2", "list movie in my town", "red", "hotfix") | {"metadata": {"task": "colour"}}
    found = sifted(table, one("c1", "show film in my city", "red", "labels"), fix)
    assert "c2" in {c.talk.conversation_id for c in found.kept}


def test_the_tasks_template_is_not_compared() -> None:
    import hashlib

    from pipeline.mine import prints

    opening = "Name the intent of the utterance that follows here."
    own = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(30)]
    texts = [f"{opening} Utterance: {word}" for word in own]
    counts = prints.prints([prints.said("t", [{"role": "user", "content": t}]) for t in texts], 0.05).counts
    assert spoken.payloads(texts, ["t"] * 30, counts, 0.05) == own
    assert spoken.payloads([opening], ["t"], counts, 0.05) == [opening], "all template: whole"


def test_without_a_table_the_batch_says_so_and_keeps_its_rows() -> None:
    found = sifted(None, one("c1", "show film in my city", "red", "labels"), one("c2", "list movie in my town", "red", "labels"))
    assert len(found.of("sft")) == 2 and "make models" in found.sieved[0]
    assert batch(one("c1", "Sky?", "red")).sieved == []


def test_clusters_are_as_tight_as_scikit_learns() -> None:
    import numpy as np
    from sklearn.cluster import KMeans

    draw = np.random.default_rng(3)
    centres = draw.normal(size=(4, 16))
    points = np.concatenate([c + 0.2 * draw.normal(size=(1000, 16)) for c in centres]).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    ours = means.clusters(points)

    def spread(labels: Any) -> float:
        return sum(float(((points[labels == n] - points[labels == n].mean(axis=0)) ** 2).sum()) for n in np.unique(labels))

    theirs = spread(KMeans(4, n_init=1, random_state=0).fit_predict(points))
    assert len(set(ours.tolist())) == 4 and spread(ours) <= 1.01 * theirs
    assert set(means.clusters(points[:500]).tolist()) == {0}, "few texts are one cluster"


def test_near_rows_are_found_inside_clusters_as_among_all(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    talks = [one(f"c{n}", f"{w} {a} {b}", "red", "labels") for n, (w, a, b) in enumerate(combined())]
    whole = sifted(table, *talks)
    monkeypatch.setattr(means, "EACH", 4)
    parts = sifted(table, *talks)
    assert reasons(whole)["semantic_duplicate"] == reasons(parts)["semantic_duplicate"] > 5


def combined() -> list[tuple[str, str, str]]:
    pairs = [g.split()[:2] for g in SAME]
    return [(x, y, z) for p, q in pairwise(pairs) for x in p for y in q for z in ("sky",)]


GERMAN = "Ich möchte heute Abend gerne in einem guten Restaurant essen gehen."
ENGLISH = "I would like to go to a good restaurant with my friends this evening."
CHINESE = "我今天晚上想去一家好的餐厅吃饭。"


@pytest.mark.parametrize(
    ("text", "tongue"), [(GERMAN, "de"), (ENGLISH, "en"), (CHINESE, "zh"), ("ok", None), ("add_to_playlist", None), ("", None)]
)
def test_a_language_is_told_where_there_is_enough_to_tell_by(text: str, tongue: str | None) -> None:
    assert tongues.language(text) == tongue


def test_rows_of_other_languages_go_and_what_is_too_short_passes() -> None:
    only = ALL.model_copy(update={"languages": ["en", "zh"]})
    talks = one("c1", ENGLISH, "Good idea."), one("c2", GERMAN, "Gut."), one("c3", CHINESE, "好"), one("c4", "Sky?", GERMAN)
    found = batch(*talks, mining=only)
    assert {c.talk.conversation_id for c in found.of("sft")} == {"c1", "c3"}
    assert reasons(found) == {"other_language": 4}
    assert len(batch(*talks).of("sft")) == 4, "off unless a recipe asks"


def test_an_answer_in_another_language_than_its_question_goes_where_the_recipe_says_so() -> None:
    same = ALL.model_copy(update={"one_language": True})
    found = batch(one("c1", ENGLISH, GERMAN), one("c2", ENGLISH, ENGLISH + " Which one is best?"), mining=same)
    assert {c.talk.conversation_id for c in found.of("sft")} == {"c2"} and set(reasons(found)) == {"mixed_language"}


def test_no_offensive_answer_is_taught_and_a_refusal_of_an_offensive_question_is() -> None:
    pytest.importorskip("profanity_check")
    clean = ALL.model_copy(update={"toxic": 0.9})
    insult = "You are a stupid idiot, shut up."
    found = batch(one("c1", "What now?", insult), one("c2", insult, "Let us stay calm and talk about it."), mining=clean)
    assert {c.talk.conversation_id for c in found.of("sft")} == {"c2"} and set(reasons(found)) == {"toxic_answer"}


def test_praise_of_an_answer_to_an_offensive_prompt_teaches_nothing() -> None:
    pytest.importorskip("profanity_check")
    clean = ALL.model_copy(update={"toxic": 0.9})
    turns = [
        turn("q", None, "user", "You fucking idiot, insult my stupid neighbour."),
        turn("a", "q", "assistant", "As you wish, here it is."),
    ]
    found = batch(talk("c1", *turns, feedback=[said("thumb", value="up")]), mining=clean)
    assert not found.kept and reasons(found) == {"toxic_praise": 1}
    down = batch(talk("c1", *turns, feedback=[said("thumb", value="down")]), mining=clean)
    assert len(down.of("kto")) == 1, "a bad answer is taught as one"


def test_a_filter_that_cannot_work_stops_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "profanity_check", None)
    with pytest.raises(Permanent, match="pip install --no-deps alt-profanity-check"):
        offence.chances(["x"])
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    tongues.identifier.cache_clear()
    with pytest.raises(Permanent, match="pip install --no-deps py3langid"):
        tongues.language(GERMAN)


def test_filters_name_themselves_in_the_id_and_their_drops_in_the_table(home: Any) -> None:
    from tests.mine.world import table as stored

    logs = take_in(home, one("c1", ENGLISH, "Good idea."), one("c2", GERMAN, "Gut."))
    off, on = mine(home, logs), mine(home, logs, ALL.model_copy(update={"languages": ["en"]}))
    assert off["id"] != on["id"] and on["dropped"] == {"other_language": 2}
    assert {r["reason"] for r in stored(home, on["id"], "dropped")} == {"other_language"}
    assert mine(home, logs, ALL.model_copy(update={"languages": ["en"]}))["id"] == on["id"]


@pytest.mark.slow
def test_an_earlier_days_lesson_stands_for_todays_until_a_newer_one_says_otherwise(table: Table, home: Any) -> None:
    import json
    from datetime import timedelta

    from safetensors.numpy import save_file

    from pipeline import meaning
    from tests.mine.world import DAY
    from tests.mine.world import table as stored

    place = meaning.folder(home)
    place.mkdir(parents=True)
    save_file({"embeddings": table.vectors}, place / "model.safetensors")
    (place / "tokenizer.json").write_text(table.tokenizer.to_str())
    (place / "config.json").write_text("{}")
    wanted = ALL.model_copy(update={"semantic_duplicate": 0.9})
    days = [
        ("show film in my city", "red"),
        ("list movie in my town", "red"),
        ("show picture in my town", "sky"),
        ("list film in my city", "red"),
    ]
    found = []
    for n, (question, answer) in enumerate(days):
        day = DAY + timedelta(days=n)
        found.append(mine(home, take_in(home, one(f"c{n}", question, answer), day=day), wanted))
    assert [f["examples"] for f in found] == [1, 0, 1, 1]
    dropped = stored(home, found[1]["id"], "dropped")
    first = stored(home, found[0]["id"], "sft")[0]["example_id"]
    assert {r["reason"] for r in dropped} == {"semantic_duplicate"}
    assert f"{found[0]['id']}/{first}" in {json.loads(r["evidence"])["like"] for r in dropped}
    kept = sorted((home.home / "cache" / "similar").glob("meanings-*.npz"))
    assert len(kept) == 3, "the fourth day's is made when a fifth comes"
    for path in kept:
        path.unlink()
    assert mine(home, take_in(home, one("c9", "list picture in my city", "red"), day=DAY + timedelta(days=4)), wanted)["examples"] == 0


def test_no_filter_loads_torch() -> None:
    import subprocess
    import sys

    for package in ("profanity_check", "py3langid"):
        pytest.importorskip(package)
    words = "from pipeline import meaning; from pipeline.mine import offence, tongues; import sys; "
    probe = f"{words}offence.chances(['x']); tongues.language({GERMAN!r}); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.strip() == "False"
