"""No voice, and no concert of voices, moves a day by more than the recipe's share; honest users pass untouched."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import voices
from pipeline.mine import account
from pipeline.mine.batch import Batch
from pipeline.recipe import Mining, Task
from tests.mine.world import LABELS, WORDS, Row, batch, reasons, said, talk, turn

OPEN = Mining(heldout_share=0.0)
SHARE = OPEN.max_voice_share
NAMES = {"red": "", "blue": "", "green": "", "black": "", "white": "", "grey": ""}
COLOUR = LABELS.model_copy(update={"labels": NAMES})
FREE = Task(name="free", match={"app": "free"})


def one(id: str, user: str, question: str, answer: str, *events: Row, app: str = "labels") -> Row:
    return talk(id, turn("q", None, "user", question), turn("a", "q", "assistant", answer), user_id=user, app=app, feedback=list(events))


def honest(users: int = 50, each: int = 4, app: str = "labels") -> list[Row]:
    """Everybody asks their own questions; some edit, some vote, all in words of their own."""
    draw, found = random.Random(5), []
    for u in range(users):
        for n in range(each):
            question = f"Question {n} of person {u}: {' '.join(draw.choices(WORDS, k=4))}?"
            text = (
                draw.choice(["red", "blue", "black", "white"]) if app == "labels" else " ".join(draw.choices(WORDS, k=draw.randint(1, 9)))
            )
            events = [said("edit", text=text)] if n % 2 else [said("thumb", value=draw.choice(["up", "down"]))]
            found.append(
                one(
                    f"h{u}-{n}",
                    f"person-{u}",
                    question,
                    "green" if app == "labels" else " ".join(draw.choices(WORDS, k=5)),
                    *events,
                    app=app,
                )
            )
    return found


def taught(found: Batch) -> dict[str, float]:
    return {c.example_id: c.weight for c in found.kept}


def moved(before: Batch, after: Batch, hostile: str) -> tuple[float, float]:
    """(share of the weight that is hostile, share of the honest rows that are gone)."""
    weight = {side: sum(c.weight for c in after.kept if (c.speaker.user_hash or "").startswith(hostile) is side) for side in (True, False)}
    gone = set(taught(before)) - set(taught(after))
    return weight[True] / max(1e-9, weight[True] + weight[False]), len(gone) / len(before.kept)


@pytest.mark.parametrize("app", ["labels", "free"])
def test_fifty_honest_users_pass_untouched(app: str) -> None:
    cards = (COLOUR, FREE)
    plain = batch(*honest(app=app), cards=cards, mining=OPEN.model_copy(update={"max_voice_share": 1.0, "full_rows_per_user_day": 999}))
    found = batch(*honest(app=app), cards=cards, mining=OPEN)
    assert taught(found) == taught(plain) and len(found.kept) >= 200 and not found.concerts and not reasons(found)
    assert account.counts(found)["voices"]["lightened"] == 0


def flood_on_own() -> list[Row]:
    return [one(f"x{n}", "mallory", f"Mallory asks {n}?", "green", said("edit", text="red")) for n in range(1000)]


def flood_on_others(users: int = 1) -> list[Row]:
    """Everybody's answers edited to `red`, or voted the other way."""
    rows = []
    for n, t in enumerate(honest()):
        question, event = t["messages"][0]["content"], t["feedback"][0]
        for u in range(users):
            against = (
                said("edit", text="grey") if event["kind"] == "edit" else said("thumb", value="down" if event["value"] == "up" else "up")
            )
            rows.append(one(f"x{u}-{n}", f"mallory-{u}" if users > 1 else "mallory", question, "green", against))
    return rows


def thousand_votes() -> list[Row]:
    rows = honest()
    return [one(f"v{n}", "mallory", rows[n % 200]["messages"][0]["content"], "green", said("thumb", value="up")) for n in range(1000)]


@pytest.mark.parametrize("attack", [flood_on_own, flood_on_others, thousand_votes])
def test_one_hostile_user_moves_no_more_than_the_share(attack) -> None:
    before = batch(*honest(), cards=(COLOUR,), mining=OPEN)
    after = batch(*honest(), *attack(), cards=(COLOUR,), mining=OPEN)
    added, lost = moved(before, after, "mallory")
    assert added <= SHARE + 1e-9 and lost <= SHARE
    unguarded = batch(
        *honest(), *attack(), cards=(COLOUR,), mining=Mining(heldout_share=0.0, max_voice_share=1.0, max_rows_per_user_day=5000)
    )
    assert max(moved(before, unguarded, "mallory")) > SHARE, "the attack is one"


def same_votes() -> list[Row]:
    """Fifty accounts, each votes on the same thirty answers of others, against what those said."""
    return [t for t in flood_on_others(50) if int(t["conversation_id"].split("-")[1]) < 30]


def one_label() -> list[Row]:
    return [
        one(f"x{u}-{n}", f"mallory-{u}", f"Mallory {u} asks {n}?", "green", said("edit", text="grey")) for u in range(50) for n in range(20)
    ]


def copied_words() -> list[Row]:
    """The same advertisement under fifty users' own questions, each with an ending of its own."""
    text = "You should buy the wonderful Acme kettle today because nothing else boils"
    return [
        one(
            f"x{u}-{n}",
            f"mallory-{u}",
            f"Mallory {u} asks {' '.join(WORDS[(u + n) % 9 :][:3])} {n}?",
            "green",
            said("edit", text=f"{text} {WORDS[u % 20]}"),
            app="free",
        )
        for u in range(50)
        for n in range(4)
    ]


@pytest.mark.parametrize(
    ("attack", "app", "how"), [(same_votes, "labels", "acts"), (one_label, "labels", "label"), (copied_words, "free", "words")]
)
def test_fifty_users_in_concert_move_no_more_than_one(attack, app: str, how: str) -> None:
    before = batch(*honest(app=app), cards=(COLOUR, FREE), mining=OPEN)
    after = batch(*honest(app=app), *attack(), cards=(COLOUR, FREE), mining=OPEN)
    added, lost = moved(before, after, "mallory")
    assert added <= SHARE + 1e-9 and lost <= SHARE
    (concert,) = after.concerts
    assert len(concert.voices) == 50 and how in concert.how and all(v.startswith("mallory") for v in concert.voices)
    (told,) = account.counts(after)["voices"]["concerts"]
    assert told["voices"] == 50


def test_many_who_say_the_same_of_one_answer_are_no_concert() -> None:
    talks = [
        one(f"c{u}", f"person-{u}", "What is the capital of Australia?", "Sydney.", said("thumb", value="down"), app="free")
        for u in range(50)
    ]
    talks += [
        one(f"e{u}", f"person-{u}", "And of Canada?", "Toronto.", said("edit", text="The capital of Canada is Ottawa."), app="free")
        for u in range(50)
    ]
    assert not batch(*talks, cards=(FREE,), mining=OPEN).concerts


def test_a_hotfix_is_nobodys_voice() -> None:
    fixes = [
        talk(f"f{n}", turn("q", None, "user", f"Fix {n}?"), turn("a", "q", "assistant", "green"), user_id="operator", app="hotfix")
        | {"metadata": {"task": "colour", "hotfix": True}, "feedback": [said("edit", text="red")]}
        for n in range(40)
    ]
    found = batch(*fixes, *honest(users=25), cards=(COLOUR,), mining=OPEN)
    assert {c.weight for c in found.kept if c.talk.hotfix} == {1.0}


def test_the_rows_of_one_user_weigh_less_the_more_there_are() -> None:
    talks = [
        one(f"c{n}", "ann", f"{' '.join(random.Random(n).choices(WORDS, k=6))}?", "green", said("edit", text="red")) for n in range(20)
    ]
    found = batch(*talks, cards=(COLOUR,), mining=OPEN.model_copy(update={"lint": "warn"}))
    weights = sorted((c.weight for c in found.of("sft")), reverse=True)
    assert weights == pytest.approx([min(1.0, 10 / k) for k in range(1, 21)])


loud = st.lists(st.floats(0.01, 1000), min_size=2, max_size=60)


@given(loud, st.floats(0.02, 1))
def test_no_voice_is_above_its_share_after_the_cut_and_the_quiet_ones_are_not_touched(weights: list[float], share: float) -> None:
    named = {f"v{i}": w for i, w in enumerate(weights)}
    cut = voices.factors(named, share)
    after = {v: w * cut.get(v, 1.0) for v, w in named.items()}
    most = voices.limit(share, len(named))
    assert max(after.values()) <= most * sum(after.values()) * (1 + 1e-6)
    assert all(0 < f < 1 for f in cut.values()) and all(named[v] > max(after.values()) * (1 - 1e-6) for v in cut)


def test_the_cut_by_hand() -> None:
    """c = .1 * (c + 19) gives 19 / 9."""
    cut = voices.factors({"loud": 100.0} | {f"v{n}": 1.0 for n in range(19)}, 0.1)
    assert cut == {"loud": pytest.approx(19 / 9 / 100)}
    assert voices.factors({"a": 5.0, "b": 1.0}, 0.1) == {}, "two voices cannot both have a tenth"


def test_gini_by_hand() -> None:
    assert (
        voices.gini([1, 1, 1, 1]) == 0 and voices.gini([0, 0, 0, 1]) == pytest.approx(0.75) and voices.gini([1, 3]) == pytest.approx(0.25)
    )
    assert voices.gini([]) == 0 and voices.largest([3, 1]) == 0.75
